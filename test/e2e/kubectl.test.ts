import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  canContain,
  eventually,
  isInstalled,
  type LocalCluster,
  run,
  startCluster,
} from "../local-cluster.ts";

/** Real kubectl, real containers, a whole cluster. */
const web = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: hello }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: pintle.local/host
          command: [node, -e, 'console.log("starting " + process.env.GREETING); require("http").createServer((q, r) => r.end(process.env.HOSTNAME + "\\n")).listen(8080, process.env.POD_IP)']
          env:
            - { name: GREETING, valueFrom: { configMapKeyRef: { name: settings, key: greeting } } }
            - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
          ports: [{ containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
          resources: { limits: { memory: 128Mi } }
          volumeMounts: [{ name: settings, mountPath: /settings }]
      volumes: [{ name: settings, configMap: { name: settings } }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 8080 }] }
`;

for (const runtime of ["oci", "process"] as const) {
  describe(`kubectl on a small cluster, pods as ${runtime === "oci" ? "containers" : "processes"}`, function () {
    this.timeout(300_000);
    let cluster: LocalCluster;
    let kubectl: LocalCluster["kubectl"];

    before(async function () {
      if (!isInstalled("kubectl") || (runtime === "oci" && !canContain)) return this.skip();
      cluster = await startCluster({ replicas: 1, nodes: 1, runtime });
      ({ kubectl } = cluster);
    });
    after(() => cluster?.stop());

    const allPods = async () => {
      const { items } = JSON.parse(await kubectl("get", "pods", "-l", "app=web", "-o", "json")) as {
        readonly items: readonly { readonly metadata: { name: string; deletionTimestamp?: string } }[];
      };
      return items.map(({ metadata }) => metadata);
    };
    /** Those that stay: the pods of an earlier revision may still be on their way out. */
    const podNames = async () =>
      (await allPods())
        .filter(({ deletionTimestamp }) => deletionTimestamp === undefined)
        .map(({ name }) => name);

    it("applies a manifest and rolls it out", async () => {
      const output = await cluster.kubectlWith(web, "apply", "-f", "-");
      assert.match(output, /deployment\.apps\/web created/);
      await kubectl("rollout", "status", "deployment/web", "--timeout=120s");
      assert.match(await cluster.kubectlWith(web, "apply", "-f", "-"), /deployment\.apps\/web unchanged/);
    });

    it("answers through the Service", async () => {
      const port = await kubectl("get", "svc", "web", "-o", "jsonpath={.spec.ports[0].nodePort}");
      const node = await kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}");
      const body = await eventually(
        "the node port answers",
        async () => await (await fetch(`http://${node}:${port}/`)).text(),
        (text) => text !== "",
      );
      assert.match(body, /^web-/);
    });

    it("answers at the address of a load balancer, which says who else waits for the port", async () => {
      const balancer = (name: string) =>
        `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8090, targetPort: 8080}]}}`;
      await cluster.kubectlWith(balancer("outside"), "create", "-f", "-");
      const ingress = "jsonpath={.status.loadBalancer.ingress[0].ip}";
      await kubectl("wait", `--for=${ingress}`, "service/outside", "--timeout=60s");
      const address = await kubectl("get", "service", "outside", "-o", ingress);
      const body = await eventually(
        "the load balancer answers",
        async () => await (await fetch(`http://${address}:8090/`)).text(),
        (text) => text !== "",
      );
      assert.match(body, /^web-/);
      await cluster.kubectlWith(balancer("outside-too"), "create", "-f", "-");
      await kubectl(
        "wait",
        "--for=condition=pintle.dev/NodesBalance=False",
        "service/outside-too",
        "--timeout=60s",
      );
      assert.match(
        await kubectl("get", "service", "outside-too", "-o", "jsonpath={.status.conditions[0].message}"),
        /^port 8090\/TCP is Service default\/outside's$/,
      );
      await kubectl("delete", "service", "outside");
      await kubectl("wait", `--for=${ingress}`, "service/outside-too", "--timeout=60s");
      await kubectl("delete", "service", "outside-too");
    });

    if (runtime === "oci")
      it("answers at an address that a Service has for itself, on a port that the nodes have, too", async function () {
        if (!isInstalled("nft")) return this.skip();
        const balancer =
          "---\n{apiVersion: v1, kind: Service, metadata: {name: own}, spec: {type: LoadBalancer, loadBalancerClass: pintle.dev/pool, selector: {app: web}, ports: [{port: 10250, targetPort: 8080}]}}";
        await cluster.kubectlWith(balancer, "create", "-f", "-");
        const ingress = "jsonpath={.status.loadBalancer.ingress[0].ip}";
        await kubectl("wait", `--for=${ingress}`, "service/own", "--timeout=60s");
        const address = await kubectl("get", "service", "own", "-o", ingress);
        const body = await eventually(
          "the Service answers",
          async () => await (await fetch(`http://${address}:10250/`)).text(),
          (text) => text !== "",
        );
        assert.match(body, /^web-/);
        const holder = "jsonpath={.spec.holderIdentity}";
        const lease = `lease/pintle-load-balancer-${address}`;
        assert.equal(await kubectl("get", "-n", "kube-system", lease, "-o", holder), "node-1");
        await kubectl("delete", "service", "own");
      });

    it("logs, execs and brings exit codes back", async () => {
      const [pod = ""] = await podNames();
      assert.match(await kubectl("logs", pod), /starting hello/);
      assert.equal(await kubectl("exec", pod, "--", "sh", "-c", "echo $GREETING"), "hello\n");
      await assert.rejects(kubectl("exec", pod, "--", "sh", "-c", "exit 7"), /exit code 7/);
      assert.equal(
        await run("sh", ["-c", `echo typed | kubectl exec -i ${pod} -- cat`], {
          ...process.env,
          KUBECONFIG: cluster.kubeconfig,
        }),
        "typed\n",
      );
    });

    it("tells what is wrong with logs and exec: waiting, wrong, unscheduled, never run before", async () => {
      const waits = `{apiVersion: v1, kind: Pod, metadata: {name: waits}, spec: {terminationGracePeriodSeconds: 0, initContainers: [{name: first, image: pintle.local/host, command: [sleep, "1000"]}], containers: [{name: m, image: pintle.local/host}]}}`;
      const nowhere = `{apiVersion: v1, kind: Pod, metadata: {name: nowhere}, spec: {nodeSelector: {no: where}, containers: [{name: m, image: pintle.local/host}]}}`;
      await cluster.kubectlWith(`---\n${waits}\n---\n${nowhere}`, "apply", "-f", "-");
      await kubectl(
        "wait",
        "--for=jsonpath={.status.initContainerStatuses[0].state.running}",
        "pod/waits",
        "--timeout=120s",
      );
      const cases: readonly [readonly string[], string][] = [
        [["logs", "waits"], 'container "m" in pod "waits" is waiting to start: PodInitializing'],
        [
          ["logs", "waits", "-c", "first", "--previous"],
          'previous terminated container "first" in pod "waits" not found',
        ],
        [["exec", "waits", "-c", "m", "--", "true"], 'container not found ("m")'],
        [["exec", "waits", "-c", "wrong", "--", "true"], "container wrong is not valid for pod waits"],
        [["exec", "nowhere", "--", "true"], "pod nowhere does not have a host assigned"],
      ];
      for (const [args, text] of cases)
        await assert.rejects(
          kubectl(...args),
          (error: Error) => error.message.includes(text) || assert.fail(error.message),
        );
      await kubectl("delete", "pod", "waits", "nowhere", "--force", "--grace-period=0");
    });

    it("gives a terminal with exec -it", async () => {
      const [pod = ""] = await podNames();
      // `script` is the terminal that kubectl asks for.
      const output = await run(
        "script",
        [
          "-qec",
          `kubectl exec -it ${pod} -- sh -c 'test -t 0 && stty size && echo is-a-terminal'`,
          "/dev/null",
        ],
        { ...process.env, KUBECONFIG: cluster.kubeconfig },
      );
      assert.match(output, /is-a-terminal/);
    });

    it("scales, changes the template, shows history and undoes", async () => {
      await kubectl("scale", "deployment/web", "--replicas=3");
      await kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/web", "--timeout=120s");
      await kubectl("set", "env", "deployment/web", "EXTRA=1");
      await kubectl("rollout", "status", "deployment/web", "--timeout=120s");
      assert.match(await kubectl("rollout", "history", "deployment/web"), /REVISION[\s\S]*2/);
      await kubectl("rollout", "undo", "deployment/web");
      await kubectl("rollout", "status", "deployment/web", "--timeout=120s");
      assert.doesNotMatch(await kubectl("get", "deployment", "web", "-o", "yaml"), /name: EXTRA/);
    });

    it("updates config map volumes in running pods", async () => {
      const [pod = ""] = await podNames();
      if (runtime === "process") return; // processes see their volumes at other paths
      await kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"greeting":"howdy"}}');
      await eventually(
        "the file follows",
        () => kubectl("exec", pod, "--", "cat", "/settings/greeting"),
        (text) => text === "howdy",
      );
    });

    if (runtime === "oci") {
      it("runs containers: own pid, net and mount namespaces, a pod IP, and the memory limit enforced", async () => {
        const [pod = ""] = await podNames();
        for (const kind of ["pid", "net", "mnt", "ipc", "uts"]) {
          const inside = await kubectl("exec", pod, "--", "readlink", `/proc/self/ns/${kind}`);
          assert.notEqual(
            inside.trim(),
            execFileSync("readlink", [`/proc/self/ns/${kind}`], { encoding: "utf8" }).trim(),
            kind,
          );
        }
        const ip = await kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}");
        assert.match(
          await kubectl("exec", pod, "--", "ip", "-4", "addr", "show", "eth0"),
          new RegExp(`inet ${ip}`),
        );
        await cluster.kubectlWith(greedy, "apply", "-f", "-");
        const reason = () =>
          kubectl(
            "get",
            "pod",
            "greedy",
            "-o",
            "jsonpath={.status.containerStatuses[0].state.terminated.reason}",
          );
        await eventually("the kernel ends it", reason, (text) => text === "OOMKilled");
      });
    }

    it("deletes, and what belonged to it goes too", async () => {
      await kubectl("delete", "deployment", "web", "--timeout=120s");
      await eventually("no pod is left", allPods, (pods) => pods.length === 0);
    });
  });
}

const greedy = `
apiVersion: v1
kind: Pod
metadata: { name: greedy }
spec:
  restartPolicy: Never
  containers:
    - name: c
      image: pintle.local/host
      command: [node, -e, 'const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1))']
      resources: { limits: { memory: 64Mi } }
`;

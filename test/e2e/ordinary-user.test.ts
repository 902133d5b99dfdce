import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { dockerFolder } from "../../agent/images/testing/docker-archive.ts";
import { answeringPod } from "../answering-pod.ts";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";

const isRoot = process.getuid?.() === 0;
/** Nobody's here; without root this process' own, who is ordinary already. */
const user = isRoot ? 54_321 : (process.getuid?.() ?? 0);
const lowestPort = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
/** Where a Service's port is answered. */
const open = (port: number) => (port < lowestPort ? port + 10_000 : port);

/** `pintle up` as somebody who is not root, told by one line what pods cannot have, each word of which is tried; and all else. */
describe("a cluster of an ordinary user's", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;

  before(async () => {
    cluster = await startCluster({ replicas: 1, nodes: 1, ...(isRoot && { user }) });
    await apply(...objects);
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  });
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    console.error(await cluster.kubectl("get", "pods,events", "-o", "wide").catch(String));
  });
  after(() => cluster?.stop());

  const apply = (...list: readonly object[]) =>
    cluster.kubectlWith(list.map((one) => stringify(one)).join("---\n"), "apply", "-f", "-");
  /** Runs a pod to its end; answers what it said. */
  const runPod = async (name: string, script: string, spec: object = {}, container: object = {}) => {
    await apply(podOf(name, script, spec, container));
    await eventually(
      `${name} has ended`,
      () => cluster.kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}"),
      (phase) => phase === "Succeeded" || phase === "Failed",
    );
    return cluster.kubectl("logs", name);
  };
  const events = (name: string, reason: string) =>
    eventually(
      `an event ${reason} of ${name}`,
      () =>
        cluster.kubectl(
          "get",
          "events",
          `--field-selector=involvedObject.name=${name},reason=${reason}`,
          "-o",
          "jsonpath={.items[*].message}",
        ),
      (text) => text !== "",
    );
  const addressOf = (service: string, ...more: readonly string[]) =>
    cluster.kubectl("get", "service", service, ...more, "-o", "jsonpath={.spec.clusterIP}");

  it("says in one line what pods cannot have", () => {
    const [line = "", second] = cluster.said().split("\n");
    assert.match(line, /^pods run as plain processes, not containers \(not root/);
    assert.match(line, /without limits, read-only mounts, an image's files or network policies/);
    assert.match(line, /; all run as this user/);
    assert.doesNotMatch(second ?? "", /process|cannot/);
    const told = /Services' ports below (\d+) are answered 10000 higher/.exec(line)?.[1];
    assert.equal(told, lowestPort > 1 ? String(lowestPort) : undefined);
    assert.equal(line.includes("cluster DNS"), lowestPort > 53);
    assert.equal(line.includes("Ingress not at all"), lowestPort > 80);
  });

  it("is right in that: files, processes and network are this machine's, limits and read-only mounts are none", async () => {
    const own = join(cluster.folder, "of-the-host");
    writeFileSync(own, "seen");
    chmodSync(own, 0o644);
    const script = `cat ${own}; echo; readlink /proc/self/ns/net /proc/self/ns/pid; ls -d /proc/${process.pid}
      perl -e 'my $all = "x" x 9e7; print "took all\\n"'; echo mine > $PINTLE_ROOT/mine/file; cat $PINTLE_ROOT/mine/file; id -u`;
    const said = await runPod(
      "free",
      script,
      { volumes: [{ name: "mine", emptyDir: {} }], securityContext: { runAsUser: 1234, fsGroup: 77 } },
      {
        resources: { limits: { memory: "16Mi" } },
        volumeMounts: [{ name: "mine", mountPath: "/mine", readOnly: true }],
      },
    );
    const shared = ["net", "pid"].map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
    assert.deepEqual(said.trim().split("\n"), [
      "seen",
      ...shared,
      `/proc/${process.pid}`,
      "took all",
      "mine",
      String(user),
    ]);
    assert.match(
      await events("free", "NotIsolated"),
      /fsGroup, spec\.securityContext\.runAsUser, .*resources\.limits, .*volumeMounts\[0\]\.readOnly/,
    );
  });

  it("is right in that: nothing of an image is there but what it says of itself", async () => {
    const folder = join(cluster.folder, "archive");
    await dockerFolder(folder, "only:1", [{ "only-here": "text" }]);
    if (isRoot) for (const path of [folder, join(folder, "config.json")]) chownSync(path, user, user);
    await cluster.pintle("image", "import", folder);
    const said = await runPod("imaged", "test -e /only-here || echo absent", {}, { image: "only:1" });
    assert.equal(said, "absent\n");
  });

  it("is right in that: policies are not kept, low ports are answered higher, DNS and Ingress where they may be", async () => {
    const policy = { podSelector: {}, policyTypes: ["Ingress", "Egress"] };
    await apply({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "deny" },
      spec: policy,
    });
    assert.match(await events("deny", "NetworkPolicyNotEnforced"), /plain processes/);
    const web = await addressOf("web");
    assert.match(await ask(web, open(80)), /^web-/);
    if (open(80) !== 80) {
      assert.equal(await ask(web, 80), "ECONNREFUSED");
      assert.match(await events("web", "ServiceNotProgrammed"), /port 80, .*: answered at port 10080/);
      const node = await cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
      assert.match(await events(node, "IngressPortNotOpen"), / at 80 \(EACCES\)/);
    }
    const dns = await addressOf("kube-dns", "-n", "kube-system");
    assert.equal(await canConnect(dns, 53), lowestPort <= 53);
  });

  it("reaches the API and Services from pods as their environment says", async () => {
    const script = `at=$PINTLE_ROOT/var/run/secrets/kubernetes.io/serviceaccount
      curl -sS --cacert $at/ca.crt -H "authorization: Bearer $(cat $at/token)" \\
        https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/default | grep -o system:serviceaccount:default:default
      curl -sS http://$WEB_SERVICE_HOST:$WEB_SERVICE_PORT/`;
    const said = await runPod("inside", script);
    assert.match(said, /^system:serviceaccount:default:default\n[\s\S]*web-/);
  });

  it("has volumes, init containers, probes, logs, exec, cp and port-forward", async () => {
    const logs = await cluster.kubectl("logs", "deployment/web", "-c", "c");
    assert.match(logs, /^hello sesame web-\S+ from the map hello$/m);
    const [pod = ""] = (await cluster.kubectl("get", "pods", "-l", "app=web", "-o", "name")).split("\n");
    const inside = await cluster.kubectl("exec", pod, "-c", "c", "--", "sh", "-c", "echo $GREETING; id -u");
    assert.equal(inside, `hello\n${user}\n`);
    const source = join(cluster.folder, "copied");
    writeFileSync(source, "copied");
    await cluster.kubectl("cp", source, `${pod.replace("pod/", "")}:there`, "-c", "c");
    assert.equal(await cluster.kubectl("exec", pod, "-c", "c", "--", "cat", "there"), "copied");
    const forward = spawn("kubectl", ["port-forward", pod, ":8080"], {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
    });
    try {
      const [line] = (await once(forward.stdout, "data")) as [Buffer];
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(String(line))?.[1]);
      assert.match(await ask("127.0.0.1", port), /^web-/);
    } finally {
      const ended = once(forward, "exit");
      forward.kill();
      await ended;
    }
  });

  it("runs jobs on claims, restarts what fails, rolls out, and ends all that ran", async () => {
    await cluster.kubectl("wait", "--for=condition=complete", "job/once", "--timeout=120s");
    assert.equal(await cluster.kubectl("logs", "job/once"), "kept\n");
    await apply(podOf("dying", "echo dying; exit 3", { restartPolicy: "OnFailure" }));
    await eventually(
      "it was restarted",
      () =>
        cluster.kubectl("get", "pod", "dying", "-o", "jsonpath={.status.containerStatuses[0].restartCount}"),
      (count) => Number(count) > 0,
    );
    assert.equal(await cluster.kubectl("logs", "dying", "--previous"), "dying\n");
    await cluster.kubectl("rollout", "restart", "deployment/web");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
    assert.match(await ask(await addressOf("web"), open(80)), /^web-/);
    await cluster.kubectl("delete", "deployment,job,pod", "--all", "--timeout=120s");
    assert.equal(await cluster.kubectl("get", "pods", "-o", "name"), "");
  });
});

const podOf = (name: string, script: string, spec: object = {}, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "c", image: "pintle.local/host", command: ["sh", "-c", script], ...container }],
    ...spec,
  },
});

const meta = (name: string) => ({ name });
const mount = (name: string, mountPath: string, more: object = {}) => ({ name, mountPath, ...more });
const from = (kind: "configMapKeyRef" | "secretKeyRef", name: string, key: string) => ({
  valueFrom: { [kind]: { name, key } },
});

const objects: readonly object[] = [
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: meta("settings"),
    data: { greeting: "hello", file: "from the map" },
  },
  { apiVersion: "v1", kind: "Secret", metadata: meta("hidden"), stringData: { word: "sesame" } },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: meta("kept"),
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: meta("web"),
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: meta("web"),
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          volumes: [
            { name: "settings", configMap: meta("settings") },
            { name: "shared", emptyDir: {} },
            { name: "memory", emptyDir: { medium: "Memory" } },
            {
              name: "about",
              downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] },
            },
          ],
          initContainers: [
            {
              name: "first",
              image: "pintle.local/host",
              command: ["sh", "-c", "cp $PINTLE_ROOT/settings/file $PINTLE_ROOT/shared/copy"],
              volumeMounts: [mount("settings", "/settings"), mount("shared", "/shared")],
            },
          ],
          containers: [
            {
              name: "c",
              image: "pintle.local/host",
              command: [
                "sh",
                "-c",
                `cd $PINTLE_ROOT && echo "$GREETING $WORD $(cat about/name) $(cat shared/copy) $(cat part)" && touch memory/file && exec perl -e "$PROGRAM"`,
              ],
              env: [
                { name: "GREETING", ...from("configMapKeyRef", "settings", "greeting") },
                { name: "WORD", ...from("secretKeyRef", "hidden", "word") },
                { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                { name: "PROGRAM", value: answeringPod.replaceAll("$", "$$$$") },
              ],
              ports: [{ name: "http", containerPort: 8080 }],
              startupProbe: { tcpSocket: { port: "http" }, periodSeconds: 1, failureThreshold: 60 },
              readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
              livenessProbe: { exec: { command: ["true"] }, periodSeconds: 1, timeoutSeconds: 30 },
              volumeMounts: [
                mount("shared", "/shared"),
                mount("about", "/about"),
                mount("memory", "/memory"),
                mount("settings", "/part", { subPath: "greeting" }),
              ],
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: meta("once"),
    spec: {
      template: {
        spec: {
          restartPolicy: "Never",
          volumes: [{ name: "data", persistentVolumeClaim: { claimName: "kept" } }],
          containers: [
            {
              name: "c",
              image: "pintle.local/host",
              command: ["sh", "-c", "echo kept > $PINTLE_ROOT/data/file; cat $PINTLE_ROOT/data/file"],
              volumeMounts: [mount("data", "/data")],
            },
          ],
        },
      },
    },
  },
];

/** What is answered there, or the code of what went wrong. */
function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host, port, agent: false, timeout: 30_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      answer.on("end", () => resolve(text));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end();
  });
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { eachKubectl } from "../kubectls.ts";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";

/** Command after command in this order, each with what it must say, from that kubectl on. A "·" is a space within a word, FOLDER
 *  where the files are. */
type Row = readonly [command: string, wanted: RegExp, from?: number];

const made: readonly Row[] = [
  ["create namespace made", /namespace\/made created/],
  ["create deployment made --image=pintle.local/host --replicas=1 -- sleep 100000", /made created/],
  ["create job made --image=pintle.local/host -- echo done", /job\.batch\/made created/],
  ["create cronjob made --image=pintle.local/host --schedule=0·0·1·1·* -- echo", /cronjob\.batch\/made/],
  ["create job from --from=cronjob/made", /job\.batch\/from created/],
  ["create configmap made --from-literal=a=b --from-literal=c=d", /configmap\/made created/],
  ["create secret generic made --from-literal=a=b", /secret\/made created/],
  [
    "create secret docker-registry reg --docker-server=r --docker-username=u --docker-password=p",
    /reg created/,
  ],
  ["create serviceaccount made", /serviceaccount\/made created/],
  ["create token made --duration=10m --audience=x", /^ey[\w-]+\.ey[\w-]+\.[\w-]+\s*$/],
  ["create role made --verb=get,list --resource=pods,deployments.apps", /role\.rbac\S+\/made created/],
  ["create rolebinding made --role=made --serviceaccount=default:made", /rolebinding\.rbac\S+\/made created/],
  ["create clusterrole made --verb=get --resource=nodes", /clusterrole\.rbac\S+\/made created/],
  ["create clusterrolebinding made --clusterrole=made --user=u", /clusterrolebinding\.rbac\S+\/made created/],
  ["create quota made --hard=configmaps=20", /resourcequota\/made created/],
  ["create pdb made --selector=app=made --min-available=1", /poddisruptionbudget\.policy\/made created/],
  ["create priorityclass made --value=7 --description=x", /priorityclass\.scheduling\S+\/made created/],
  ["create ingress made --rule=a.example/*=made:80", /ingress\.networking\S+\/made created/],
  ["create service clusterip made --tcp=80:8080", /service\/made created/],
  ["create service externalname out --external-name=example.com", /service\/out created/],
  [
    "run alone --image=pintle.local/host --labels=a=b --env=E=f --command -- sleep 100000",
    /pod\/alone created/,
  ],
  ["expose deployment made --name=exposed --port=80 --target-port=8080", /service\/exposed exposed/],
  ["expose pod alone --name=one --port=80", /service\/one exposed/],
  ["rollout status deploy/made --timeout=120s", /successfully rolled out/],
  ["wait --for=condition=Ready pod/alone --timeout=120s", /condition met/],
  [
    "wait --for=condition=Complete job/made job/from --timeout=120s",
    /made condition met[\s\S]*from condition met/,
  ],
];

const asked: readonly Row[] = [
  ["get quota made -o jsonpath={.status.hard.configmaps}·{.status.used.configmaps}", /^20 \d+$/],
  ["get cm made -o jsonpath={range·.data.*}{@}{','}{end}", /^(b,d|d,b),$/],
  ["get cm made -o jsonpath-as-json={.data}", /"c": "d"/],
  ['get cm made -o go-template={{index·.data·"a"}}', /^b$/],
  ["get secret made -o go-template={{.data.a|base64decode}}", /^b$/],
  ["get pods -A --field-selector=metadata.namespace=default,spec.nodeName=node-1 -o name", /pod\/alone/],
  ["get deploy made --subresource=status -o jsonpath={.status.readyReplicas}", /^1$/],
  ["get deploy made --subresource=scale -o jsonpath={.kind}", /^Scale$/],
  ["get cm --chunk-size=1 -o name", /configmap\/kube-root-ca.crt\nconfigmap\/made/],
  ["get all,cm,ingress,pdb,quota,role -o name", /deployment\.apps\/made[\s\S]*role\.rbac/],
  ["get deploy made --show-managed-fields -o yaml", /manager: kubectl-create/],
  ["auth can-i create pods", /^yes/],
  ["auth can-i list pods --as=system:serviceaccount:default:made", /^yes/],
  [
    "auth can-i --list --as=system:serviceaccount:default:made",
    /deployments\.apps +\[\] +\[\] +\[get list\]/,
  ],
  ["auth whoami", /Username +\S+/, 28],
  ["config view --minify -o jsonpath={.clusters[0].cluster.server}", /^https:/],
  ["config current-context", /\S/],
  ["cluster-info", /control plane.* is running at/],
  ["api-versions", /^flowcontrol\.apiserver\.k8s\.io\/v1$/m],
  ["api-resources --verbs=list --namespaced=false -o name", /^nodes$/m],
  ["top nodes", /^node-1 +\d+m +\d+% +\d+Mi +\d+%/m],
  ["top pods", /^made-\w+-\w+ +\d+m +\d+Mi/m],
  ["events --for deploy/made", /ScalingReplicaSet/],
  ["get events --field-selector=involvedObject.name=made,reason=ScalingReplicaSet", /Scaled up/],
  ["logs job/made", /^done$/m],
  ["logs -l job-name=made --prefix --timestamps", /\[pod\/made-\w+\/made\] \d{4}-/],
  ["describe quota made", /configmaps +\d+ +20/],
  ["describe ingress made", /a\.example[\s\S]*made:80/],
  ["describe role made", /deployments\.apps +\[\] +\[\] +\[get list\]/],
  ["describe cronjob made", /Schedule: +0 0 1 1 \*/],
  ["kustomize FOLDER", /name: prefixed-one/],
];

const changed: readonly Row[] = [
  ["scale deploy/made --replicas=2 --current-replicas=1", /scaled/],
  ["rollout status deploy/made --timeout=120s", /successfully rolled out/],
  ["set env deploy/made E=f --containers=host", /env updated/],
  ["set env deploy/made --from=configmap/made --prefix=P_", /env updated/],
  ["set env deploy/made --list", /E=f[\s\S]*P_A/],
  ["set env deploy/made P_A- P_C-", /env updated/],
  ["set selector svc/exposed app=other", /selector updated/],
  ["set subject rolebinding made --user=more", /subjects updated/],
  ["label cm made x=y", /labeled/],
  ["label cm made x-", /unlabeled/],
  ['patch cm made -p {"data":{"a":"s"}}', /patched/],
  ['patch cm made --type=merge -p {"data":{"c":null}}', /patched/],
  ['patch cm made --type=json -p [{"op":"test","path":"/data/a","value":"s"}]', /patched \(no change\)/],
  ['patch deploy made --subresource=scale --type=merge -p {"spec":{"replicas":1}}', /patched/],
  ["get cm made -o jsonpath={.data}", /^\{"a":"s"\}$/],
  ["autoscale deploy/made --min=1 --max=3 --name=auto", /autoscaled/],
  ["replace -f FOLDER/map.yaml", /configmap\/made replaced/],
  ["edit cm made", /configmap\/made edited/],
  ["get cm made -o jsonpath={.data.word}", /^after$/],
  ["apply --server-side -f FOLDER/served.yaml", /configmap\/served serverside-applied/],
  [
    "apply --server-side --field-manager=other --force-conflicts -f FOLDER/contested.yaml",
    /serverside-applied/,
  ],
  ["apply --dry-run=server -f FOLDER/fresh.yaml", /created \(server dry run\)/],
  ["apply --dry-run=client -f FOLDER/fresh.yaml", /created \(dry run\)/],
  ["create --dry-run=server -f FOLDER/fresh.yaml -o jsonpath={.metadata.uid}", /^[0-9a-f-]{36}$/],
  ["apply -f FOLDER/set.yaml --prune -l set=one", /one-a created[\s\S]*one-b created/],
  ["apply -f FOLDER/half-set.yaml --prune -l set=one --prune-allowlist=core/v1/ConfigMap", /one-b pruned/],
  ["apply -k FOLDER", /prefixed-one created/],
  ["rollout restart deploy/made", /restarted/],
  ["rollout status deploy/made --timeout=120s", /successfully rolled out/],
  ["rollout history deploy/made --revision=1", /Pod Template/],
  ["rollout undo deploy/made --to-revision=1", /rolled back/],
  ["create -f FOLDER/csr.yaml", /first created/],
  ["certificate approve first", /first approved/],
  ["certificate deny second", /second denied/],
  ["get csr first second -o jsonpath={.items[*].status.conditions[*].type}", /^Approved Denied$/],
  ["taint nodes -l kubernetes.io/os=linux k=v:PreferNoSchedule", /tainted/],
  ["taint nodes --all k:PreferNoSchedule-", /untainted/],
  ["debug alone --image=pintle.local/host --container=look --attach=false -- sleep 100000", /^$/],
  [
    "debug alone --image=pintle.local/host --copy-to=copied --container=look --attach=false -- sleep 100000",
    /^$/,
  ],
  ["get pod alone -o jsonpath={.spec.ephemeralContainers[*].name}", /^look$/],
];

/** A definition's fields are selected by, and its whole numbers stay what they are within 64 bits. */
const custom: readonly Row[] = [
  ["apply -f FOLDER/definition.yaml", /things\.example\.com created/],
  ["wait --for=condition=Established crd/things.example.com --timeout=120s", /condition met/],
  ["apply -f FOLDER/thing.yaml", /thing\.example\.com\/big created/],
  ["apply -f FOLDER/thing.yaml", /thing\.example\.com\/big unchanged/],
  ["get thing big -o jsonpath={.spec.whole}", /^9007199254740993$/],
  ["get thing big -o json", /"whole": 9007199254740993\b/],
  ["get thing big -o yaml", /^ +whole: 9007199254740993$/m],
  ["edit thing big", /big edited/],
  ["get things --field-selector=spec.word=after -o jsonpath={.items[*].spec.whole}", /^9007199254740993$/],
  ["get things --field-selector=spec.word=before", /^$/],
  ['patch thing big --type=merge -p {"spec":{"whole":-9223372036854775808}}', /patched/],
  ["get thing big -o jsonpath={.spec.whole}", /^-9223372036854775808$/],
  ["apply --server-side --force-conflicts -f FOLDER/thing.yaml", /serverside-applied/],
  ["get thing big -o jsonpath={.spec.whole}", /^9007199254740993$/],
  ["explain things.spec.whole", /whole <integer>/],
  ["delete crd things.example.com --timeout=120s", /"things\.example\.com" deleted/],
];

const refused: readonly Row[] = [
  ["scale deploy/made --replicas=2 --current-replicas=5", /expected replicas to be 5/i],
  ["create cm made --from-literal=a=b", /configmaps "made" already exists/],
  ["create -f FOLDER/unknown.yaml", /strict decoding error: unknown field "datum"/],
  ["apply --server-side -f FOLDER/served.yaml", /conflict with "other"[\s\S]*\.data\.who/],
  ["diff -f FOLDER/served.yaml", /\+ +who: first/],
  ["auth can-i delete nodes --as=system:serviceaccount:default:made", /^[\s\S]*no\n/],
  [
    "get secrets --as=u",
    /User "u" cannot list resource "secrets" in API group "" in the namespace "default"/,
  ],
  ["explain nosuch", /the server doesn't have a resource type "nosuch"/],
  ["explain pod.nosuch", /field "nosuch" does not exist/],
  ["wait --for=condition=Never pod/alone --timeout=1s", /timed out waiting for the condition/],
  ["rollout undo deploy/made --to-revision=99", /unable to find specified revision 99/],
  ["exec alone -c nosuch -- true", /container nosuch is not valid for pod alone/],
  ["delete node nosuch", /nodes "nosuch" not found/],
  ["create token made --bound-object-kind=Pod --bound-object-name=nosuch", /pods "nosuch" not found/],
  ["annotate cm made x=z --overwrite --resource-version=1", /the object has been modified/],
  ['patch deploy made --type=merge -p {"spec":{"selector":null}}', /spec\.selector: Required value/],
];

const removed: readonly Row[] = [
  ["delete deploy made --cascade=foreground --timeout=120s", /"made" deleted/],
  ["get rs,pods -l app=made -o name", /^$/],
  ["delete job made --cascade=background", /"made" deleted/],
  ["delete pod alone copied --grace-period=0 --force", /"alone" force deleted/],
  ["delete cm -l set=one", /"one-a" deleted/],
  ["delete -k FOLDER", /"prefixed-one" deleted/],
  ["delete cm --all --dry-run=server", /"made" deleted.* \(server dry run\)/],
  ["get cm made -o name", /configmap\/made/],
  ["delete ns made --timeout=120s", /"made" deleted/],
  ["delete csr first second", /deleted/],
];

const map = (name: string, data: object, labels?: object) =>
  `${JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels }, data })}\n`;
const list = (items: readonly string[]) => `{"apiVersion":"v1","kind":"List","items":[${items.join(",")}]}`;
const one = (name: string) => map(name, { a: "b" }, { set: "one" });
const serving = `require("http").createServer((q, r) => r.end("served " + q.url)).listen(8080, process.env.IP, () => console.log("listening"))`;

/** Two requests for a client's certificate. */
async function signingRequests(): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=somebody",
    keys,
    signingAlgorithm: signing,
  });
  const spec = {
    request: Buffer.from(request.toString("pem")).toString("base64"),
    signerName: "kubernetes.io/kube-apiserver-client",
    usages: ["client auth"],
  };
  const requests = ["first", "second"]
    .map((name) => ({
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name },
      spec,
    }))
    .map((one) => JSON.stringify(one));
  return list(requests);
}
const signing = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "things", singular: "thing", kind: "Thing" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        selectableFields: [{ jsonPath: ".spec.word" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: { whole: { type: "integer", format: "int64" }, word: { type: "string" } },
              },
            },
          },
        },
      },
    ],
  },
};

const pod = (name: string, container: object) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      containers: [{ name, image: "pintle.local/host", ...container }],
    },
  });
const files = {
  "map.yaml": map("made", { word: "before" }),
  "served.yaml": map("served", { who: "first" }),
  "contested.yaml": map("served", { who: "other" }),
  "fresh.yaml": map("fresh", {}),
  "unknown.yaml": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"unknown"},"datum":{}}',
  "set.yaml": list([one("one-a"), one("one-b")]),
  "half-set.yaml": one("one-a"),
  "server.yaml": pod("server", {
    command: ["node", "-e", serving],
    env: [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
    ports: [{ containerPort: 8080 }],
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
  }),
  "definition.yaml": JSON.stringify(definition),
  // The number is one that JavaScript's own cannot hold.
  "thing.yaml": `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"big"},"spec":{"whole":9007199254740993,"word":"before"}}`,
  "echoes.yaml": pod("echoes", { command: ["cat"], stdin: true, stdinOnce: true }),
  "kustomization.yaml": JSON.stringify({ namePrefix: "prefixed-", resources: ["one.yaml"] }),
  "one.yaml": map("one", { a: "b" }),
};

const explainedAtOnce = 4;

eachKubectl("kubectl, command by command", ({ program, minor }) => {
  let cluster: LocalCluster;
  let folder: string;
  let kubectl: LocalCluster["kubectl"];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-commands-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "csr.yaml"), await signingRequests());
    process.env.KUBE_EDITOR = "sed -i s/before/after/";
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "process", kubectl: program });
    ({ kubectl } = cluster);
  });
  after(async () => {
    delete process.env.KUBE_EDITOR;
    await cluster?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const words = (command: string) =>
    command.split(" ").map((word) => word.replaceAll("·", " ").replace("FOLDER", folder));
  const suite = (
    title: string,
    rows: readonly Row[],
    say: (command: string, wanted: RegExp) => Promise<void>,
  ) =>
    describe(title, () => {
      for (const [command, wanted, from = 0] of rows)
        if (minor >= from) it(command, () => say(command, wanted));
    });
  const says = async (command: string, wanted: RegExp) =>
    assert.match(await kubectl(...words(command)), wanted);

  suite("makes", made, says);
  suite("shows", asked, says);

  describe("explains", () => {
    it("explains every kind that is served, and all of its fields", async () => {
      const text = await kubectl("api-resources", "--no-headers", "-o", "wide");
      const kinds = text
        .trimEnd()
        .split("\n")
        .map(
          (line) =>
            /^(\S+).* (\S+) +(?:true|false) +(\w+) +\S+ *\S*$/.exec(line)?.slice(1) ?? assert.fail(line),
        )
        // Lines of logs are found by a search, and are no objects that have fields.
        .filter(([, apiVersion = ""]) => !apiVersion.startsWith("logs.pintle.dev/"));
      assert.ok(kinds.length > 60, text);
      const explain = async ([plural = "", apiVersion = "", kind = ""]: readonly string[]) => {
        const version = apiVersion.split("/").at(-1);
        const explained = await kubectl("explain", plural, `--api-version=${apiVersion}`, "--recursive");
        assert.match(explained, new RegExp(`^KIND: +${kind}\\nVERSION: +${version}`, "m"), explained);
        assert.match(explained, /^ {2}apiVersion\t<string>$/m, explained);
      };
      for (let at = 0; at < kinds.length; at += explainedAtOnce)
        await Promise.all(kinds.slice(at, at + explainedAtOnce).map(explain));
    });
  });

  suite("changes", changed, says);
  suite("custom kinds", custom, says);
  suite("is refused", refused, (command, wanted) => assert.rejects(kubectl(...words(command)), wanted));

  /** A kubectl that goes on until the test has heard enough: the match of a pattern, waited for. */
  const during = async (
    command: string,
    look: (hear: (wanted: RegExp) => Promise<RegExpExecArray>) => Promise<unknown>,
  ) => {
    const child = spawn(program, words(command), {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data) => {
        said += data;
      });
    const ended = once(child, "exit");
    const hear = (wanted: RegExp) =>
      eventually(
        `${command} says ${wanted}`,
        async () => wanted.exec(said) ?? assert.fail(said),
        () => true,
      );
    try {
      await look(hear);
    } finally {
      child.kill();
      await ended;
    }
  };

  describe("streams", () => {
    it("forwards a port of a pod and of what chooses it", async () => {
      await kubectl("apply", "-f", join(folder, "server.yaml"));
      await kubectl("wait", "--for=condition=Ready", "pod/server", "--timeout=120s");
      await kubectl("expose", "pod", "server", "--port=80", "--target-port=8080");
      for (const command of ["port-forward pod/server :8080", "port-forward svc/server :80"])
        await during(command, async (hear) => {
          const [, port] = await hear(/Forwarding from 127\.0\.0\.1:(\d+)/);
          for (let n = 0; n < 2; n++)
            assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "served /");
        });
    });

    it("proxies the API, services and pods", () =>
      during("proxy --port=0", async (hear) => {
        const [, address] = await hear(/Starting to serve on (127\.0\.0\.1:\d+)/);
        const get = async (path: string) => (await fetch(`http://${address}${path}`)).text();
        assert.equal(await get("/healthz"), "ok");
        const inside = "/api/v1/namespaces/default";
        assert.equal(await get(`${inside}/services/server:80/proxy/a`), "served /a");
        assert.equal(await get(`${inside}/pods/server:8080/proxy/b?c`), "served /b?c");
      }));

    it("follows logs, and watches what comes, changes and goes", async () => {
      await during("logs -f server --since=10m", (hear) => hear(/^listening$/m));
      await during("get cm -l watched=yes -w --output-watch-events --no-headers", async (hear) => {
        await kubectl("label", "cm", "made", "watched=yes");
        await hear(/ADDED +made/);
        await kubectl("annotate", "cm", "made", "watched=yes");
        await hear(/MODIFIED +made/);
        await kubectl("label", "cm", "made", "watched-");
        await hear(/DELETED +made/);
      });
    });

    it("attaches to what runs, and carries files both ways", async () => {
      await kubectl("apply", "-f", join(folder, "echoes.yaml"));
      await kubectl("wait", "--for=condition=Ready", "pod/echoes", "--timeout=120s");
      assert.match(await cluster.kubectlWith("typed\n", "attach", "-i", "echoes"), /typed/);
      // What attaches first is all of its input.
      await kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/echoes", "--timeout=120s");
      const there = join(folder, "there");
      await kubectl("cp", join(folder, "map.yaml"), `server:${there}`);
      await kubectl("cp", `server:${there}`, join(folder, "back"));
      assert.equal(readFileSync(join(folder, "back"), "utf8"), files["map.yaml"]);
    });
  });

  suite("removes", removed, says);
});

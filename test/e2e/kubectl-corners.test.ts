import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eachKubectl } from "../kubectls.ts";
import { type LocalCluster, startCluster } from "../local-cluster.ts";

/** What the tour of everyday commands leaves out, command by command on one cluster, in this order: arguments, and
 *  what must be in the output (standard output, and error where it fails). */
const objects = `
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
      containers: [{ name: c, image: pintle.local/host, command: [sleep, "100000"] }]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: ds }
spec:
  selector: { matchLabels: { app: ds } }
  template:
    metadata: { labels: { app: ds } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: c, image: pintle.local/host, command: [sleep, "100000"] }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: job }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: c, image: pintle.local/host, command: [echo, hi] }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Secret
metadata: { name: secret }
stringData: { a: b }
`;

type Row = readonly [command: string, wanted: RegExp];
const prepared: readonly Row[] = [
  ["apply -f FILE", /deployment.apps\/web created[\s\S]*secret\/secret created/],
  ["rollout status deploy/web --timeout=120s", /successfully rolled out/],
  ["rollout status ds/ds --timeout=120s", /successfully rolled out/],
  ["wait --for=condition=Complete job/job --timeout=120s", /condition met/],
];
const shown: readonly Row[] = [
  ["get deploy web -o json", /"kind": "Deployment"/],
  ["get deploy web -o yaml", /^kind: Deployment$/m],
  ["get pods -o wide", /NOMINATED NODE[\s\S]*node-1/],
  ["get deploy,svc -o name", /^deployment.apps\/web\nservice\/kubernetes\nservice\/web\n$/],
  ["get pods -l app=web -o jsonpath={.items[*].metadata.labels.app}", /^web web$/],
  ["get deploy -o go-template={{range.items}}{{.metadata.name}};{{end}}", /^web;$/],
  ["get deploy -o custom-columns=N:.metadata.name,R:.spec.replicas", /^N +R\nweb +2\n$/],
  ["get pods --show-labels", /LABELS[\s\S]*app=web,pod-template-hash=/],
  ["get pods -L app", /AGE +APP\n/],
  ["get svc --sort-by=.metadata.name", /kubernetes[\s\S]*web/],
  ["get svc --sort-by={.spec.ports[0].port}", /web[\s\S]*kubernetes/],
  ["get --raw /api/v1/namespaces/default", /"phase":"Active"/],
  ["api-resources -o wide", /configmaps +cm +v1 +true +ConfigMap +create,delete,deletecollection,get/],
  ["explain deployment --recursive", / {4}strategy\t<DeploymentStrategy>/],
  ["auth can-i --list", /\*\.\*/],
  ["events", /ScalingReplicaSet +Deployment\/web/],
  ["version", /Server Version: .*v1\.36\.\d+\+pintle/],
  ...[
    ...[
      "deploy/web",
      "ds/ds",
      "job/job",
      "svc/web",
      "secret/secret",
      "rs",
      "pods",
      "nodes",
      "cm",
      "ns/default",
    ],
    ...["sa/default", "ep", "endpointslices", "events", "controllerrevisions", "leases -n kube-node-lease"],
  ].map((what): Row => [`describe ${what}`, /^Name: +\S+/]),
];
const changed: readonly Row[] = [
  ["apply set-last-applied -f FILE", /unchanged|configured/],
  ["apply view-last-applied deploy/web", /kind: Deployment/],
  ["set image deploy/web c=pintle.local/host:2", /image updated/],
  ["set resources deploy/web --limits=cpu=100m", /resource requirements updated/],
  ["set serviceaccount deploy/web default", /serviceaccount updated/],
  ["rollout pause deploy/web", /paused/],
  ["rollout resume deploy/web", /resumed/],
  ["rollout undo deploy/web", /rolled back/],
  ["rollout restart ds/ds", /restarted/],
  ["rollout status ds/ds --timeout=120s", /successfully rolled out/],
  ["taint node node-1 k=v:NoSchedule", /tainted/],
  ["taint node node-1 k-", /untainted/],
  ["cordon node-1", /cordoned/],
  ["uncordon node-1", /uncordoned/],
  ["label deploy/web a=b", /labeled/],
  ["label deploy/web a=c --overwrite", /labeled/],
  ["annotate deploy/web a=b", /annotated?/],
  ["annotate deploy/web a=c --overwrite", /annotated?/],
  ['patch deploy/web --subresource=status --type=merge -p {"status":{"observedGeneration":1}}', /patched/],
  ["replace --force --grace-period=0 -f FILE", /deployment.apps\/web replaced[\s\S]*secret\/secret replaced/],
  ["rollout status deploy/web --timeout=120s", /successfully rolled out/],
  ["wait --for=jsonpath={.status.availableReplicas}=2 deploy/web --timeout=120s", /condition met/],
  [
    // It says nothing before it has read all input, and so nothing before kubectl has joined it.
    "run r1 --image=pintle.local/host --restart=Never --rm -i --command -- sh -c cat;echo\thello",
    /hello\n[\s\S]*deleted/,
  ],
  ["drain node-1 --ignore-daemonsets --force --timeout=120s", /node\/node-1 drained/],
  ["uncordon node-1", /uncordoned/],
  ["autoscale deploy/web --max=3", /horizontalpodautoscaler\.autoscaling\/web autoscaled/],
  ["delete hpa web", /"web" deleted/],
];
const refused: readonly Row[] = [
  ["create job x --from=cronjob/none", /cronjobs\.batch "none" not found/],
  ["create token none", /serviceaccounts "none" not found/],
  ["debug job/job --image=x", /not supported by debug/],
  ["port-forward svc/web 8080:1", /does not have a service port 1/],
  ["get nosuch", /doesn't have a resource type "nosuch"/],
  ["get pod none", /pods "none" not found/],
];
const removed: readonly Row[] = [
  ["delete ds ds --cascade=orphan", /"ds" deleted/],
  ["get pods -l app=ds -o name", /^pod\/ds-\w+\n$/],
  ["delete pods -l app=ds --now", /deleted/],
  ["delete deploy --all", /"web" deleted/],
  ["wait --for=delete deploy/web --timeout=120s", /^$/],
  ["wait --for=delete pods -l app=web --timeout=120s", /^(pod\S+ condition met\n)*$/],
  ["delete -f FILE --ignore-not-found", /service "web" deleted/],
];

eachKubectl("kubectl's corners", ({ program }) => {
  let cluster: LocalCluster;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-corners-"));
    writeFileSync(join(folder, "objects.yaml"), objects);
    process.env.KUBE_EDITOR = "sed -i s/replicas:.2/replicas:.x/";
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "process", kubectl: program });
  });
  after(async () => {
    delete process.env.KUBE_EDITOR;
    await cluster?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const words = (command: string) =>
    command.split(" ").map((word) => (word === "FILE" ? join(folder, "objects.yaml") : word));

  for (const [title, rows] of Object.entries({ prepared, shown, changed }))
    describe(title, () => {
      for (const [command, wanted] of rows)
        it(command, async () => assert.match(await cluster.kubectl(...words(command)), wanted));
    });

  describe("refused", () => {
    for (const [command, wanted] of refused)
      it(command, () => assert.rejects(cluster.kubectl(...words(command)), wanted));
  });

  describe("and besides", () => {
    it("cp carries a file", async () => {
      const pod = await cluster.kubectl("get", "pods", "-l", "app=ds", "-o", "name");
      const there = join(folder, "there");
      const name = pod.trim().replace("pod/", "");
      await cluster.kubectl("cp", join(folder, "objects.yaml"), `${name}:${there}`);
      const text = await cluster.kubectl("exec", name, "--", "cat", there);
      assert.equal(text.trim(), objects.trim());
    });

    it("edit leaves an object as it is when the content is no good", async () => {
      const state = () =>
        cluster.kubectl("get", "deploy", "web", "-o", "jsonpath={.metadata.generation} {.spec.replicas}");
      const before = await state();
      await assert.rejects(cluster.kubectl("edit", "deploy/web"), /no valid changes were saved/);
      assert.equal(await state(), before);
    });
  });

  describe("removed", () => {
    for (const [command, wanted] of removed)
      it(command, async () => assert.match(await cluster.kubectl(...words(command)), wanted));
  });
});

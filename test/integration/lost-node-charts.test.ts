import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { localPathNode } from "../../client/rules/local-path.ts";
import type { DaemonSet, Deployment, Pod, Resource, StatefulSet } from "../../client/types.ts";
import { ClaimWitness } from "../claim-witness.ts";
import { objectsOf } from "../cluster-objects.ts";
import { helmFor, helmProgram } from "../helm.ts";
import { eventually, isInstalled, run } from "../local-cluster.ts";
import { type LosingCluster, lostNode, startLosingCluster } from "../losing-cluster.ts";
import { isRolledOut } from "../rolled-out.ts";
import { isReady, podHas, RolloutWitness } from "../rollout-witness.ts";

const chartAt = (name: string) => fileURLToPath(new URL(`charts/${name}`, import.meta.url));
const member = { "app.kubernetes.io/instance": "mq" };
const app = (name: string) => ({ app: name, release: "mon" });

/** Each has a pod on every node, as there are three of both. */
const workloads: readonly {
  readonly resource: Resource<DaemonSet | Deployment | StatefulSet>;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}[] = [
  { resource: resources.statefulsets, namespace: "queues", name: "mq", labels: member },
  {
    resource: resources.deployments,
    namespace: "monitoring",
    name: "mon-operator",
    labels: app("operator"),
  },
  {
    resource: resources.deployments,
    namespace: "monitoring",
    name: "mon-dashboard",
    labels: app("dashboard"),
  },
  { resource: resources.daemonsets, namespace: "monitoring", name: "mon-exporter", labels: app("exporter") },
];

/** Charts as of queues and monitoring stacks while a node's agent never comes back, on simulated nodes, in this order. */
describe("integration: a node is lost for good under charts", function () {
  this.timeout(180_000);
  this.bail(true);
  let folder: string;
  let cluster: LosingCluster;
  let client: RestClient;
  let tasks: TaskScope;
  let informers: InformerFactory;
  let rollout: RolloutWitness;
  let claims: ClaimWitness;
  let helm: (...args: string[]) => Promise<string>;
  /** Of the queue, as it was on the node that is lost. */
  let lost: Pod;

  before(async function () {
    if (!isInstalled(helmProgram) || !isInstalled("kubectl")) {
      console.log("    skipped: no helm (PINTLE_HELM names one) or no kubectl");
      return this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "pintle-lost-node-"));
    cluster = await startLosingCluster(["queues", "monitoring"]);
    ({ client } = cluster);
    helm = helmFor(cluster.kubeconfig, folder);
    tasks = new TaskScope(silentLog);
    const os = { clock: systemClock, random: systemRandom, log: silentLog };
    informers = new InformerFactory(tasks, { client, ...os });
    rollout = new RolloutWitness(informers.informer(resources.pods), [
      { name: "queue", labels: member, most: 3, readyLeast: 2 },
      { name: "operator", labels: app("operator"), readyLeast: 2 },
      { name: "dashboard", labels: app("dashboard"), readyLeast: 2 },
      { name: "exporter", labels: app("exporter"), most: 3, readyLeast: 2, onePerNode: true },
    ]);
    claims = new ClaimWitness(informers);
    await informers.synced(tasks.signal);
  });
  after(async () => {
    await tasks?.stop();
    await cluster?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const kubectl = (...args: string[]) =>
    run("kubectl", args, { ...process.env, KUBECONFIG: cluster.kubeconfig });
  const pods = async () => (await client.list(resources.pods)).items;
  const onLost = (all: readonly Pod[]) => all.filter(({ spec }) => spec.nodeName === lostNode);
  const rolledOut = ({ resource, namespace, name }: (typeof workloads)[number]) =>
    eventually(`${name} is rolled out`, () => client.get(resource, { namespace, name }), isRolledOut);
  const claimOfLost = () => ({ namespace: "queues", name: `data-${lost.metadata.name}` });
  const nothingBroke = () => assert.deepEqual([...rollout.problems, ...claims.problems], []);

  it("have a pod of each workload on it", async () => {
    const install = (name: string, chart: string, namespace: string, ...flags: string[]) =>
      helm(
        ...["install", name, chartAt(chart), `--namespace=${namespace}`, "--wait", "--timeout=2m"],
        ...flags,
      );
    await Promise.all([
      install("mq", "queue", "queues"),
      install("mon", "monitoring", "monitoring", "--set=operator.replicas=3,dashboard.min=3"),
    ]);
    const all = await eventually("all are there, as many as the autoscaler's least", pods, (found) =>
      workloads.every(
        ({ labels }) => found.filter((pod) => isReady(pod) && podHas(pod, labels)).length === 3,
      ),
    );
    for (const { name, labels } of workloads)
      assert.equal(onLost(all).filter((pod) => podHas(pod, labels)).length, 1, name);
    const [one] = onLost(all).filter((pod) => podHas(pod, member));
    assert.ok(one);
    lost = one;
  });

  it("keep a queue's member where it may still run, until somebody says that the node is out of service", async () => {
    await cluster.lose();
    await eventually(
      "the node is known not to answer",
      () => client.get(resources.nodes, { name: lostNode }),
      ({ spec }) =>
        (spec?.taints ?? []).some(
          ({ key, effect }) => key === "node.kubernetes.io/unreachable" && effect === "NoExecute",
        ),
    );
    const { namespace, name } = lost.metadata;
    const kept = await client.get(resources.pods, { namespace, name });
    assert.equal(kept.metadata.uid, lost.metadata.uid);
    await kubectl("taint", "nodes", lostNode, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute");
    const waiting = await eventually(
      "the member is made anew, and waits",
      async () => (await pods()).find(({ metadata }) => metadata.name === name),
      (pod) =>
        pod !== undefined &&
        pod.metadata.uid !== lost.metadata.uid &&
        pod.spec.nodeName === undefined &&
        pod.status?.conditions !== undefined,
    );
    assert.ok(waiting);
    assert.match(
      await cluster.why(waiting),
      new RegExp(`its claim data-${name}: its data is on node ${lostNode}, which is not`),
    );
  });

  it("are whole on the nodes that are left, but for the member whose data is on the lost one", async () => {
    for (const workload of workloads) if (workload.labels !== member) await rolledOut(workload);
    await eventually("no pod is on the lost node", pods, (all) => onLost(all).length === 0);
    const { spec, status } = await client.get(resources.persistentvolumeclaims, claimOfLost());
    assert.equal(status?.phase, "Bound", "nobody gives data up by himself");
    const volume = await client.get(resources.persistentvolumes, { name: spec.volumeName ?? "" });
    assert.equal(localPathNode(volume), lostNode);
    nothingBroke();
  });

  it("are whole once the node is deleted and the lost data is given up", async () => {
    await client.delete(resources.nodes, { name: lostNode });
    await client.delete(resources.persistentvolumeclaims, claimOfLost());
    await client.delete(resources.pods, { namespace: "queues", name: lost.metadata.name });
    for (const workload of workloads) await rolledOut(workload);
    await eventually(
      "no volume is on the lost node",
      () => client.list(resources.persistentvolumes),
      ({ items }) => items.length === 3 && items.every((volume) => localPathNode(volume) !== lostNode),
    );
    nothingBroke();
  });

  it("are uninstalled, and leave nothing", async () => {
    rollout.expect([]);
    await Promise.all([
      helm("uninstall", "mq", "--namespace=queues", "--wait", "--timeout=2m"),
      helm("uninstall", "mon", "--namespace=monitoring", "--wait", "--timeout=2m"),
    ]);
    await kubectl("delete", "crd", "metricservers.monitoring.example", "servicemonitors.monitoring.example");
    const left = await eventually(
      "nothing is left",
      async () => (await objectsOf(client)).filter((one) => !cluster.empty.includes(one)),
      (more) => more.length === 0,
    );
    assert.deepEqual(left, []);
    assert.deepEqual(claims.problems, []);
  });
});

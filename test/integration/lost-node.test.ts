import assert from "node:assert/strict";
import { agentFlags } from "../../agent/flags.ts";
import { simulationConfig, simulationFlags } from "../../agent/simulate/flags.ts";
import { simulate } from "../../agent/simulate/simulate.ts";
import { readMachine } from "../../agent/status/machine.ts";
import { systemClock } from "../../base/os/clock.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { ensureLocalPathClass } from "../../cli/up/local-path-class.ts";
import { explainPod } from "../../cli/why/explain-pod.ts";
import { findingsText } from "../../cli/why/finding.ts";
import { gatherPod } from "../../cli/why/gather.ts";
import { isReadyNode } from "../../cli/why/node-readiness.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { localPathNode } from "../../client/rules/local-path.ts";
import type { Node, Pod } from "../../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { startControllerManager } from "../../controlplane/controllers/controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../../controlplane/controllers/flags.ts";
import { defaultProfile } from "../../controlplane/scheduler/config/make-profiles.ts";
import { queueLimits } from "../../controlplane/scheduler/queue.ts";
import { startScheduler } from "../../controlplane/scheduler/scheduler.ts";
import { objectsOf } from "../cluster-objects.ts";
import { eventually } from "../local-cluster.ts";
import { isRolledOut } from "../rolled-out.ts";
import { isReady } from "../rollout-witness.ts";
import { speedyClock } from "../speedy-clock.ts";

const namespace = "databases";
const labels = (app: string) => ({ app });

/** Pods of one app, on as many nodes as there are; those of a lost node are given up after a minute. */
const template = (app: string) => ({
  metadata: { labels: labels(app) },
  spec: {
    containers: [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }],
    tolerations: ["unreachable", "not-ready"].map((why) => ({
      key: `node.kubernetes.io/${why}`,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 60,
    })),
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "DoNotSchedule",
        nodeTaintsPolicy: "Honor",
        labelSelector: { matchLabels: labels(app) },
      },
    ],
  },
});

/** A node whose agent never comes back, on simulated nodes, in this order. Minutes pass in seconds, except for the API server. */
describe("integration: a node is lost for good", function () {
  this.timeout(180_000);
  this.bail(true);
  const os = { ...testOs(), clock: speedyClock(20) };
  const staying = new TaskScope(os.log);
  const going = new TaskScope(os.log);
  let api: TestApiserver;
  let client: RestClient;
  /** Of what was started, in that order. */
  const stops: (() => Promise<void>)[] = [];
  let empty: readonly string[];

  before(async () => {
    api = await startTestApiserver();
    client = new RestClient(loadKubeconfig(api.kubeconfig));
    const flags = [
      `--kubeconfig=${await api.kubeconfigFor("system:kube-controller-manager")}`,
      "--leader-elect=false",
      "--node-monitor-grace-period=120s",
    ];
    const config = controllerManagerConfig(parseFlags(controllerManagerFlags, flags).flags);
    const manager = await startControllerManager(config, os);
    const scheduler = await startScheduler(
      {
        api: loadKubeconfig(await api.kubeconfigFor("system:kube-scheduler")),
        serve: { address: "127.0.0.1", port: 0 },
        election: undefined,
        profiles: [defaultProfile("default-scheduler")],
        extenders: [],
        backoff: queueLimits.backoff,
        pluginFiles: [],
      },
      testOs(),
    );
    stops.push(api.stop, async () => client.close(), manager.stop, scheduler.stop);
    stops.push(
      () => staying.stop(),
      () => going.stop(),
    );
    await ensureLocalPathClass(client);
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    await addNodes("stays", 2, staying);
    empty = await eventually(
      "all is there that an empty cluster has",
      () => objectsOf(client),
      (all) => all.filter((one) => one.includes(` ${namespace}/`)).length === 2,
    );
    await addNodes("lost", 1, going);
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  async function addNodes(name: string, count: number, tasks: TaskScope): Promise<void> {
    const words = [`--node-name=${name}`, `--simulate=${count}`];
    const config = simulationConfig(
      parseFlags({ ...agentFlags, ...simulationFlags }, words, { env: {} }).flags,
    );
    assert.ok(config);
    simulate(config, { client, tasks, machine: await readMachine("/"), os });
    await eventually(
      `nodes ${name} are ready`,
      () => client.list(resources.nodes),
      ({ items }) =>
        items.filter((node) => node.metadata.name.startsWith(`${name}-`) && isOpen(node)).length === count,
    );
  }
  const podsOf = async (app: string) =>
    (await client.list(resources.pods, { namespace, labelSelector: `app=${app}` })).items;
  const rolledOut = async () => {
    for (const [resource, name] of [
      [resources.statefulsets, "db"],
      [resources.deployments, "web"],
    ] as const)
      await eventually(`${name} is rolled out`, () => client.get(resource, { namespace, name }), isRolledOut);
  };
  const onLost = (pods: readonly Pod[]) => pods.find(({ spec }) => spec.nodeName === "lost-1");
  /** What `pintle why` says a minute later. */
  const why = async (pod: Pod) => {
    const nowMs = systemClock.wallMs() + 60_000;
    const { signal } = new AbortController();
    return findingsText("pod", explainPod(await gatherPod(client, pod, { nowMs, signal })));
  };
  /** The ordinal whose claim is on the node. */
  let member: string;

  it("has a pod of each workload", async () => {
    const meta = (name: string) => ({ name, namespace });
    await client.create(resources.statefulsets, {
      metadata: meta("db"),
      spec: {
        serviceName: "db",
        replicas: 3,
        selector: { matchLabels: labels("db") },
        template: template("db"),
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
          },
        ],
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Delete" },
      },
    } as never);
    await client.create(resources.deployments, {
      metadata: meta("web"),
      spec: { replicas: 3, selector: { matchLabels: labels("web") }, template: template("web") },
    } as never);
    await rolledOut();
    for (const app of ["db", "web"]) assert.ok(onLost(await podsOf(app)), app);
    member = onLost(await podsOf("db"))?.metadata.name ?? "";
  });

  it("is given up: a Deployment's pod is made anew elsewhere, a StatefulSet's is kept, as it may still run", async () => {
    await going.stop();
    await eventually(
      "three are ready elsewhere",
      () => podsOf("web"),
      (pods) => pods.filter((pod) => pod.spec.nodeName !== "lost-1" && isReady(pod)).length === 3,
    );
    const pod = await eventually(
      "the member is deleted",
      () => client.get(resources.pods, { namespace, name: member }),
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
    assert.equal(pod.spec.nodeName, "lost-1");
    assert.match(await why(pod), /its node lost-1 does not answer(.|\n)+kubectl delete node lost-1 /);
  });

  it("is deleted: its pods go, and what waits for its data says so", async () => {
    await client.delete(resources.nodes, { name: "lost-1" });
    const pod = await eventually(
      "the member is made anew, and waits",
      async () => (await podsOf("db")).find(({ metadata }) => metadata.name === member),
      (one) => one !== undefined && one.spec.nodeName === undefined && one.status?.conditions !== undefined,
    );
    assert.ok(pod);
    assert.equal(onLost([...(await podsOf("db")), ...(await podsOf("web"))]), undefined);
    const claim = `data-${member}`;
    assert.match(
      await why(pod),
      new RegExp(`^pod: the data of its claim ${claim} was on node lost-1, which does`),
    );
    const fieldSelector = `involvedObject.uid=${pod.metadata.uid},reason=FailedScheduling`;
    const { items } = await eventually(
      "an event says so",
      () => client.list(resources.events, { namespace, fieldSelector }),
      (found) => found.items.length > 0,
    );
    assert.match(items[0]?.message ?? "", /2 node\(s\) didn't match PersistentVolume's node affinity/);
    const { status } = await client.get(resources.persistentvolumeclaims, { namespace, name: claim });
    assert.equal(status?.phase, "Bound", "nobody gives data up by himself");
  });

  it("is healed once the lost data is given up, and its volume is gone", async () => {
    await client.delete(resources.persistentvolumeclaims, { namespace, name: `data-${member}` });
    await client.delete(resources.pods, { namespace, name: member });
    await rolledOut();
    await eventually(
      "no volume is on the lost node",
      () => client.list(resources.persistentvolumes),
      ({ items }) => items.length === 3 && items.every((volume) => localPathNode(volume) !== "lost-1"),
    );
  });

  it("leaves nothing", async () => {
    await client.delete(resources.statefulsets, { namespace, name: "db" });
    await client.delete(resources.deployments, { namespace, name: "web" });
    const left = await eventually(
      "nothing is left",
      async () => (await objectsOf(client)).filter((one) => !empty.includes(one)),
      (more) => more.length === 0,
    );
    assert.deepEqual(left, []);
  });
});

/** Ready, and nothing keeps pods off it. */
const isOpen = (node: Node): boolean => (node.spec?.taints ?? []).length === 0 && isReadyNode(node);

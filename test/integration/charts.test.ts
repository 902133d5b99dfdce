import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { ApiError } from "../../client/api-error.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import type { DaemonSet, Deployment, Pod, Resource, StatefulSet } from "../../client/types.ts";
import { ClaimWitness } from "../claim-witness.ts";
import { objectsOf } from "../cluster-objects.ts";
import { type ComponentCluster, startComponentCluster } from "../component-cluster.ts";
import { EndpointWitness, readyAddresses } from "../endpoint-witness.ts";
import { helmFor, helmProgram } from "../helm.ts";
import { eventually, isInstalled, run } from "../local-cluster.ts";
import { isRolledOut } from "../rolled-out.ts";
import { type Bounds, countOf, isReady, podHas, RolloutWitness } from "../rollout-witness.ts";

const nodes = 4;
const chartAt = (name: string) => fileURLToPath(new URL(`charts/${name}`, import.meta.url));
const stages = readFileSync(new URL("charts/stages.yaml", import.meta.url), "utf8");

/** A release of a chart, and where it is installed. */
interface Release {
  readonly name: string;
  readonly chart: string;
  readonly namespace: string;
}
const database: Release = { name: "db", chart: "database", namespace: "databases" };
const queue: Release = { name: "mq", chart: "queue", namespace: "queues" };
const monitoring: Release = { name: "mon", chart: "monitoring", namespace: "monitoring" };
const releases = [database, queue, monitoring];

const instance = (name: string, component?: string) => ({
  "app.kubernetes.io/instance": name,
  ...(component !== undefined && { "app.kubernetes.io/component": component }),
});
const app = (name: string) => ({ app: name, release: "mon" });

/** What is to hold at every moment, with so many of those that are scaled. */
const bounds = ({ reads = 2, members = 3, dashboards = 2 } = {}): readonly Bounds[] => [
  { name: "primary", labels: instance("db", "primary"), most: 1, readyLeast: 0 },
  {
    name: "read replicas",
    labels: instance("db", "read"),
    most: reads,
    readyLeast: reads - 1,
    onePerNode: true,
  },
  { name: "queue", labels: instance("mq"), most: members, readyLeast: members - 1 },
  { name: "operator", labels: app("operator"), readyLeast: 2 },
  { name: "dashboard", labels: app("dashboard"), readyLeast: dashboards },
  { name: "exporter", labels: app("exporter"), most: nodes, readyLeast: nodes - 1, onePerNode: true },
];

/** Services, and how many endpoints of each are always ready. */
const services = new Map([
  ["databases/db-read", 1],
  ["queues/mq", 1],
  ["monitoring/mon-operator", 1],
  ["monitoring/mon-dashboard", 1],
]);

type Workload = DaemonSet | Deployment | StatefulSet;
const workloads: readonly {
  readonly resource: Resource<Workload>;
  readonly namespace: string;
  readonly name: string;
}[] = [
  { resource: resources.statefulsets, namespace: "databases", name: "db-primary" },
  { resource: resources.statefulsets, namespace: "databases", name: "db-read" },
  { resource: resources.statefulsets, namespace: "queues", name: "mq" },
  { resource: resources.deployments, namespace: "monitoring", name: "mon-operator" },
  { resource: resources.deployments, namespace: "monitoring", name: "mon-dashboard" },
  { resource: resources.daemonsets, namespace: "monitoring", name: "mon-exporter" },
];

/** Charts as of databases, queues and monitoring stacks: claims, budgets, definitions, hooks and all, on simulated nodes, in this
 *  order. Each component is killed while all of them roll. */
describe("integration: charts in the style of popular ones", function () {
  this.timeout(600_000);
  this.bail(true);
  let folder: string;
  let cluster: ComponentCluster;
  let tasks: TaskScope;
  let informers: InformerFactory;
  let rollout: RolloutWitness;
  let claims: ClaimWitness;
  let endpoints: EndpointWitness;
  let empty: readonly string[];
  let helm: (...args: string[]) => Promise<string>;
  let round = 0;

  before(async function () {
    if (!isInstalled(helmProgram) || !isInstalled("kubectl")) {
      console.log("    skipped: no helm (PINTLE_HELM names one) or no kubectl");
      return this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "pintle-charts-"));
    cluster = await startComponentCluster({ nodes, zones: 3, stages });
    helm = helmFor(cluster.kubeconfig, folder);
    tasks = new TaskScope(silentLog);
    const os = { clock: systemClock, random: systemRandom, log: silentLog };
    informers = new InformerFactory(tasks, { client: cluster.client, ...os });
    rollout = new RolloutWitness(informers.informer(resources.pods), bounds());
    claims = new ClaimWitness(informers);
    endpoints = new EndpointWitness(informers.informer(resources.endpointslices), services);
    await informers.synced(tasks.signal);
    for (const { namespace } of releases)
      await cluster.client.create(resources.namespaces, { metadata: { name: namespace } });
    empty = await eventually(
      "namespaces have what every one has",
      () => objectsOf(cluster.client),
      (all) =>
        all.filter((one) => / (databases|queues|monitoring)\//.test(one)).length === 2 * releases.length,
    );
  });
  after(async () => {
    if (cluster === undefined) return;
    await tasks?.stop();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const pods = () => informers.informer(resources.pods).list();
  const podsOf = (labels: Readonly<Record<string, string>>) =>
    pods()
      .filter((pod) => podHas(pod, labels))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const kubectl = (...args: string[]) =>
    run("kubectl", args, { ...process.env, KUBECONFIG: cluster.kubeconfig });
  const install = ({ name, chart, namespace }: Release, ...flags: string[]) =>
    helm("install", name, chartAt(chart), `--namespace=${namespace}`, "--timeout=3m", "--wait", ...flags);
  const upgrade = ({ name, chart, namespace }: Release, ...flags: string[]) =>
    helm(
      ...["upgrade", name, chartAt(chart), `--namespace=${namespace}`, "--timeout=3m", "--reuse-values"],
      ...flags,
    );
  const claimsIn = async (namespace: string) =>
    (await cluster.client.list(resources.persistentvolumeclaims, { namespace })).items;
  const uids = (all: readonly { readonly metadata: { readonly uid: string } }[]) =>
    all.map(({ metadata }) => metadata.uid).sort();

  /** Each workload is what it was last asked to be, and each service answers from exactly the pods that are ready. */
  async function allIsWell(): Promise<void> {
    for (const { resource, namespace, name } of workloads)
      await eventually(
        `${resource.plural} ${namespace}/${name} is rolled out`,
        () => cluster.client.get(resource, { namespace, name }),
        isRolledOut,
      );
    const slices = informers.informer(resources.endpointslices);
    for (const service of services.keys())
      await eventually(
        `service ${service} answers from its ready pods`,
        async () => ({ shown: readyAddresses(slices.list(), service), wanted: await addressesOf(service) }),
        ({ shown, wanted }) => wanted.length > 0 && JSON.stringify(shown) === JSON.stringify(wanted),
      );
    assert.deepEqual([...rollout.problems, ...claims.problems, ...endpoints.problems], []);
  }

  async function addressesOf(service: string): Promise<string[]> {
    const [namespace = "", name = ""] = service.split("/");
    const { spec } = await cluster.client.get(resources.services, { namespace, name });
    return podsOf((spec.selector ?? {}) as Record<string, string>)
      .filter((pod) => isReady(pod) && pod.metadata.namespace === namespace)
      .flatMap(({ status }) => status?.podIP ?? [])
      .sort();
  }

  /** Notes when these members of the queue are made, and get ready, until it is asked for. */
  function noteOrder(...names: readonly string[]): () => readonly string[] {
    const order: string[] = [];
    const note = ({ metadata }: Pod, what: string) => {
      const seen = `${metadata.name} ${what}`;
      if (metadata.namespace !== queue.namespace || !names.includes(metadata.name)) return;
      if (!order.includes(seen)) order.push(seen);
    };
    const unsubscribe = informers.informer(resources.pods).subscribe({
      onAdd: (pod) => note(pod, "made"),
      onUpdate: (pod) => isReady(pod) && note(pod, "ready"),
    });
    return () => {
      unsubscribe();
      return order;
    };
  }

  /** The dashboard's, of which there are as many as its autoscaler has for its least. */
  const dashboardsAre = (count: number) =>
    eventually(
      "the autoscaler keeps to its least",
      async () => countOf(pods(), app("dashboard")).ready,
      (ready) => ready === count,
    );

  /** As `kubectl rollout restart`: every pod is to be made anew. */
  async function restartAll(): Promise<void> {
    round++;
    const annotations = { "kubectl.kubernetes.io/restartedAt": `round-${round}` };
    const body = { spec: { template: { metadata: { annotations } } } };
    for (const { resource, namespace, name } of workloads)
      await cluster.client.patch(resource, { namespace, name }, body, {
        type: "merge",
      });
  }
  const isOfRound = ({ metadata }: Pod) =>
    metadata.annotations?.["kubectl.kubernetes.io/restartedAt"] === `round-${round}`;

  it("install, and wait until all is ready", async () => {
    const order = noteOrder("mq-0", "mq-1", "mq-2");
    const said = await Promise.all(releases.map((release) => install(release)));
    for (const text of said) assert.match(text, /STATUS: deployed/);
    assert.deepEqual(
      order(),
      ["mq-0", "mq-1", "mq-2"].flatMap((name) => [`${name} made`, `${name} ready`]),
    );
    for (const { namespace } of [database, queue])
      for (const { status } of await claimsIn(namespace)) assert.equal(status?.phase, "Bound");
    // Hooks are gone with all that they had.
    assert.deepEqual((await cluster.client.list(resources.jobs)).items, []);
    await dashboardsAre(2);
    const may = (verb: string, what: string, who: Release, account: string) =>
      kubectl(
        ...["auth", "can-i", verb, what, `--namespace=${who.namespace}`],
        `--as=system:serviceaccount:${who.namespace}:${account}`,
      ).catch(({ stdout }: { stdout: string }) => stdout);
    assert.equal(await may("get", "endpoints", queue, "mq"), "yes\n");
    assert.equal(await may("get", "secrets", queue, "mq"), "no\n");
    assert.equal(await may("update", "leases/mon-operator", monitoring, "mon-operator"), "yes\n");
    assert.equal(await may("update", "leases/other", monitoring, "mon-operator"), "no\n");
    assert.match(await helm("test", "mon", "--namespace=monitoring"), /Phase:\s+Succeeded/);
    await allIsWell();
  });

  it("back up: the pod runs where the data is", async () => {
    await kubectl("create", "job", "now", "--from=cronjob/db-backup", "--namespace=databases");
    await kubectl("wait", "--for=condition=Complete", "job/now", "--namespace=databases", "--timeout=2m");
    const [backup] = podsOf({ "job-name": "now" });
    const [primary] = podsOf(instance("db", "primary"));
    assert.equal(backup?.spec.nodeName, primary?.spec.nodeName);
    await kubectl("delete", "job", "now", "--namespace=databases");
  });

  it("upgrade: pods are made anew where their template changed, passwords and data stay", async () => {
    const password = async () =>
      (await cluster.client.get(resources.secrets, { namespace: "databases", name: "db" })).data;
    const [secret, kept, exporters] = [
      await password(),
      uids(await claimsIn("databases")),
      uids(podsOf(app("exporter"))),
    ];
    await Promise.all([
      upgrade(database, "--wait", "--set=image=database:17.3,settings.maxConnections=200"),
      upgrade(queue, "--wait", "--set=maxMessageBytes=2097152"),
      upgrade(
        monitoring,
        "--wait",
        "--set=operator.image=operator:0.87,dashboard.image=dashboard:12.2,dashboard.min=3,retention=20d",
      ),
    ]);
    await dashboardsAre(3);
    rollout.expect(bounds({ dashboards: 3 }));
    assert.deepEqual(await password(), secret);
    assert.deepEqual(uids(await claimsIn("databases")), kept);
    for (const { spec } of podsOf(instance("db", "read")))
      assert.equal(spec.containers[0]?.image, "database:17.3");
    assert.deepEqual(uids(podsOf(app("exporter"))), exporters, "whose template stayed are the same");
    assert.match(await kubectl("get", "ms", "--namespace=monitoring", "--no-headers"), /^mon\s+1\s+20d/);
    await allIsWell();
  });

  it("grow claims, which a set cannot: one that is made anew takes its pods over", async () => {
    const larger = "--set=readReplicas.storage=2Gi";
    await assert.rejects(upgrade(database, larger), /updates to statefulset spec for fields other than/);
    const ask = (storage: string) =>
      kubectl(
        ...["patch", "pvc", "data-db-read-0", "--namespace=databases", "--type=merge"],
        `--patch={"spec":{"resources":{"requests":{"storage":"${storage}"}}}}`,
      );
    await ask("2Gi");
    await kubectl(
      ...["wait", "pvc/data-db-read-0", "--namespace=databases", "--timeout=60s"],
      "--for=jsonpath={.status.capacity.storage}=2Gi",
    );
    await assert.rejects(ask("1Gi"), /field can not be less than status.capacity/);
    const before = uids(podsOf(instance("db", "read")));
    await kubectl("delete", "statefulset", "db-read", "--namespace=databases", "--cascade=orphan");
    await upgrade(database, larger, "--wait");
    assert.deepEqual(uids(podsOf(instance("db", "read"))), before);
    await allIsWell();
  });

  for (const victim of [
    "apiserver-1",
    "the leader of the store",
    "a follower of the store",
    "scheduler-1",
    "controller-manager-1",
    "agent",
  ])
    it(`survive that ${victim} is killed while all of them roll`, async () => {
      const component = cluster.components.get(await nameOf(victim));
      assert.ok(component);
      await restartAll();
      await eventually(
        "the rollouts have begun",
        async () => pods().filter(isOfRound).length,
        (made) => made > 0,
      );
      await component.kill();
      await allIsWell();
    });

  const nameOf = async (victim: string): Promise<string> => {
    if (victim === "the leader of the store") return cluster.storeLeader();
    return victim === "a follower of the store" ? cluster.storeFollower() : victim;
  };

  it("are evicted only as far as budgets allow, whoever asks at once", async () => {
    const asked = pods().filter(({ metadata }) => ["databases", "queues"].includes(metadata.namespace ?? ""));
    const gone = await Promise.all(asked.map(evict));
    const count = (component: Readonly<Record<string, string>>) =>
      asked.filter((pod, at) => gone[at] && podHas(pod, component)).length;
    assert.deepEqual(
      [instance("db", "primary"), instance("db", "read"), instance("mq")].map(count),
      [1, 1, 1],
    );
    await allIsWell();
  });

  async function evict({ metadata: { namespace, name } }: Pod): Promise<boolean> {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name } };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    return cluster.client.raw("POST", path, eviction).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 429) return false;
        throw error;
      },
    );
  }

  it("roll back from what does not get ready, and to what once was", async () => {
    await upgrade(queue, "--set=image=queue:broken");
    await eventually(
      "one member is tried",
      async () => podsOf({ ...instance("mq"), "app.kubernetes.io/version": "broken" }),
      ([tried]) => tried?.status?.podIP !== undefined,
    );
    await helm("rollback", "mq", "--namespace=queues");
    // As with Kubernetes: what was tried is not given up by itself.
    await kubectl("delete", "pod", "mq-2", "--namespace=queues");
    await helm("rollback", "mon", "1", "--namespace=monitoring", "--wait", "--timeout=3m");
    assert.match(await kubectl("get", "ms", "--namespace=monitoring", "--no-headers"), /^mon\s+1\s+10d/);
    await allIsWell();
    for (const { spec } of podsOf(instance("mq"))) assert.equal(spec.containers[0]?.image, "queue:4.1");
  });

  it("scale: claims come and go with their pods, or stay, and the members of a parallel set come at once", async () => {
    await kubectl("delete", "statefulset", "mq", "--namespace=queues", "--cascade=orphan");
    rollout.expect(bounds({ reads: 3, members: 5, dashboards: 3 }));
    const order = noteOrder("mq-3", "mq-4");
    await Promise.all([
      upgrade(database, "--wait", "--set=readReplicas.count=3"),
      upgrade(queue, "--wait", "--set=replicas=5,podManagementPolicy=Parallel"),
    ]);
    assert.deepEqual(order().slice(0, 2).sort(), ["mq-3 made", "mq-4 made"]);
    await allIsWell();
    assert.equal((await claimsIn("queues")).length, 5);
    rollout.expect(
      bounds({ reads: 3, members: 5, dashboards: 3 }).map((one) =>
        one.name === "queue" ? { ...one, readyLeast: 2 } : one,
      ),
    );
    await Promise.all([
      upgrade(database, "--wait", "--set=readReplicas.count=2"),
      upgrade(queue, "--wait", "--set=replicas=3"),
    ]);
    await eventually(
      "what was scaled away is gone, with its claims where they are to go",
      async () => [
        podsOf(instance("mq")).length,
        podsOf(instance("db", "read")).length,
        (await claimsIn("queues")).map(({ metadata }) => metadata.name).join(" "),
        (await claimsIn("databases")).map(({ metadata }) => metadata.name).join(" "),
      ],
      (seen) =>
        JSON.stringify(seen) ===
        JSON.stringify([
          3,
          2,
          "data-mq-0 data-mq-1 data-mq-2",
          "data-db-primary-0 data-db-read-0 data-db-read-1 data-db-read-2 db-archive",
        ]),
    );
    await allIsWell();
  });

  it("uninstall, and leave nothing", async () => {
    rollout.expect([]);
    await Promise.all(
      releases.map(({ name, namespace }) =>
        helm("uninstall", name, `--namespace=${namespace}`, "--wait", "--timeout=3m"),
      ),
    );
    // Kept by their set's policy, and by helm: who uninstalls for good removes them.
    await eventually(
      "claims are as their sets say",
      async () => (await claimsIn("databases")).map(({ metadata }) => metadata.name),
      (names) => JSON.stringify(names) === JSON.stringify(["data-db-primary-0"]),
    );
    await kubectl("delete", "pvc", "data-db-primary-0", "--namespace=databases");
    await kubectl("delete", "crd", "metricservers.monitoring.example", "servicemonitors.monitoring.example");
    await eventually(
      "nothing is left",
      async () => (await objectsOf(cluster.client)).filter((one) => !empty.includes(one)),
      (more) => more.length === 0,
    );
    assert.deepEqual(await objectsOf(cluster.client), empty);
    assert.deepEqual(claims.problems, []);
  });
});

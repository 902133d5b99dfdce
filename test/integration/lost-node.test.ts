import assert from "node:assert/strict";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { localPathNode } from "../../client/rules/local-path.ts";
import type { Pod } from "../../client/types.ts";
import { objectsOf } from "../cluster-objects.ts";
import { eventually } from "../local-cluster.ts";
import { type LosingCluster, lostNode, startLosingCluster } from "../losing-cluster.ts";
import { isRolledOut } from "../rolled-out.ts";
import { isReady } from "../rollout-witness.ts";

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

/** A node whose agent never comes back, on simulated nodes, in this order. */
describe("integration: a node is lost for good", function () {
  this.timeout(180_000);
  this.bail(true);
  let cluster: LosingCluster;
  let client: RestClient;

  before(async () => {
    cluster = await startLosingCluster([namespace]);
    ({ client } = cluster);
  });
  after(() => cluster?.stop());

  const podsOf = async (app: string) =>
    (await client.list(resources.pods, { namespace, labelSelector: `app=${app}` })).items;
  const rolledOut = async () => {
    for (const [resource, name] of [
      [resources.statefulsets, "db"],
      [resources.deployments, "web"],
    ] as const)
      await eventually(`${name} is rolled out`, () => client.get(resource, { namespace, name }), isRolledOut);
  };
  const onLost = (pods: readonly Pod[]) => pods.find(({ spec }) => spec.nodeName === lostNode);
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
    await cluster.lose();
    await eventually(
      "three are ready elsewhere",
      () => podsOf("web"),
      (pods) => pods.filter((pod) => pod.spec.nodeName !== lostNode && isReady(pod)).length === 3,
    );
    const pod = await eventually(
      "the member is deleted",
      () => client.get(resources.pods, { namespace, name: member }),
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
    assert.equal(pod.spec.nodeName, lostNode);
    assert.match(await cluster.why(pod), /its node lost-1 does not answer(.|\n)+kubectl delete node lost-1 /);
  });

  it("is deleted: its pods go, and what waits for its data says so", async () => {
    await client.delete(resources.nodes, { name: lostNode });
    const pod = await eventually(
      "the member is made anew, and waits",
      async () => (await podsOf("db")).find(({ metadata }) => metadata.name === member),
      (one) => one !== undefined && one.spec.nodeName === undefined && one.status?.conditions !== undefined,
    );
    assert.ok(pod);
    assert.equal(onLost([...(await podsOf("db")), ...(await podsOf("web"))]), undefined);
    const claim = `data-${member}`;
    assert.match(
      await cluster.why(pod),
      new RegExp(`^pod: its claim ${claim}: its data was on node lost-1, which does`),
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
      ({ items }) => items.length === 3 && items.every((volume) => localPathNode(volume) !== lostNode),
    );
  });

  it("leaves nothing", async () => {
    await client.delete(resources.statefulsets, { namespace, name: "db" });
    await client.delete(resources.deployments, { namespace, name: "web" });
    const left = await eventually(
      "nothing is left",
      async () => (await objectsOf(client)).filter((one) => !cluster.empty.includes(one)),
      (more) => more.length === 0,
    );
    assert.deepEqual(left, []);
  });
});

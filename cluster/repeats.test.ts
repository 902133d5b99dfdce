import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import type { KubeObject } from "../client/types.ts";
import { startCluster } from "./start-cluster.ts";

const web = (name: string, image: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image }] } },
  },
});

/** A cluster to which everything happens that can: what was asked, and what there is in the end. */
async function run(seed: number) {
  await using cluster = await startCluster({
    clock: "manual",
    seed,
    nodes: [{ name: "a", zone: "z1" }, { name: "b" }, {}],
    replicas: { scheduler: 2, "controller-manager": 2 },
    pods: [
      { image: "slow", pull: "3s", start: "2s" },
      { image: "bad", pull: { error: "not found", times: 2 } },
      { image: "crash", exit: { code: 1, after: "5s", times: 3 } },
    ],
  });
  await cluster.webhook({
    rules: [{ resources: ["pods"] }],
    mutate: ({ object }) =>
      object && { ...object, metadata: { ...object.metadata, annotations: { seen: "yes" } } },
  });
  cluster.faults.add({
    verb: ["create", "patch", "update"],
    resource: "pods",
    error: "ServiceUnavailable",
    chance: 0.2,
  });
  cluster.faults.add({ verb: "update", resource: "replicasets", error: "Conflict", chance: 0.5 });
  const all = [web("slow", "slow", 2), web("bad", "bad", 1), web("crash", "crash", 2)];
  await cluster.apply(all);
  await cluster.untilReady(all, { timeout: "10m" });
  cluster.faults.clear();
  await cluster.loseLease("scheduler");
  await cluster.crash("controller-manager-1");
  cluster.partition("a");
  cluster.faults.dropWatches({ from: "nodes" });
  await cluster.clock.advance("7m");
  cluster.heal("a");
  await cluster.crash("store");
  await cluster.clock.advance("10s");
  await cluster.restart("store");
  await cluster.restart("controller-manager-1");
  await cluster.removeNode("b");
  await cluster.addNode();
  await cluster.untilReady(all, { timeout: "10m" });
  const kinds = [
    resources.pods,
    resources.nodes,
    resources.deployments,
    resources.leases,
    resources.events,
  ] as const;
  const objects = [];
  for (const kind of kinds) {
    const { items } = await cluster.client.list(kind as unknown as typeof resources.pods);
    objects.push(...(items as unknown as readonly KubeObject[]));
  }
  const requests = cluster.requests.list();
  return {
    objects,
    requests: requests.map(
      ({ at, from, verb, path, code }) => `${at.toISOString()} ${from} ${verb} ${path} ${code}`,
    ),
  };
}

describe("a cluster with a clock of its own and a seed", function () {
  this.timeout(120_000);

  it("repeats a run exactly, with all that goes wrong in it; another seed makes another run", async () => {
    const [first, again, other] = [await run(7), await run(7), await run(8)];
    assert.deepEqual(again.requests, first.requests);
    assert.deepEqual(again.objects, first.objects);
    assert.ok(first.requests.length > 500);
    assert.notDeepEqual(other.requests, first.requests);
  });
});

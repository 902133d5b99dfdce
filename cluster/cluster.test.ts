import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import type { Pod } from "../client/types.ts";
import { type ClusterOptions, startCluster } from "./start-cluster.ts";

const deployment = (name: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "c", image: "web" }] },
    },
  },
});
const manual: ClusterOptions = { clock: "manual", seed: 1 };

describe("cluster", function () {
  this.timeout(60_000);

  it("runs what is applied, and leaves nothing behind", async () => {
    await new Promise((resolve) => setImmediate(resolve)); // the test's own time limit is set by then
    const left = process.getActiveResourcesInfo();
    {
      await using cluster = await startCluster({ nodes: 2 });
      const web = deployment("web", 3);
      await cluster.client.apply(web);
      await cluster.untilReady(web);
      const { items } = await cluster.client.list(resources.pods, { namespace: "default" });
      assert.equal(items.length, 3);
      assert.ok(items.every(({ status }) => status?.phase === "Running"));
    }
    const added = process.getActiveResourcesInfo().filter((one) => {
      const at = left.indexOf(one);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    assert.deepEqual(added, []);
  });

  it("moves time on: the pods of a node that crashed are made anew elsewhere, and come back with it", async () => {
    await using cluster = await startCluster({ ...manual, nodes: 2 });
    const web = deployment("web", 4);
    await cluster.client.apply(web);
    await cluster.untilReady(web);
    await cluster.crash("node-1");
    await cluster.clock.advance("1m");
    const node = await cluster.client.get(resources.nodes, { name: "node-1" });
    assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "Unknown");
    await cluster.clock.advance("6m");
    const nodesOf = async () =>
      (await cluster.client.list(resources.pods, { namespace: "default" })).items
        .filter(({ metadata }: Pod) => metadata.deletionTimestamp === undefined)
        .map(({ spec }) => spec.nodeName);
    assert.deepEqual(await nodesOf(), ["node-2", "node-2", "node-2", "node-2"]);
    await cluster.restart("node-1");
    await cluster.untilReady(node);
  });

  it("lets every part crash and come back", async () => {
    await using cluster = await startCluster(manual);
    for (const part of ["apiserver", "scheduler", "controller-manager"]) {
      await cluster.crash(part);
      await cluster.restart(part);
      const web = deployment(`after-${part}`, 2);
      await cluster.client.apply(web);
      await cluster.untilReady(web, { timeout: "2m" });
    }
    await assert.rejects(
      cluster.crash("nobody"),
      /"nobody" is none of store, apiserver, scheduler, controller-manager, node-1/,
    );
  });

  it("refuses, delays and loses requests by rule", async () => {
    await using cluster = await startCluster(manual);
    const scope = { from: "test", verb: "create", resource: "configmaps" };
    const make = (name: string) =>
      cluster.client.create(resources.configmaps, { metadata: { name, namespace: "default" } } as never);
    const conflict = cluster.faults.add({ ...scope, error: "Conflict", times: 1 });
    await assert.rejects(make("a"), { code: 409, reason: "Conflict" });
    await make("a");
    assert.equal(conflict.struck, 1);
    cluster.faults.clear();
    const lost = cluster.faults.add({ ...scope, lose: "answer" });
    await assert.rejects(make("b"), /the answer was lost/);
    lost.remove();
    await cluster.client.get(resources.configmaps, { namespace: "default", name: "b" });
    cluster.faults.add({ ...scope, delay: "10s" });
    let isMade = false;
    const made = make("c").then(() => {
      isMade = true;
    });
    await cluster.clock.advance("9s");
    assert.equal(isMade, false);
    await cluster.clock.advance("1s");
    await made;
    assert.deepEqual(
      cluster.requests.list({ from: "test", verb: "create" }).map(({ code }) => code),
      [409, 201, 0, 201],
    );
    assert.throws(() => cluster.faults.add({ from: "test" }), /needs one of error, delay, lose/);
  });

  it("goes back to a snapshot", async () => {
    await using cluster = await startCluster(manual);
    const web = deployment("web", 2);
    await cluster.client.apply(web);
    await cluster.untilReady(web);
    const snapshot = await cluster.snapshot();
    const names = async () =>
      (await cluster.client.list(resources.pods)).items.map(({ metadata }) => metadata.name);
    const before = await names();
    await cluster.client.apply(deployment("other", 3));
    await cluster.untilReady(deployment("other", 3));
    await cluster.client.delete(resources.deployments, { namespace: "default", name: "web" });
    await cluster.clock.advance("10s");
    await cluster.restore(snapshot);
    await cluster.clock.advance("10s");
    assert.deepEqual(await names(), before);
    await cluster.untilReady(web);
  });

  it("opens its port when a kubeconfig is asked for", async () => {
    await using cluster = await startCluster();
    const { text, url } = await cluster.kubeconfig();
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const { RestClient } = await import("../client/rest.ts");
    const { loadKubeconfig } = await import("../client/kubeconfig.ts");
    const client = new RestClient(loadKubeconfig("given", { readFile: () => text }));
    const { items } = await client.list(resources.nodes);
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ["node-1"],
    );
    client.close();
  });
});

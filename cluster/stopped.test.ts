import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import { startCluster } from "./start-cluster.ts";

const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", labels: { app: "a" } },
  spec: { containers: [{ name: "c", image: "a" }] },
};
const budget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "a" },
  spec: { minAvailable: 1, selector: { matchLabels: { app: "a" } } },
};

describe("a cluster that is stopped", function () {
  this.timeout(60_000);

  for (const clock of ["real", "manual"] as const)
    it(`ends whatever somebody waits for (${clock} clock)`, async () => {
      const cluster = await startCluster({ clock });
      await cluster.apply([pod, budget]);
      await cluster.untilReady(pod);
      cluster.faults.add({ name: "held", delay: "1h" });
      cluster.faults.add({ name: "busy", error: "TooManyRequests" });
      await cluster.webhook({
        rules: [{ resources: ["configmaps"] }],
        validate: () => new Promise(() => {}),
      });
      const long = { timeout: "10h" };
      const { client } = cluster;
      const waiting = [
        client.get(resources.pods, { namespace: "default", name: "held" }),
        client.apply(configMap),
        client.until(resources.pods, { name: "b" }, () => false, { timeoutMs: 36e6 }),
        cluster.client
          .create(resources.namespaces, { metadata: { name: "held" } })
          .then(() => client.get(resources.namespaces, { name: "held" })),
        // With a clock that stands still these move it, and are late before the cluster is stopped.
        ...(clock === "real"
          ? [
              cluster.removeNode("node-1", long),
              cluster.until(resources.pods, () => false, long),
              cluster.untilGone(pod, long),
            ]
          : []),
      ].map((one) => assert.rejects(one));
      const watched = client.watch(resources.secrets, { initial: false }).next();
      await new Promise((resolve) => setTimeout(resolve, 50)); // what is asked is under way
      await Promise.all([cluster.stop(), cluster.stop()]);
      await Promise.all(waiting);
      assert.equal((await watched).done, true);
    });

  it("says so of whatever is asked of it then, and brings no part of it back", async () => {
    const cluster = await startCluster({ nodes: 1 });
    const fixture = await cluster.snapshot();
    const restarted = ["apiserver", "apiserver", "scheduler", "store"].map((one) => cluster.restart(one));
    await cluster.stop();
    await Promise.allSettled(restarted);
    const calls: readonly (() => unknown)[] = [
      ...["apiserver", "store", "scheduler", "node-1"].flatMap((one) => [
        () => cluster.crash(one),
        () => cluster.restart(one),
      ]),
      () => cluster.clientFor("somebody"),
      () => cluster.kubeconfig(),
      () => cluster.apply(configMap),
      () => cluster.until(resources.pods, () => true),
      () => cluster.untilReady(pod),
      () => cluster.untilGone(pod),
      () => cluster.addNode(),
      () => cluster.removeNode("node-1"),
      () => cluster.setNodeTroubles("node-1", {}),
      () => cluster.partition("node-1"),
      () => cluster.heal("node-1"),
      () => cluster.loseLease("a"),
      () => cluster.snapshot(),
      () => cluster.restore(fixture),
      () => cluster.script({ image: "a" }),
      () => cluster.webhook({ rules: [{ resources: ["pods"] }], validate: () => true }),
      () => cluster.convert("a.example.com", () => ({})),
      () => cluster.answerWebhooks("a/b", () => ({})),
      () => cluster.clock.advance("1s"),
    ];
    for (const call of calls)
      await assert.rejects(async () => call(), /: the cluster was stopped$/, call.toString());
    await assert.rejects(cluster.client.get(resources.pods, { name: "a" }), /the client was closed/);
    assert.deepEqual(cluster.nodes, ["node-1"]);
  });

  it("restarts its parts one after another, whoever asks for it at once", async () => {
    await using cluster = await startCluster({ nodes: 1 });
    await Promise.all([
      ...["apiserver", "apiserver", "scheduler", "scheduler"].map((one) => cluster.restart(one)),
      cluster.crash("store"),
      cluster.restart("store"),
    ]);
    await cluster.apply(pod);
    await cluster.untilReady(pod);
  });

  it("leaves the event loop to others beside a loop that only asks", async () => {
    await using cluster = await startCluster({ nodes: 0 });
    let isOver = false;
    setTimeout(() => {
      isOver = true;
    }, 20);
    let asked = 0;
    while (!isOver && asked < 50_000) {
      await cluster.client.get(resources.namespaces, { name: "default" });
      asked++;
    }
    assert.ok(isOver, "no timer fired");
  });
});

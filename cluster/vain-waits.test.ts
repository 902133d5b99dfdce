import assert from "node:assert/strict";
import { kinds } from "../client/kube/kinds.ts";
import { defineController } from "../client/operator/controller.ts";
import { startControllers } from "../client/operator/operator.ts";
import type { Cluster } from "./cluster.ts";
import { startCluster } from "./start-cluster.ts";

const soon = { timeout: "10s" };
const settings = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "shop" } };
const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };

/** What a test is told that waits for settings which nobody changes. */
async function told(cluster: Cluster): Promise<string> {
  const waited = cluster.until(kinds.ConfigMap, (all) => all.some(({ data }) => data?.done), {
    namespace: "shop",
    ...soon,
  });
  const error = await waited.then(
    () => assert.fail("it came"),
    (late: Error) => late,
  );
  assert.equal(error.name, "TimeoutError");
  assert.match(error.stack ?? "", /vain-waits\.test\.ts/);
  return error.message;
}

describe("a wait in vain in a cluster inside a test", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ clock: "manual", seed: 1 });
    await cluster.apply([shop, settings]);
  });
  after(() => cluster?.stop());

  it("tells what there is, and what an operator's reconcile threw", async () => {
    const broken = defineController({
      kind: kinds.ConfigMap,
      name: "broken",
      scope: { namespace: "shop" },
      reconcile: async () => {
        throw new Error("my own mistake");
      },
    });
    const api = cluster.clientFor("admin", { groups: ["system:masters"], name: "operator" });
    await using _operator = startControllers(api, [broken]);
    const message = await told(cluster);
    assert.match(message, /^configmaps as wanted: not within 10 s$/m);
    assert.match(message, /^ {2}ConfigMap shop\/settings$/m);
    assert.match(
      message,
      /^ {2}operator: sync failed key=shop\/settings: my own mistake\n +at .*vain-waits\.test\.ts:\d+:\d+\)? \(\d+ times\)$/m,
    );
  });

  it("tells which right an operator lacks", async () => {
    const controller = defineController({
      kind: kinds.ConfigMap,
      name: "poor",
      reconcile: async () => undefined,
    });
    await using _operator = startControllers(cluster.clientFor("eve", { name: "operator" }), [controller]);
    assert.match(
      await told(cluster),
      /^ {2}operator: cannot list resource=configmaps: .*"eve" cannot (list|watch)/m,
    );
  });

  it("tells why the pods of what does not get ready are not there", async () => {
    const labels = { app: "web" };
    const spec = { nodeSelector: { gpu: "yes" }, containers: [{ name: "web", image: "web" }] };
    const web = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "shop" },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    };
    await cluster.apply(web);
    await assert.rejects(cluster.untilReady(web, soon), (error: Error) => {
      assert.match(
        error.message,
        /^ {2}Warning FailedScheduling of Pod web-.*: 0\/1 nodes are available: .*node affinity/m,
      );
      assert.match(error.stack ?? "", /vain-waits\.test\.ts/);
      return true;
    });
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PreviewEnvironment } from "../src/preview.ts";
import { preview, startOperator, startWorld, untilGone, untilReady } from "./world.ts";

describe("the operator", () => {
  it("tries again where others write in between, and where answers get lost", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    const from = "operator";
    const conflict = cluster.faults.add({
      from,
      resource: "previewenvironments",
      verb: "patch",
      error: "Conflict",
      times: 3,
    });
    const lost = cluster.faults.add({
      from,
      resource: "namespaces",
      verb: "patch",
      lose: "answer",
      times: 2,
    });
    await cluster.client.apply(preview("pr-1"));
    await untilReady(cluster, "pr-1");
    assert.deepEqual([conflict.struck, lost.struck], [3, 2]);
  });

  it("goes on after the API server was away, and misses nothing", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1", { ttl: "2m" }));
    const made = await untilReady(cluster, "pr-1");
    await cluster.crash("apiserver");
    await cluster.clock.advance("3m");
    await cluster.restart("apiserver");
    await untilGone(cluster, made);
    await cluster.client.apply(preview("pr-2"));
    await untilReady(cluster, "pr-2");
  });

  it("has one leader, and another when that one hears nothing any more", async () => {
    await using cluster = await startWorld();
    await using first = startOperator(cluster, "first");
    await cluster.clock.advance("10s");
    await using second = startOperator(cluster, "second");
    await cluster.clock.advance("30s");
    assert.deepEqual([first.isLeader, second.isLeader], [true, false]);
    cluster.faults.add({ from: "first", lose: "request" });
    await cluster.clock.advance("30s");
    assert.deepEqual([first.isLeader, second.isLeader], [false, true]);
    await cluster.client.apply(preview("pr-1"));
    await untilReady(cluster, "pr-1");
    const writes = cluster.requests.list({ from: "first", verb: "patch" });
    assert.deepEqual(writes, []);
  });

  it("hands leadership over when it is stopped", async () => {
    await using cluster = await startWorld();
    const first = startOperator(cluster, "first");
    await cluster.clock.advance("10s");
    await using second = startOperator(cluster, "second");
    await cluster.clock.advance("10s");
    const stopped = first.stop();
    await cluster.clock.advance("5s");
    await stopped;
    assert.equal(second.isLeader, true);
  });

  it("finds what was deleted while no replica ran", async () => {
    await using cluster = await startWorld();
    const first = startOperator(cluster, "first");
    await cluster.client.apply(preview("pr-1"));
    const made = await untilReady(cluster, "pr-1");
    await first.stop();
    await cluster.client.delete(PreviewEnvironment, { name: "pr-1", namespace: "default" });
    await using _second = startOperator(cluster, "second");
    await untilGone(cluster, made);
  });
});

import assert from "node:assert/strict";
import { kinds } from "../client/kube/kinds.ts";
import { startCluster } from "./start-cluster.ts";

describe("cluster: what its calls are given", function () {
  this.timeout(30_000);

  it("is refused where it would be passed over, pass for anything, or be waited for in vain", async () => {
    await using cluster = await startCluster({ clock: "manual", seed: 1 });
    const untyped = cluster as unknown as Record<string, (...given: unknown[]) => unknown>;
    const { requests, events } = cluster as unknown as Record<string, typeof untyped>;
    const calls: readonly (readonly [() => unknown, RegExp])[] = [
      [
        () => untyped.until?.(kinds.Pod, async () => false),
        /^find: answered a promise: it must not be async/,
      ],
      [() => untyped.until?.(kinds.Pod), /^find: nothing must be a function/],
      [() => untyped.untilReady?.(null), /^document 1: null must be an object/],
      [
        () => untyped.untilReady?.({ apiVersion: "v1", kind: "Pod", metadata: {} }),
        /metadata.name: nothing must/,
      ],
      [() => untyped.setNodeTroubles?.("node-1", null), /^null must be an object of notReady/],
      [
        () => untyped.setNodeTroubles?.("node-1", { memoryPressure: "yes" }),
        /^memoryPressure: "yes" must be true/,
      ],
      [() => untyped.setNodeTroubles?.("node-1", { notReady: true }), /^notReady: true must be a text/],
      [() => untyped.setNodeTroubles?.("node-1", { toString: true }), /^toString: true is none of notReady/],
      [() => untyped.clientFor?.(5), /^user: 5 must be a text/],
      [() => untyped.clientFor?.("a", { group: ["b"] }), /^group: \["b"\] is none of groups, name/],
      [() => untyped.clientFor?.("a", { groups: "b" }), /^groups: "b" must be a list of texts/],
      [() => untyped.clientFor?.("a", ["b"]), /^0: "b" is none of groups, name/],
      [() => untyped.kubeconfig?.(5), /^user: 5 must be a text/],
      [() => untyped.kubeconfig?.("a", "b"), /^groups: "b" must be a list of texts/],
      [() => requests?.list?.({ form: "test" }), /^form: "test" is none of from, verb/],
      [() => events?.list?.({ resaon: "Failed" }), /^resaon: "Failed" is none of about, reason/],
    ];
    for (const [call, expected] of calls)
      await assert.rejects(
        async () => call(),
        (error: Error) => error instanceof TypeError && expected.test(error.message),
        call.toString(),
      );
    assert.ok(cluster.requests.list({ from: "scheduler" }).length > 0);
  });
});

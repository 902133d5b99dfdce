import assert from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../../base/os/random.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Node, Pod } from "../../client/types.ts";
import { podInfo } from "./cycle/pod-info.ts";
import { type QueueRules, queueLimits, SchedulingQueue } from "./queue.ts";

const pod = (
  name: string,
  options: { priority?: number; uid?: string; cpu?: string; note?: string } = {},
) => {
  const object: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "n",
      uid: options.uid ?? name,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...(options.note && { annotations: { note: options.note } }),
    },
    spec: {
      containers: [{ name: "c", resources: { requests: { cpu: options.cpu ?? "1" } } }],
      ...(options.priority !== undefined && { priority: options.priority }),
    },
  };
  return podInfo(object);
};

describe("controlplane/scheduler/queue", () => {
  const make = () => {
    const clock = new ManualClock();
    const rules: QueueRules = {
      order: (a, b) => b.info.priority - a.info.priority || a.sinceMs - b.sinceMs,
      gate: ({ labels }) => (labels.gated ? "gates" : undefined),
      helps: (plugin, _info, event) => plugin === "fit" && event.kind === "nodeAdded",
    };
    return { clock, queue: new SchedulingQueue({ clock, random: new Prng(1) }, rules) };
  };
  const fit = new Set(["fit"]);
  const nodeAdded = { kind: "nodeAdded", node: { metadata: { name: "m" } } as Node } as const;

  it("gives the most important first, of equals the earlier, for every order of arrival and departure", () => {
    const arrival = fc.record({ priority: fc.integer({ min: 0, max: 3 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 30 }), (arrivals) => {
        const { queue } = make();
        for (const [at, { priority }] of arrivals.entries()) queue.put(pod(`p${at}`, { priority }));
        for (const [at, { remove }] of arrivals.entries()) if (remove) queue.delete(`n/p${at}`);
        const wanted = arrivals
          .map(({ priority, remove }, at) => ({ priority, remove, at }))
          .filter(({ remove }) => !remove)
          .sort((a, b) => b.priority - a.priority || a.at - b.at)
          .map(({ at }) => `n/p${at}`);
        const given: string[] = [];
        for (let next = queue.take(); next !== undefined; next = queue.take()) given.push(next.key);
        assert.deepEqual(given, wanted);
      }),
    );
  });

  it("keeps the unschedulable until something helps, and at least their back-off, which doubles", async () => {
    const { clock, queue } = make();
    queue.put(pod("p"));
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      const taken = queue.take();
      assert.ok(taken);
      queue.unschedulable(taken, fit);
      await clock.advance(100);
      queue.notice({ kind: "podRemoved", pod: pod("q") });
      assert.deepEqual(queue.counts(), { active: 0, backoff: 0, unschedulable: 1, gated: 0 });
      queue.notice(nodeAdded);
      assert.deepEqual(queue.counts(), { active: 0, backoff: 1, unschedulable: 0, gated: 0 });
      await clock.advance(waitMs - 101);
      assert.equal(queue.take(), undefined);
      await clock.advance(1);
      assert.equal(queue.counts().active, 1);
    }
  });

  it("tries again after a while even if nothing happened", async () => {
    const { clock, queue } = make();
    queue.put(pod("p"));
    const taken = queue.take();
    assert.ok(taken);
    queue.unschedulable(taken, fit);
    await clock.advance(queueLimits.unschedulableMostMs);
    assert.equal(queue.counts().active, 1);
  });

  it("tries a changed pod at once, but not for its status or annotations", async () => {
    const { clock, queue } = make();
    queue.put(pod("p"));
    const taken = queue.take();
    assert.ok(taken);
    queue.unschedulable(taken, fit);
    await clock.advance(5_000);
    queue.put(pod("p", { note: "x" }));
    assert.equal(queue.counts().unschedulable, 1);
    queue.put(pod("p", { cpu: "2" }));
    assert.equal(queue.take()?.requests.cpu, 2000);
  });

  it("lets verdicts on an earlier pod of the name pass by", () => {
    const { queue } = make();
    queue.put(pod("p", { uid: "old" }));
    const old = queue.take();
    assert.ok(old);
    queue.put(pod("p", { uid: "new" }));
    assert.equal(queue.take()?.pod.metadata.uid, "new");
    queue.failed(old);
    queue.unschedulable(old, fit);
    queue.delete(old.key, "old");
    assert.equal(queue.has("n/p"), true);
    assert.deepEqual(queue.counts(), { active: 0, backoff: 0, unschedulable: 0, gated: 0 });
  });

  it("leaves no timer behind", async () => {
    const { clock, queue } = make();
    for (const name of ["a", "b"]) {
      queue.put(pod(name));
      const taken = queue.take();
      assert.ok(taken);
      if (name === "a") queue.unschedulable(taken, fit);
      else queue.failed(taken);
    }
    assert.equal(clock.pending, 2);
    queue.delete("n/a");
    queue.close();
    assert.equal(clock.pending, 0);
  });
});

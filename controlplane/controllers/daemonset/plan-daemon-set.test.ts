import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../../client/types.ts";
import { isReady } from "../pod-state.ts";
import { ago, daemonSet, node, nowMs, pod } from "../testing/objects.ts";
import { countDaemonStatus, planDaemonSet } from "./plan-daemon-set.ts";
import { planRevisions } from "./plan-revisions.ts";

const hash = "new";
const on = (where: string, version: string, readyFor?: number): Pod =>
  pod(`${where}-${version}`, {
    node: where,
    ...(readyFor !== undefined && { readyFor }),
    meta: { labels: { "controller-revision-hash": version } },
  });
const plan = (nodes: ReturnType<typeof node>[], pods: Pod[], set = daemonSet()) => {
  const { create, remove } = planDaemonSet({ daemonSet: set, nodes, pods, hash, nowMs });
  return { create, remove: remove.map(({ metadata }) => metadata.name) };
};

describe("controlplane/controllers/daemonset/plan-daemon-set", () => {
  const taints = (effect: string) => ({ spec: { taints: [{ key: "mine", effect }] } });

  it("wants one pod on each node that fits", () => {
    const nodes = [node("a"), node("b"), node("c", taints("NoSchedule"))];
    assert.deepEqual(plan(nodes, [on("a", hash, 5)]), { create: ["b"], remove: [] });
  });

  it("leaves a pod where a new one could not come, unless it must not stay", () => {
    const nodes = [node("a", taints("NoSchedule")), node("b", taints("NoExecute"))];
    assert.deepEqual(plan(nodes, [on("a", hash), on("b", hash)]), { create: [], remove: ["b-new"] });
  });

  it("removes doubles and pods that ended, though not at once", () => {
    const labels = { "controller-revision-hash": hash };
    const young = pod("young", { node: "b", phase: "Failed", meta: { labels, creationTimestamp: ago(1) } });
    const old = pod("old", { node: "c", phase: "Failed", meta: { labels } });
    const second = {
      ...on("a", hash, 1),
      metadata: { ...on("a", hash).metadata, name: "second", creationTimestamp: ago(1) },
    };
    assert.deepEqual(plan([node("a"), node("b"), node("c")], [on("a", hash, 5), second, young, old]).remove, [
      "second",
      "old",
    ]);
  });

  it("replaces old pods as far as maxUnavailable lets it, broken ones first", () => {
    const nodes = ["a", "b", "c"].map((name) => node(name));
    assert.deepEqual(plan(nodes, [on("a", "old", 5), on("b", "old", 5), on("c", "old", 5)]).remove, [
      "a-old",
    ]);
    assert.deepEqual(plan(nodes, [on("a", "old", 5), on("b", "old"), on("c", "old", 5)]).remove, ["b-old"]);
    assert.deepEqual(plan(nodes, [on("a", hash), on("b", "old", 5), on("c", "old", 5)]).remove, []);
  });

  it("does nothing by itself with OnDelete", () => {
    const set = daemonSet({ updateStrategy: { type: "OnDelete" } });
    assert.deepEqual(plan([node("a")], [on("a", "old", 5)], set), { create: [], remove: [] });
  });

  it("puts the new pod beside the old one with a surge", () => {
    const set = daemonSet({
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
    const nodes = [node("a"), node("b")];
    assert.deepEqual(plan(nodes, [on("a", "old", 5), on("b", "old", 5)], set), { create: ["a"], remove: [] });
    const next = [on("a", "old", 5), on("a", hash, 5), on("b", "old", 5)];
    assert.deepEqual(plan(nodes, next, set), { create: ["b"], remove: ["a-old"] });
  });

  it("rolls all nodes with never more than maxUnavailable of them without a ready pod", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.nat(3), { maxLength: 40 }),
        (count, maxUnavailable, luck) => {
          const set = daemonSet({
            updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable } },
          });
          const nodes = Array.from({ length: count }, (_, i) => node(`n${i}`));
          const pods = new Map(nodes.map(({ metadata: { name } }) => [name, on(name, "old", 5)]));
          for (let step = 0; step < luck.length + 30; step++) {
            const now = planDaemonSet({ daemonSet: set, nodes, pods: [...pods.values()], hash, nowMs });
            for (const { spec } of now.remove) pods.delete(spec.nodeName ?? "");
            const ready = [...pods.values()].filter(isReady).length;
            assert.ok(count - ready <= maxUnavailable, `${count - ready} nodes without a ready pod`);
            for (const name of now.create) pods.set(name, on(name, hash));
            const waiting = [...pods.values()].filter((one) => !isReady(one));
            for (const one of waiting.slice(0, luck[step] ?? 1))
              pods.set(one.spec.nodeName ?? "", on(one.spec.nodeName ?? "", hash, 1));
          }
          const status = countDaemonStatus({ daemonSet: set, nodes, pods: [...pods.values()], hash, nowMs });
          assert.equal(status.updatedNumberScheduled, count);
          assert.equal(status.numberAvailable, count);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("controlplane/controllers/daemonset/plan-revisions", () => {
  const made = () => {
    const [first] = planRevisions(daemonSet(), [], []).actions;
    assert.ok(first?.action === "create");
    return first.object;
  };
  const stored = (revision: number, name: string, data: unknown = made().data) => ({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    data,
    revision,
    metadata: { ...daemonSet().metadata, name, labels: { "controller-revision-hash": name } },
  });
  const one = stored(1, "one");
  const other = stored(2, "two", { spec: "other" });

  it("makes a revision for a new template, and uses an old one again under a new number", () => {
    assert.equal(made().revision, 1);
    assert.deepEqual(planRevisions(daemonSet(), [one], []).actions, []);
    assert.deepEqual(planRevisions(daemonSet(), [one, other], []).actions, [
      { action: "renumber", name: "one", revision: 3 },
    ]);
    const short = daemonSet({ revisionHistoryLimit: 0 });
    assert.deepEqual(planRevisions(short, [one, other], []).actions.at(-1), {
      action: "delete",
      name: "two",
    });
  });

  it("keeps the newest of several revisions of one template, and gives the pods of the others its hash", () => {
    const twin = stored(3, "three");
    for (const history of [
      [one, other, twin],
      [twin, other, one],
    ]) {
      const planned = planRevisions(daemonSet(), history, [on("a", "one"), on("b", "two"), on("c", "three")]);
      assert.deepEqual(planned.actions, [
        { action: "relabel", pod: "a-one", hash: "three" },
        { action: "delete", name: "one" },
      ]);
      const labels = planned.pods.map(({ metadata }) => metadata.labels?.["controller-revision-hash"]);
      assert.deepEqual([planned.hash, ...labels], ["three", "three", "two", "three"]);
    }
  });
});

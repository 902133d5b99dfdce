import assert from "node:assert/strict";
import fc from "fast-check";
import type { Node, Taint } from "../../../client/types.ts";
import { node, nowMs, pod, timeAt } from "../testing/objects.ts";
import { evictionInMs } from "./plan-eviction.ts";
import { type NodeObserved, planNode } from "./plan-node.ts";

const prefix = "node.kubernetes.io/";
const ownKeys = ["not-ready", "unreachable", "memory-pressure", "unschedulable"].map((name) => prefix + name);
const taints = fc.uniqueArray(
  fc.record({
    key: fc.constantFrom(...ownKeys, "mine", "yours"),
    effect: fc.constantFrom("NoSchedule", "NoExecute", "PreferNoSchedule"),
    timeAdded: fc.option(
      fc.integer({ min: 0, max: 900 }).map((seconds) => timeAt(nowMs - seconds * 1000)),
      { nil: undefined },
    ),
  }),
  { maxLength: 5, selector: ({ key, effect }) => `${key}:${effect}` },
) as fc.Arbitrary<Taint[]>;
const isEviction = ({ key, effect }: Taint) =>
  effect === "NoExecute" && [`${prefix}not-ready`, `${prefix}unreachable`].includes(key);

describe("controlplane/controllers/nodelifecycle: any node", () => {
  const nodes = fc.record({
    ready: fc.constantFrom("True", "False", "Unknown"),
    pressure: fc.constantFrom("True", "False"),
    unschedulable: fc.boolean(),
    taints,
  });
  const looks = fc.record({
    silent: fc.boolean(),
    evict: fc.constantFrom("yes" as const, "wait" as const, "no" as const),
  });
  const made = ({
    ready,
    pressure,
    unschedulable,
    taints: before,
  }: typeof nodes extends fc.Arbitrary<infer T> ? T : never): Node => {
    const one = node("a", { ready, spec: { unschedulable, taints: before } });
    const conditions = [...(one.status?.conditions ?? []), { type: "MemoryPressure", status: pressure }];
    return { ...one, status: { conditions } };
  };
  const applied = (one: Node, observed: NodeObserved): Node => {
    let { status, spec } = one;
    for (const step of planNode(one, observed)) {
      if (step.action === "setConditions") status = { ...status, conditions: [...step.conditions] };
      if (step.action === "setTaints") spec = { ...spec, taints: [...step.taints] };
    }
    return { ...one, ...(status && { status }), ...(spec && { spec }) };
  };

  it("keeps the taints that others set, evicts only where it may, and is settled after one look", () => {
    fc.assert(
      fc.property(nodes, looks, (given, look) => {
        const before = made(given);
        const observed = { ...look, nowMs };
        const after = applied(before, observed);
        const others = (of: Node) =>
          (of.spec?.taints ?? []).filter(
            ({ key, effect }) => !ownKeys.includes(key) || effect === "PreferNoSchedule",
          );
        assert.deepEqual(others(after), others(before));
        const isReady = given.ready === "True" && !look.silent;
        const wasGivenUp = given.taints.some(isEviction);
        const evicts = (after.spec?.taints ?? []).filter(isEviction);
        const mayEvict = !isReady && (look.evict === "yes" || (look.evict === "wait" && wasGivenUp));
        assert.equal(evicts.length, mayEvict ? 1 : 0);
        for (const taint of after.spec?.taints ?? []) {
          const same = given.taints.find(({ key, effect }) => key === taint.key && effect === taint.effect);
          if (same !== undefined) assert.equal(taint.timeAdded, same.timeAdded, "its time begins anew");
        }
        const again = planNode(after, observed).filter(({ action }) => action.startsWith("set"));
        assert.deepEqual(again, []);
      }),
      { numRuns: 500 },
    );
  });

  it("gives a pod the shortest of the times that it tolerates its taints, and none where it tolerates one not at all", () => {
    const tolerations = fc.array(
      fc.record({
        key: fc.constantFrom(...ownKeys, "mine", ""),
        effect: fc.constantFrom("NoExecute", "NoSchedule", ""),
        seconds: fc.option(fc.integer({ min: -5, max: 1000 }), { nil: undefined }),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(taints, tolerations, (set, borne) => {
        const one = pod("p", {
          spec: {
            tolerations: borne.map(({ key, effect, seconds }) => ({
              operator: "Exists",
              ...(key !== "" && { key }),
              ...(effect !== "" && { effect }),
              ...(seconds !== undefined && { tolerationSeconds: seconds }),
            })),
          },
        });
        const times = set
          .filter(({ effect }) => effect === "NoExecute")
          .map((taint) => {
            const bearing = borne.filter(
              ({ key, effect }) =>
                (key === "" || key === taint.key) && (effect === "" || effect === taint.effect),
            );
            if (bearing.length === 0) return 0;
            const seconds = Math.min(...bearing.map((each) => each.seconds ?? Number.POSITIVE_INFINITY));
            const since = taint.timeAdded === undefined ? nowMs : Date.parse(String(taint.timeAdded));
            return Math.max(0, since + Math.max(0, seconds) * 1000 - nowMs);
          });
        const soonest = Math.min(Number.POSITIVE_INFINITY, ...times);
        assert.equal(evictionInMs(one, set, nowMs) ?? Number.POSITIVE_INFINITY, soonest);
      }),
      { numRuns: 500 },
    );
  });
});

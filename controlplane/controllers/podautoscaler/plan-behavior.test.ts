import assert from "node:assert/strict";
import fc from "fast-check";
import { nowMs } from "../testing/objects.ts";
import { afterScaling, type Behavior, type History, noHistory, normalize } from "./plan-behavior.ts";

const times = { nowMs, downWindowMs: 300_000 };
const policy = (type: string, value: number, periodSeconds = 60) => ({ type, value, periodSeconds });
const free: Behavior = {
  scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: [policy("Percent", 900)] },
  scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: [policy("Percent", 100)] },
};
const bounds = (current: number, min = 1, max = 100) => ({ current, min, max });
const recommended = (...all: readonly (readonly [replicas: number, secondsAgo: number])[]): History => ({
  ...noHistory,
  recommendations: all.map(([replicas, seconds]) => ({ replicas, atMs: nowMs - seconds * 1000 })),
});

describe("how fast a target follows what is proposed for it", () => {
  it("without rules doubles at most, four at least, and shrinks to the most of five minutes", () => {
    const of = (proposed: number, current: number, history = noHistory) =>
      normalize(proposed, bounds(current), undefined, history, times);
    assert.deepEqual([of(50, 10).replicas, of(50, 10).limited.reason], [20, "ScaleUpLimit"]);
    assert.equal(of(50, 1).replicas, 4);
    const held = of(2, 10, recommended([8, 299], [30, 301]));
    assert.deepEqual([held.replicas, held.able.reason], [8, "ScaleDownStabilized"]);
    assert.equal(held.limited.isLimited, false);
    assert.deepEqual([of(0, 3).replicas, of(0, 3).limited.reason], [1, "TooFewReplicas"]);
    const most = normalize(60, bounds(40, 1, 50), undefined, noHistory, times);
    assert.deepEqual([most.replicas, most.limited.reason], [50, "TooManyReplicas"]);
  });

  it("chooses among policies, and a direction can be forbidden", () => {
    const up = (selectPolicy: string) => ({
      ...free,
      scaleUp: { ...free.scaleUp, selectPolicy, policies: [policy("Pods", 4), policy("Percent", 100)] },
    });
    const grown = (select: string) => normalize(99, bounds(10), up(select), noHistory, times).replicas;
    assert.deepEqual([grown("Max"), grown("Min"), grown("Disabled")], [20, 14, 10]);
    const down = (selectPolicy: string) => ({
      ...free,
      scaleDown: { ...free.scaleDown, selectPolicy, policies: [policy("Pods", 4), policy("Percent", 50)] },
    });
    const shrunk = (select: string) => normalize(1, bounds(20), down(select), noHistory, times);
    assert.deepEqual(
      [shrunk("Max").replicas, shrunk("Min").replicas, shrunk("Disabled").replicas],
      [10, 16, 20],
    );
    assert.equal(shrunk("Min").limited.reason, "ScaleDownLimit");
  });

  it("counts what a period has changed already", () => {
    const behavior: Behavior = {
      ...free,
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: [policy("Pods", 4, 60)] },
    };
    const history: History = { ...noHistory, ups: [{ change: 3, atMs: nowMs - 59_000 }] };
    assert.equal(normalize(50, bounds(10), behavior, history, times).replicas, 11);
    const older: History = { ...noHistory, ups: [{ change: 3, atMs: nowMs - 60_000 }] };
    assert.equal(normalize(50, bounds(10), behavior, older, times).replicas, 14);
    const back: History = { ...history, downs: [{ change: 2, atMs: nowMs - 10_000 }] };
    assert.equal(normalize(50, bounds(10), behavior, back, times).replicas, 13);
    const { ups } = afterScaling(older, behavior, { from: 10, to: 14 }, nowMs + 1);
    assert.deepEqual(ups, [{ change: 4, atMs: nowMs + 1 }], "keeps what no period asks about");
  });

  it("grows to the least, and shrinks to the most, of each direction's window", () => {
    const behavior: Behavior = {
      scaleUp: { ...free.scaleUp, stabilizationWindowSeconds: 60 },
      scaleDown: { ...free.scaleDown, stabilizationWindowSeconds: 120 },
    };
    const of = (proposed: number, ...past: readonly (readonly [number, number])[]) =>
      normalize(proposed, bounds(10), behavior, recommended(...past), times);
    assert.deepEqual([of(20, [14, 50]).replicas, of(20, [14, 50]).able.reason], [14, "ScaleUpStabilized"]);
    assert.equal(of(20, [14, 61]).replicas, 20);
    assert.deepEqual([of(4, [7, 119]).replicas, of(4, [7, 119]).able.reason], [7, "ScaleDownStabilized"]);
    assert.equal(of(4, [7, 121]).replicas, 4);
    // Where a rule says no window, the flag's counts.
    const { stabilizationWindowSeconds: _, ...scaleDown } = behavior.scaleDown ?? {};
    const byFlag = normalize(4, bounds(10), { ...behavior, scaleDown }, recommended([9, 250]), times);
    assert.equal(byFlag.replicas, 9);
  });

  const rules = fc.record({
    stabilizationWindowSeconds: fc.integer({ min: 0, max: 100 }),
    selectPolicy: fc.constantFrom("Max", "Min", "Disabled"),
    policies: fc.array(
      fc.record({
        type: fc.constantFrom("Pods", "Percent"),
        value: fc.integer({ min: 1, max: 100 }),
        periodSeconds: fc.integer({ min: 1, max: 120 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  });

  it("in any life keeps to its bounds and to what its policies allow in a period", () => {
    const lives = fc.record({
      behavior: fc.record({ scaleUp: rules, scaleDown: rules }),
      min: fc.integer({ min: 1, max: 5 }),
      more: fc.integer({ min: 0, max: 60 }),
      proposals: fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 40 }),
    });
    fc.assert(
      fc.property(lives, ({ behavior, min, more, proposals }) => {
        const max = min + more;
        let current = min;
        let history: History = noHistory;
        const life: { atMs: number; replicas: number }[] = [{ atMs: 0, replicas: current }];
        for (const [step, proposed] of proposals.entries()) {
          const atMs = (step + 1) * 15_000;
          const now = { nowMs: atMs, downWindowMs: 300_000 };
          const next = normalize(proposed, { current, min, max }, behavior, history, now);
          history = next.history;
          assert.ok(next.replicas >= min && next.replicas <= max, `${next.replicas} of ${min} to ${max}`);
          if (next.replicas > current) {
            assert.notEqual(behavior.scaleUp.selectPolicy, "Disabled");
            assert.ok(proposed >= next.replicas || proposed < min, "grew beyond what was proposed");
          }
          if (next.replicas < current) assert.notEqual(behavior.scaleDown.selectPolicy, "Disabled");
          if (next.replicas !== current)
            history = afterScaling(history, behavior, { from: current, to: next.replicas }, atMs);
          const grew = next.replicas > current;
          current = next.replicas;
          life.push({ atMs, replicas: current });
          // A sole policy of pods holds over its period, from whatever moment in it one counts.
          const [only, second] = behavior.scaleUp.policies;
          if (grew && only?.type === "Pods" && second === undefined) {
            const begin =
              life.filter((one) => one.atMs <= atMs - only.periodSeconds * 1000).at(-1) ?? life[0];
            assert.ok(current <= (begin?.replicas ?? 0) + only.value, "grew faster than allowed");
          }
        }
        assert.ok(history.recommendations.length <= 22, "remembers more than any window asks for");
        assert.ok(history.ups.length <= 9 && history.downs.length <= 9);
      }),
      { numRuns: 500 },
    );
  });
});

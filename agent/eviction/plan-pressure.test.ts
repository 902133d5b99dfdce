import assert from "node:assert/strict";
import fc from "fast-check";
import { isRelieved, noPressure, type PressureState, planPressure } from "./plan-pressure.ts";
import { type Observations, type PressureCondition, type Signal, signalFacts, signals } from "./signals.ts";
import { amountOf, bytesAmount, numberOf, readThresholds, type Threshold } from "./thresholds.ts";

const capacity = 1000;

/** A node that is looked at again and again. */
class Looks {
  readonly thresholds: readonly Threshold[];
  readonly #transitionMs: number;
  #state: PressureState = noPressure;

  constructor(thresholds: readonly Threshold[], transitionMs: number) {
    this.thresholds = thresholds;
    this.#transitionMs = transitionMs;
  }

  at(nowMs: number, left: Partial<Record<Signal, number>>) {
    const times = { nowMs, transitionMs: this.#transitionMs };
    const verdict = planPressure(this.thresholds, observed(left), this.#state, times);
    this.#state = verdict.state;
    return verdict;
  }

  /** `MemoryPressure | memory.available` */
  told(nowMs: number, left: Partial<Record<Signal, number>>): string {
    const { conditions, due } = this.at(nowMs, left);
    return `${conditions.join()} | ${due.map(({ signal, graceMs }) => signal + (graceMs > 0 ? " soft" : "")).join()}`;
  }
}

const observed = (left: Partial<Record<Signal, number>>): Observations =>
  new Map(Object.entries(left).map(([name, available]) => [name as Signal, { available, capacity }]));

function thresholds(hard: readonly string[], soft: readonly string[] = [], reclaim: readonly string[] = []) {
  const texts = {
    hard,
    soft: soft.map((one) => one.split(" ")[0] ?? ""),
    softGracePeriod: soft.map((one) => `${one.split("<")[0]}=${one.split(" ")[1]}`),
    minimumReclaim: reclaim,
  };
  return readThresholds(texts, (problem) => assert.fail(JSON.stringify(problem)));
}

describe("agent/eviction/plan-pressure", () => {
  it("is due at once where a hard threshold is met, and not where just so much is left", () => {
    const looks = new Looks(thresholds(["memory.available<100", "nodefs.available<10%"]), 0);
    assert.equal(looks.told(0, { "memory.available": 100, "nodefs.available": 100 }), " | ");
    assert.equal(looks.told(1, { "memory.available": 99 }), "MemoryPressure | memory.available");
    assert.equal(
      looks.told(2, { "memory.available": 100, "nodefs.available": 99 }),
      "DiskPressure | nodefs.available",
    );
  });

  it("tells of a soft threshold at once, and acts only when it was met for its grace period without a pause", () => {
    const looks = new Looks(thresholds([], ["memory.available<200 10s"]), 0);
    assert.equal(looks.told(0, { "memory.available": 199 }), "MemoryPressure | ");
    assert.equal(looks.told(9_999, { "memory.available": 1 }), "MemoryPressure | ");
    assert.equal(looks.told(10_000, { "memory.available": 1 }), "MemoryPressure | memory.available soft");
    assert.equal(looks.told(11_000, { "memory.available": 200 }), " | ");
    assert.equal(looks.told(12_000, { "memory.available": 1 }), "MemoryPressure | ");
    assert.equal(looks.told(21_999, { "memory.available": 1 }), "MemoryPressure | ");
    assert.equal(looks.told(22_000, { "memory.available": 1 }), "MemoryPressure | memory.available soft");
  });

  it("goes on until the minimum is reclaimed, too, but does not begin for its lack", () => {
    const looks = new Looks(thresholds(["nodefs.available<100"], [], ["nodefs.available=50"]), 0);
    assert.equal(looks.told(0, { "nodefs.available": 149 }), " | ");
    assert.equal(looks.told(1, { "nodefs.available": 99 }), "DiskPressure | nodefs.available");
    assert.equal(looks.told(2, { "nodefs.available": 149 }), "DiskPressure | nodefs.available");
    assert.equal(looks.told(3, { "nodefs.available": 150 }), " | ");
    assert.equal(looks.told(4, { "nodefs.available": 149 }), " | ");
  });

  it("tells of pressure for the transition period after it was last there", () => {
    const looks = new Looks(thresholds(["pid.available<100"]), 60_000);
    assert.equal(looks.told(0, { "pid.available": 1 }), "PIDPressure | pid.available");
    assert.equal(looks.told(10_000, { "pid.available": 1 }), "PIDPressure | pid.available");
    assert.equal(looks.told(69_999, { "pid.available": 500 }), "PIDPressure | ");
    assert.equal(looks.told(70_000, { "pid.available": 500 }), " | ");
  });

  it("takes memory before anything else, and what is not known for enough", () => {
    const all = ["pid.available<100", "nodefs.inodesFree<100", "allocatableMemory.available<100"];
    const looks = new Looks(thresholds(all), 0);
    const nothing = Object.fromEntries(signals.map((one) => [one, 0]));
    assert.equal(
      looks.told(0, nothing),
      "MemoryPressure,DiskPressure,PIDPressure | allocatableMemory.available,pid.available,nodefs.inodesFree",
    );
    assert.equal(looks.told(1, {}), " | ");
    const uncounted = new Map([["nodefs.inodesFree" as const, { available: 0, capacity: 0 }]]);
    assert.deepEqual(
      planPressure(looks.thresholds, uncounted, noPressure, { nowMs: 0, transitionMs: 0 }).due,
      [],
    );
  });

  it("calls a node relieved only when no threshold is met with its minimum, whatever its grace", () => {
    const all = thresholds(["nodefs.available<100"], ["memory.available<200 1m"], ["nodefs.available=50"]);
    assert.equal(isRelieved(all, observed({ "nodefs.available": 150, "memory.available": 200 })), true);
    assert.equal(isRelieved(all, observed({ "nodefs.available": 149, "memory.available": 200 })), false);
    assert.equal(isRelieved(all, observed({ "nodefs.available": 150, "memory.available": 199 })), false);
  });

  it("says of any life of a node what its whole history says", () => {
    const one = fc.record({
      signal: fc.constantFrom(...signals),
      least: fc.integer({ min: 1, max: capacity }),
      graceMs: fc.constantFrom(0, 0, 5, 20),
      reclaim: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
    });
    const look = fc.record({
      afterMs: fc.integer({ min: 1, max: 15 }),
      left: fc.dictionary(fc.constantFrom(...signals), fc.integer({ min: 0, max: capacity }), {
        noNullPrototype: true,
      }),
    });
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 5 }),
        fc.array(look, { maxLength: 25 }),
        fc.integer({ min: 0, max: 40 }),
        (chosen, life, transitionMs) => {
          const all: Threshold[] = chosen.map(({ signal, least, graceMs, reclaim }) => ({
            signal,
            value: { amount: bytesAmount(least) },
            graceMs,
            ...(reclaim !== undefined && { minimumReclaim: { amount: bytesAmount(reclaim) } }),
          }));
          const looks = new Looks(all, transitionMs);
          const past: Past[] = [];
          let nowMs = 0;
          for (const { afterMs, left } of life) {
            nowMs += afterMs;
            const { conditions, due } = looks.at(nowMs, left);
            past.push({ atMs: nowMs, left: observed(left) });
            const wanted = byHistory(all, past, transitionMs);
            assert.deepEqual(new Set(due), wanted.due);
            assert.deepEqual(new Set(conditions), wanted.conditions);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

interface Past {
  readonly atMs: number;
  readonly left: Observations;
}

/** The twin: it forgets nothing, and works all out from the beginning. */
function byHistory(all: readonly Threshold[], past: readonly Past[], transitionMs: number) {
  const now = past.at(-1)?.atMs ?? 0;
  const due = new Set<Threshold>();
  const conditions = new Set<PressureCondition>();
  for (const one of all) {
    let sinceMs: number | undefined;
    let isDue = false;
    for (const { atMs, left } of past) {
      const seen = left.get(one.signal);
      const least = numberOf(amountOf(one.value, capacity));
      const enough: number =
        isDue && one.minimumReclaim ? least + numberOf(amountOf(one.minimumReclaim, capacity)) : least;
      const isMet: boolean = seen !== undefined && seen.available < enough;
      sinceMs = isMet ? (sinceMs ?? atMs) : undefined;
      isDue = sinceMs !== undefined && atMs - sinceMs >= one.graceMs;
      if (isMet && (atMs === now || now - atMs < transitionMs))
        conditions.add(signalFacts[one.signal].condition);
    }
    if (isDue) due.add(one);
  }
  return { due, conditions };
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { PriorityLevels } from "./priority-levels.ts";
import { RetryAfter } from "./retry-after.ts";
import { allocateSeats } from "./seat-allocation.ts";
import { type PriorityLevelSpec, suggestedLevels } from "./suggested-objects.ts";

const suggested = suggestedLevels.map(({ name, spec }) => ({ name, uid: `uid-${name}`, spec }));
const extra: PriorityLevelSpec = {
  type: "Limited",
  limited: {
    nominalConcurrencyShares: 30,
    lendablePercent: 0,
    limitResponse: { type: "Queue", queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
  },
};

describe("priority levels", () => {
  it("divide a server's seats as kube-apiserver 1.36.3 does", () => {
    // Its own figures, with 600 seats: nominal, lower, upper and current limits when idle, while one request is executed
    // exempt.
    const recorded = {
      "catch-all": [13, 13, 613, 30],
      exempt: [0, 0, 600, 1],
      "global-default": [49, 24, 649, 56],
      "leader-election": [25, 25, 625, 58],
      "node-high": [98, 73, 698, 170],
      system: [74, 50, 674, 117],
      "workload-high": [98, 49, 698, 114],
      "workload-low": [245, 24, 845, 56],
    };
    const levels = new PriorityLevels(600, 0);
    levels.configure(suggested, 0);
    levels.get("exempt")?.demandMeter.set(1, 0);
    levels.adjust(10_000);
    const found = Object.fromEntries(
      [...levels.all].map(({ name, nominalSeats, lowerSeats, upperSeats, queues }) => [
        name,
        [nominalSeats, lowerSeats, upperSeats, queues.seatsMax],
      ]),
    );
    for (const [name, row] of Object.entries(recorded)) {
      const [nominal, lower, upper, current = 0] = found[name] ?? [];
      assert.deepEqual([nominal, lower, upper], row.slice(0, 3), name);
      // What was wanted in the hours before moved these by a seat or two.
      assert.ok(Math.abs(current - (row[3] ?? 0)) <= 2, `${name}: ${current}, recorded ${row[3]}`);
    }
  });

  it("lend what is not wanted to who wants it, and take it back", () => {
    const levels = new PriorityLevels(600, 0);
    levels.configure(suggested, 0);
    const low = levels.get("workload-low");
    const high = levels.get("workload-high");
    assert.ok(low && high);
    const quiet = low.queues.seatsMax;
    low.demandMeter.set(400, 0);
    levels.adjust(10_000);
    assert.ok(
      low.queues.seatsMax > quiet && low.queues.seatsMax > low.nominalSeats,
      `${low.queues.seatsMax}`,
    );
    high.demandMeter.set(200, 10_000);
    levels.adjust(20_000);
    assert.ok(high.queues.seatsMax >= high.nominalSeats, "a level that wants its own gets it");
  });

  it("keep the mandatory ones whatever is stored, and those that go until they are idle", () => {
    const levels = new PriorityLevels(10, 0);
    assert.deepEqual([...levels.all].map(({ name }) => name).sort(), ["catch-all", "exempt"]);
    levels.configure([{ name: "flow-x", uid: "", spec: extra }], 0);
    const leaving = levels.get("flow-x");
    const arrival = leaving?.queues.arrive(
      { hash: 1n, estimate: { initialSeats: 1, finalSeats: 0, lingerMs: 0 }, onStart: () => {} },
      0,
    );
    levels.configure([], 1);
    assert.equal(levels.get("flow-x")?.isLeaving, true);
    assert.ok(arrival && "ticket" in arrival);
    leaving?.queues.finish(arrival.ticket, 2);
    levels.configure([], 3);
    assert.equal(levels.get("flow-x"), undefined);
  });

  it("take a spec that contradicts itself for none", () => {
    const levels = new PriorityLevels(10, 0);
    levels.configure([{ name: "x", uid: "", spec: { type: "Limited" } }], 0);
    assert.equal(levels.get("x"), undefined);
  });
});

describe("the division of seats", () => {
  it("sums to what there is, within every claim's bounds", () => {
    const claim = fc
      .record({ lower: fc.nat(50), over: fc.nat(50), room: fc.nat(200) })
      .map(({ lower, over, room }) => ({ lower, target: lower + over, upper: lower + room }));
    fc.assert(
      fc.property(fc.array(claim, { minLength: 1, maxLength: 10 }), fc.nat(100), (claims, percent) => {
        const lowest = claims.reduce((sum, one) => sum + one.lower, 0);
        const highest = claims.reduce((sum, one) => sum + one.upper, 0);
        const total = Math.round(lowest + ((highest - lowest) * percent) / 100);
        const { seats = [] } = allocateSeats(total, claims) ?? {};
        const sum = seats.reduce((all, one) => all + one, 0);
        assert.ok(Math.abs(sum - total) < 0.01, `${sum} of ${total}`);
        for (const [at, { lower, upper }] of claims.entries()) {
          const given = seats[at] ?? Number.NaN;
          assert.ok(given >= lower - 1e-9 && given <= upper + 1e-9);
        }
      }),
    );
    assert.equal(allocateSeats(1, [{ lower: 2, target: 2, upper: 3 }]), undefined);
  });
});

describe("when to come again", () => {
  it("is twice as late while many are refused, and sooner when few are", () => {
    const retry = new RetryAfter();
    const second = (now: number, count: number) => {
      let last = 0;
      for (let n = 0; n < count; n++) last = retry.refused("x", now);
      return last;
    };
    assert.deepEqual([second(100, 10), second(101, 10), second(102, 10), second(103, 10)], [1, 2, 2, 4]);
    assert.equal(second(200, 1), 3);
    let longest = 0;
    for (let now = 300; now < 500; now++) longest = Math.max(longest, second(now, 200));
    assert.equal(longest, 32);
    assert.equal(retry.refused("y", 500), 1);
  });
});

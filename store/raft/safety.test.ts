import assert from "node:assert/strict";
import { SafetyViolation } from "./fixtures/checks.ts";
import type { MemberFaults } from "./fixtures/member.ts";
import { World, type WorldOptions } from "./fixtures/world.ts";

const stepsPerRun = 6_000;

/** What a run suffers depends on its seed: some know only crashes, some only loss, some everything. */
function options(seed: number, faults?: MemberFaults): WorldOptions {
  return {
    seed,
    members: seed % 3 === 0 ? 5 : 3,
    crashChance: seed % 2 === 0 ? 0.004 : 0.001,
    partitionChance: seed % 5 === 0 ? 0 : 0.003,
    confChangeChance: seed % 4 === 0 ? 0.05 : 0,
    dropChance: seed % 7 === 0 ? 0.2 : 0.02,
    ...(faults && { faults }),
  };
}

/** Few members, hasty elections, one entry a message, much going down: leaders come and go over half-replicated logs. */
function stormy(seed: number, faults?: MemberFaults): WorldOptions {
  return {
    ...options(seed, faults),
    members: 3,
    crashChance: 0.03,
    partitionChance: seed % 2 === 0 ? 0 : 0.01,
    confChangeChance: 0,
    tuning: { electionTicks: 1, appendBytesMax: 1 },
  };
}

function run(weather: WorldOptions): World {
  const world = new World(weather);
  for (let i = 0; i < stepsPerRun; i++) world.step();
  return world;
}

/** The first of `seeds` runs that breaks a property, or trips one of raft's own assertions. */
function firstViolation(seeds: number, faults: MemberFaults): { seed: number; what: string } | undefined {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      run(options(seed, faults));
      run(stormy(seed, faults));
    } catch (error) {
      if (error instanceof SafetyViolation) return { seed, what: error.message };
      if (error instanceof Error && error.name === "AssertionError") return { seed, what: error.message };
      throw error;
    }
  }
  return undefined;
}

describe("raft under crashes, loss, repetition, reordering and partitions", () => {
  it("keeps its safety properties, and the members agree once they are left alone", () => {
    let committed = 0;
    let reads = 0;
    for (let seed = 1; seed <= 40; seed++) {
      for (const weather of [options(seed), stormy(seed)]) {
        const world = run(weather);
        world.heal();
        const end = world.converged();
        assert.ok(end, `seed ${seed}: no leader after healing`);
        assert.deepEqual(new Set(end.applied), new Set([world.checks.highestCommitted]), `seed ${seed}`);
        committed += world.checks.committedCount;
        reads += world.readsAnswered;
      }
    }
    // The runs must not be idle, or they would prove nothing.
    assert.ok(committed > 2_000, `only ${committed} entries were committed`);
    assert.ok(reads > 2_000, `only ${reads} reads were answered`);
  });

  const planted: [string, MemberFaults][] = [
    ["acknowledges before the sync", { ackBeforeSync: true }],
    ["forgets its vote", { skipPersistVote: true }],
    ["votes twice", { raft: { voteTwice: true } }],
    ["commits an entry of an old term by counting", { raft: { commitOldTermByCounting: true } }],
    ["reads without a quorum", { raft: { readWithoutQuorum: true } }],
  ];
  for (const [what, faults] of planted) {
    it(`finds a member that ${what}`, () => {
      assert.ok(firstViolation(400, faults), "no run broke a property");
    });
  }
});

import assert from "node:assert/strict";
import { type SimOptions, swarmOptions, type Trouble, troubles } from "./options.ts";
import { type Faults, simulate } from "./simulate.ts";

const only = (some: Partial<Record<Trouble, number>>): Record<Trouble, number> => ({
  ...(Object.fromEntries(troubles.map((trouble) => [trouble, 0])) as Record<Trouble, number>),
  ...some,
});
const quiet = {
  cutNewLeaderChance: 0,
  crashVoterChance: 0,
  figureEightEveryMs: 0,
  interruptedInstallEveryMs: 0,
  crashInstallerChance: 0,
};

interface Planted {
  readonly bug: string;
  readonly faults: Faults;
  /** The weather in which it shows soonest. */
  readonly weather: Partial<SimOptions>;
  /** Properties one of which it breaks first. */
  readonly breaks: RegExp;
}

const planted: readonly Planted[] = [
  {
    bug: "acknowledges before it is on disk",
    faults: { ackBeforeSync: true },
    weather: {
      ...quiet,
      weights: only({ powerCutAll: 1 }),
      troubleEveryMs: 500,
      syncMs: 15,
      thinkMs: 20,
      delayMs: 0.5,
      stormMs: 8_000,
    },
    breaks: /leader completeness|state machine safety|acknowledged writes survive/,
  },
  {
    bug: "forgets its vote in a crash",
    faults: { skipPersistVote: true },
    weather: {
      ...quiet,
      weights: only({ isolateLeader: 3, kill: 2 }),
      troubleEveryMs: 300,
      electionMs: 300,
      crashVoterChance: 0.5,
      delayMs: 30,
      syncMs: 0.5,
      clients: 1,
    },
    breaks: /election safety/,
  },
  {
    bug: "commits an old term's entry by counting",
    faults: { raft: { commitOldTermByCounting: true } },
    weather: {
      ...quiet,
      weights: only({}),
      figureEightEveryMs: 5_000,
      troubleEveryMs: 60_000,
      appendBytesMax: 1,
      electionMs: 300,
      heartbeatMs: 100,
      delayMs: 10,
      syncMs: 0.5,
      lossChance: 0,
      clients: 1,
      thinkMs: 200,
    },
    breaks: /leader completeness|state machine safety/,
  },
  {
    bug: "applies twice after a restart",
    faults: { applyTwiceAfterRestart: true },
    // Without snapshots: that they name another index than they hold would be noticed first.
    weather: {
      ...quiet,
      weights: only({ kill: 1, powerCut: 1 }),
      troubleEveryMs: 1_000,
      snapshotCount: 10_000,
    },
    breaks: /equal state/,
  },
  {
    bug: "skips a revision of a watch",
    faults: { watchSkipsRevision: true },
    weather: { ...quiet, weights: only({}), troubleEveryMs: 60_000 },
    breaks: /^watch/,
  },
  {
    bug: "votes twice in a term",
    faults: { raft: { voteTwice: true } },
    weather: {
      ...quiet,
      weights: only({ isolateLeader: 1 }),
      troubleEveryMs: 500,
      electionMs: 300,
      delayMs: 30,
      clients: 1,
    },
    breaks: /election safety/,
  },
  {
    bug: "answers reads without asking whether it still leads",
    faults: { raft: { readWithoutQuorum: true } },
    weather: {
      ...quiet,
      weights: only({ isolateLeader: 1 }),
      troubleEveryMs: 1_500,
      electionMs: 1_000,
      heartbeatMs: 50,
      delayMs: 0.5,
      lossChance: 0,
      syncMs: 0.5,
      thinkMs: 20,
      clients: 5,
      keys: 3,
      leaseholders: 0,
    },
    breaks: /linearizability/,
  },
  {
    bug: "takes a log that goes another way for its own after a crash inside a snapshot's install",
    faults: { trustLogByIndex: true },
    weather: {
      ...quiet,
      weights: only({}),
      troubleEveryMs: 60_000,
      interruptedInstallEveryMs: 3_000,
      electionMs: 300,
      snapshotCount: 10,
      catchUpEntries: 0,
      delayMs: 0.5,
      lossChance: 0,
      syncMs: 0.5,
      clients: 2,
      thinkMs: 20,
    },
    breaks: /state machine safety|equal state|progress/,
  },
  {
    bug: "syncs only the last of several batches for its database",
    faults: { syncOnlyLastLayer: true },
    weather: {
      ...quiet,
      weights: only({ powerCut: 1, powerCutAll: 1 }),
      troubleEveryMs: 700,
      backendBatchRows: 3,
      syncMs: 15,
      thinkMs: 20,
      delayMs: 0.5,
      snapshotCount: 10_000,
      clients: 5,
    },
    // What the lost batch named may be a row, or a file of the revision log.
    breaks: /equal state|^members live: .*the revision log is damaged/,
  },
  {
    bug: "saves how far its revision log reaches before the log does",
    faults: { markBeforeLog: true },
    weather: {
      ...quiet,
      weights: only({ powerCut: 1, powerCutAll: 1 }),
      troubleEveryMs: 500,
      backendBatchRows: 3,
      syncMs: 15,
      thinkMs: 20,
      delayMs: 0.5,
      snapshotCount: 10_000,
      clients: 5,
    },
    breaks: /^members live: .*the revision log is damaged/,
  },
  {
    bug: "puts a rewritten file of its revision log in place before it is on disk",
    faults: { switchBeforeSync: true },
    weather: {
      ...quiet,
      weights: only({ powerCut: 1, powerCutAll: 1 }),
      troubleEveryMs: 500,
      backendBatchRows: 3,
      syncMs: 15,
      thinkMs: 20,
      delayMs: 0.5,
      snapshotCount: 10_000,
      clients: 5,
    },
    breaks: /^members live: .*the revision log is damaged/,
  },
  {
    bug: "takes what stands behind the mark in its revision log for rows",
    faults: { keepTail: true },
    weather: {
      ...quiet,
      weights: only({ powerCut: 1, kill: 1 }),
      troubleEveryMs: 500,
      backendBatchRows: 3,
      syncMs: 15,
      thinkMs: 20,
      delayMs: 0.5,
      snapshotCount: 10_000,
      clients: 5,
    },
    breaks: /equal state/,
  },
  {
    bug: "calls a write lost before it knows what the next leader saved of it",
    faults: { callLostTooSoon: true },
    weather: {
      ...quiet,
      weights: only({ isolateLeader: 2, kill: 1 }),
      troubleEveryMs: 700,
      electionMs: 300,
      heartbeatMs: 50,
      delayMs: 10,
      syncMs: 5,
      thinkMs: 10,
      clients: 6,
      keys: 3,
    },
    breaks: /^applied once/,
  },
  {
    bug: "takes proposals while it hands over, though it says that it does not",
    faults: { raft: { takeWhatIsDropped: true } },
    weather: {
      ...quiet,
      weights: only({ moveLeader: 3, pause: 1 }),
      troubleEveryMs: 300,
      electionMs: 1_000,
      delayMs: 10,
      thinkMs: 10,
      clients: 6,
      keys: 3,
    },
    breaks: /^applied once/,
  },
];
const seedsMax = 12;

describe("the simulator finds planted bugs", () => {
  for (const { bug, faults, weather, breaks } of planted)
    it(`a member that ${bug}`, async function () {
      this.timeout(120_000);
      for (let seed = 1; seed <= seedsMax; seed++) {
        const options = swarmOptions(seed, weather);
        const { violation } = await simulate(options, faults);
        if (violation === undefined) continue;
        assert.match(violation.message, breaks);
        const { violation: without } = await simulate(options);
        assert.equal(without, undefined, `seed ${seed} breaks a property without the bug as well`);
        return;
      }
      assert.fail(`none of ${seedsMax} seeds broke a property`);
    });
});

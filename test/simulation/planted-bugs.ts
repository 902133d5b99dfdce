import type { SimOptions } from "./options.ts";
import { checkpoints, fair, only, powerCuts, quick, quiet, users } from "./planted-weather.ts";
import type { Faults } from "./simulate.ts";

const broken = (...properties: readonly string[]): RegExp => new RegExp(`^(${properties.join("|")})`);

/** What breaks where a member holds something else than it should, whoever looks first. */
const state = [
  "equal state",
  "equal history",
  "linearizability",
  "serializable reads",
  "applied once",
  "watch",
  "state machine safety",
];
/** What breaks where members do not agree on the log, or one lost what it had. */
const agreement = [
  ...state,
  "leader completeness",
  "log matching",
  "acknowledged writes survive",
  "kept promises",
  "no way back",
  "members live",
  "progress",
];
const elections = ["vote once", "election safety", ...agreement];
const damagedRevisions = "members live: .*(revision log is damaged|which the database does not hold)";
const missingRevision = "[^]*a revision is in the index, not in the backend";
const writtenTwice = ["applied once", "exactly once", "linearizability", "serializable reads", "watch"];

export interface Planted {
  readonly bug: string;
  readonly faults: Faults;
  /** The weather in which it shows soonest. */
  readonly weather: Partial<SimOptions>;
  /** Properties one of which it breaks first. */
  readonly breaks: RegExp;
  /** The properties that count, where the bug is to be found by these alone. */
  readonly heeded?: RegExp;
  /** The share of seeds that find it, from 20 seeds or more, rounded down. */
  readonly found: number;
}

/** So many seeds that less than one set of them in a thousand would not find it. */
export const seedsFor = ({ found }: Pick<Planted, "found">): number =>
  Math.ceil(Math.log(0.001) / Math.log(1 - found));

export const planted: readonly Planted[] = [
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
    breaks: broken(...agreement),
    found: 0.8,
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
    breaks: broken(...elections),
    found: 0.35,
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
    breaks: broken(...agreement),
    found: 0.5,
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
    breaks: broken(...state, "leases"),
    found: 0.9,
  },
  {
    bug: "skips a revision of a watch",
    faults: { watchSkipsRevision: true },
    weather: { ...quiet, ...fair },
    breaks: broken("watch"),
    found: 0.9,
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
    breaks: broken(...elections),
    found: 0.8,
  },
  {
    bug: "answers reads without asking whether it still leads",
    faults: { raft: { readWithoutQuorum: true } },
    weather: {
      ...quiet,
      weights: only({ isolateLeader: 1 }),
      stormMs: 8_000,
      watchers: 1,
      troubleEveryMs: 1_200,
      electionMs: 1_000,
      heartbeatMs: 50,
      delayMs: 0.5,
      lossChance: 0,
      syncMs: 0.5,
      thinkMs: 5,
      clients: 8,
      keys: 3,
      leaseholders: 0,
    },
    breaks: broken("linearizability", "serializable reads", "applied once"),
    found: 0.18,
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
      silentChecksMax: 0,
      delayMs: 0.5,
      lossChance: 0,
      syncMs: 0.5,
      clients: 2,
      thinkMs: 20,
    },
    breaks: broken(...agreement),
    found: 0.9,
  },
  {
    bug: "syncs only the last of several batches for its database",
    faults: { syncOnlyLastLayer: true },
    weather: {
      ...powerCuts,
      troubleEveryMs: 400,
      syncMs: 30,
      thinkMs: 5,
      clients: 10,
      leaseholders: 8,
      watchers: 1,
      keys: 8,
    },
    breaks: broken(...state, damagedRevisions),
    found: 0.9,
  },
  {
    bug: "saves how far its revision log reaches before the log does",
    faults: { markBeforeLog: true },
    weather: powerCuts,
    breaks: broken(...state, damagedRevisions),
    found: 0.9,
  },
  {
    bug: "puts a rewritten file of its revision log in place before it is on disk",
    faults: { switchBeforeSync: true },
    weather: powerCuts,
    breaks: broken(...state, damagedRevisions),
    found: 0.9,
  },
  {
    bug: "takes what stands behind the mark in its revision log for rows",
    faults: { keepTail: true },
    weather: {
      ...powerCuts,
      weights: only({ powerCut: 1, kill: 1 }),
    },
    breaks: broken(...state),
    found: 0.9,
  },
  {
    bug: "reads with a checkpoint of its keys no dropped revisions behind it",
    faults: { skipDropped: true },
    found: 0.25,
    weather: checkpoints,
    breaks: broken(...state, missingRevision),
  },
  {
    bug: "keeps a checkpoint of its keys although revisions behind it are rewritten",
    faults: { keepCheckpoint: true },
    found: 0.25,
    weather: checkpoints,
    breaks: broken(...state, missingRevision),
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
    breaks: broken(...writtenTwice),
    found: 0.5,
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
    breaks: broken(...writtenTwice),
    found: 0.9,
  },
  {
    bug: "votes for those whose log lacks what it has",
    faults: { raft: { voteForShorterLog: true } },
    weather: {
      ...quick,
      weights: only({ isolate: 2, isolateLeader: 2, kill: 1 }),
      troubleEveryMs: 200,
    },
    breaks: broken(...elections),
    found: 0.27,
  },
  {
    bug: "commits what it holds alone",
    faults: { raft: { commitAlone: true } },
    weather: { ...quick, weights: only({ isolateLeader: 1 }), troubleEveryMs: 500 },
    breaks: broken(...agreement),
    found: 0.9,
  },
  {
    bug: "takes entries behind others than their leader has",
    faults: { raft: { appendAnywhere: true } },
    weather: {
      ...quick,
      weights: only({ isolateLeader: 3 }),
      troubleEveryMs: 500,
      figureEightEveryMs: 4_000,
    },
    breaks: broken(...agreement),
    found: 0.7,
  },
  {
    bug: "tells a watch twice of the revision at which it fell behind",
    faults: { watchRepeatsRevision: true },
    weather: { ...quick, ...fair, watchers: 3 },
    breaks: broken("watch"),
    found: 0.9,
  },
  {
    bug: "tells a watch of progress that it has not made",
    faults: { progressTooEarly: true },
    weather: { ...quick, ...fair, watchers: 4, slowWatchers: 1 },
    breaks: broken("watch"),
    found: 0.8,
  },
  {
    bug: "forgets that a lease was renewed",
    faults: { forgetRenewals: true },
    weather: { ...quick, ...fair, leaseholders: 3 },
    breaks: broken("leases"),
    found: 0.9,
  },
  {
    bug: "takes records of its log whatever their checksum says",
    faults: { trustRecords: true },
    weather: {
      ...quick,
      weights: only({ rotOnDisk: 4, kill: 2 }),
      troubleEveryMs: 200,
      snapshotCount: 10_000,
      valueBytesMax: 2_000,
    },
    breaks: broken(...agreement),
    found: 0.26,
  },
  {
    bug: "syncs no folder",
    faults: { skipFolderSync: true },
    weather: { ...quick, weights: only({ powerCut: 1 }), troubleEveryMs: 300, segmentBytes: 4_096 },
    breaks: broken(...agreement),
    found: 0.9,
  },
  {
    bug: "names a segment of its log before it is on disk",
    faults: { skipSegmentSync: true },
    weather: {
      ...quick,
      weights: only({ powerCut: 1 }),
      troubleEveryMs: 2_000,
      segmentBytes: 4_096,
      crashAt: { ...quiet.crashAt, segmentCut: 0.08 },
    },
    breaks: broken(...agreement),
    found: 0.3,
  },
  {
    bug: "syncs no file of its revision log",
    faults: { skipRevisionSync: true },
    weather: {
      ...quick,
      weights: only({ powerCut: 1 }),
      troubleEveryMs: 300,
      snapshotCount: 10_000,
    },
    breaks: broken(...state, "members live"),
    found: 0.9,
  },
  {
    bug: "hands a forwarded proposal over twice",
    faults: { repeatProposals: true },
    weather: { ...quick, ...fair, duplicateChance: 0.05 },
    breaks: broken(...writtenTwice),
    found: 0.9,
  },
  {
    bug: "does not answer some writes",
    faults: { loseAnswers: true },
    weather: { ...quick, ...fair },
    breaks: broken("writes answer in time", "progress"),
    found: 0.7,
  },
  {
    bug: "writes past the alarm that says that the database is full",
    faults: { growPastAlarm: true },
    weather: { ...quick, ...fair, quotaBytes: 15_000, valueBytesMax: 2_000, keys: 8 },
    breaks: broken(...state),
    found: 0.5,
  },
  {
    bug: "applies something else than the others, seen by what members hash",
    faults: { oneAppliesElse: true },
    weather: { ...quick, ...fair },
    heeded: /^equal history/,
    breaks: broken("equal history"),
    found: 0.9,
  },
  {
    bug: "applies something else than the others, which these accuse",
    faults: { oneAppliesElse: true },
    weather: { ...quick, ...fair, corruptCheckMs: 1_000 },
    heeded: /^no corruption/,
    breaks: broken("no corruption: the members accuse m1$"),
    found: 0.9,
  },
  {
    bug: "leaves a renewed lease the time that it had left before to the next leader",
    faults: { keepCheckpoints: true },
    weather: {
      ...quick,
      weights: only({ moveLeader: 2 }),
      troubleEveryMs: 1_500,
      stormMs: 15_000,
      leaseholders: 16,
      clients: 1,
      watchers: 1,
      leaseTtlMaxS: 8,
      leaseCheckpointMs: 500,
    },
    breaks: broken("leases live"),
    found: 0.7,
  },
  {
    bug: "lets users do what they were once allowed",
    faults: { keepRights: true },
    weather: users,
    breaks: broken("access", ...state),
    found: 0.9,
  },
  {
    bug: "lets requests take effect that came in before users or roles changed",
    faults: { trustOldRevision: true },
    weather: { ...users, authChangeEveryMs: 100, clients: 8, delayMs: 2, thinkMs: 5 },
    breaks: broken(...state),
    found: 0.9,
  },
  {
    bug: "knows tokens of users who have another password",
    faults: { keepTokens: true },
    weather: users,
    breaks: broken("access"),
    found: 0.9,
  },
];

import { below, chance, Prng, type Random } from "../../base/os/random.ts";

/** What the nemesis can do, and how often in relation to each other. */
export const troubles = [
  "kill",
  "powerCut",
  "powerCutAll",
  "isolate",
  "isolateLeader",
  "oneWay",
  "cutLink",
  "pause",
  "pauseLeader",
  "moveLeader",
  "breakConnections",
  "jumpClock",
  "failDisk",
  "fillDisk",
  "slowDisk",
  "lieOnDisk",
  "rotOnDisk",
  "defragment",
  "readSnapshot",
  "hostileFrame",
] as const;
export type Trouble = (typeof troubles)[number];

/** Moments that are over soon, in which a member may die. */
export const windows = ["segmentCut", "revisionSync", "revisionFiles", "install"] as const;
export type Window = (typeof windows)[number];

/** The weather of one run. */
export interface SimOptions {
  readonly seed: number;
  /** Voters at the beginning. */
  readonly members: number;
  /** Mean time between two changes of who belongs to the cluster; 0: none but to replace a machine whose disk is damaged. */
  readonly churnEveryMs: number;
  /** Time that everything a process does at once takes. */
  readonly computeMs: number;
  /** Clocks of machines go wrong by up to this share. */
  readonly clockDrift: number;
  /** How often a member dies at a step within a window. */
  readonly crashAt: Readonly<Record<Window, number>>;
  /** How many times longer than usual all pause that do something now and then: watchers, operators, who looks on. */
  readonly stretch: number;
  /** Leases are asked for this long at most. */
  readonly leaseTtlMaxS: number;
  /** What a client may write in one value, in bytes. */
  readonly valueBytesMax: number;
  readonly requestBytesMax: number;
  /** What a member's database may hold before it raises the alarm; 0: whatever comes. */
  readonly quotaBytes: number;
  /** How often the leader tells all members how long leases have left; 0: never. */
  readonly leaseCheckpointMs: number;
  /** How often the leader compares what members hold, and what they hashed while they compacted; 0: never. */
  readonly corruptCheckMs: number;
  /** Mean time between two changes of users and roles, once there are some; 0: there are none, and everybody may do everything. */
  readonly authChangeEveryMs: number;
  /** Share of the watchers that read slowly. */
  readonly slowWatchers: number;
  /** Share of the machines whose members write their messages as another version does. */
  readonly otherVersions: number;
  /** Simulated time with faults. */
  readonly stormMs: number;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  readonly catchUpEntries: number;
  /** Checks of the quorum that find a follower silent before the log is no longer kept for it. */
  readonly silentChecksMax: number;
  readonly logBytesMax: number;
  readonly segmentBytes: number;
  /** Payload of one append message: 1 means one entry a message. */
  readonly appendBytesMax: number;
  readonly backendBatchRows: number;
  readonly clients: number;
  readonly watchers: number;
  readonly leaseholders: number;
  readonly keys: number;
  /** Mean pause of a client between two requests. */
  readonly thinkMs: number;
  readonly delayMs: number;
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly syncMs: number;
  /** Mean time between two troubles. */
  readonly troubleEveryMs: number;
  readonly weights: Readonly<Record<Trouble, number>>;
  /** How often a new leader is cut off after its first few entries, and comes back later. */
  readonly cutNewLeaderChance: number;
  /** The schedule of figure 8 of the Raft paper is played again after so long; 0: never. */
  readonly figureEightEveryMs: number;
  /** The schedule of `interrupted-install.ts` is played again after so long; 0: never. */
  readonly interruptedInstallEveryMs: number;
  /** How often a member dies that has another's state in place and its log not yet marked. */
  readonly crashInstallerChance: number;
  /** How often a member that has just granted a vote loses power and comes back at once. */
  readonly crashVoterChance: number;
}

const oneOf = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;

/** What an almost empty database takes, and some history. */
const quotaBytesLeast = 20_000;

/** Share of the seeds that draw a long life. */
const longShare = 0.17;

/** Up to an hour in which little happens: clients that think for many seconds, troubles minutes apart, leases of minutes. What goes
 *  wrong only after long, or rarely, has its chance, and an hour costs as little as half a minute of a short life. */
function longLife(random: Random) {
  const heartbeatMs = oneOf(random, [500, 1_000]);
  return {
    stretch: oneOf(random, [20, 60]),
    stormMs: oneOf(random, [600_000, 1_800_000, 3_600_000]),
    heartbeatMs,
    electionMs: oneOf(random, [5, 10]) * heartbeatMs,
    thinkMs: oneOf(random, [3_000, 10_000, 30_000]),
    troubleEveryMs: oneOf(random, [60_000, 180_000]),
    leaseTtlMaxS: oneOf(random, [10, 60, 300]),
    figureEightEveryMs: 0,
    interruptedInstallEveryMs: 0,
  };
}

/** The swarm: every seed turns some troubles off and others up, so that each is met alone and in company. Where some of the weather
 *  is given, lives are short. */
export function swarmOptions(seed: number, given: Partial<SimOptions> = {}): SimOptions {
  const random = new Prng(seed);
  const weights = Object.fromEntries(
    troubles.map((trouble) => [trouble, chance(random, 0.55) ? 0 : 1 + below(random, 4)]),
  ) as Record<Trouble, number>;
  const drawn = {
    seed,
    stretch: 1,
    leaseTtlMaxS: 3,
    stormMs: 15_000,
    heartbeatMs: oneOf(random, [50, 100]),
    electionMs: oneOf(random, [300, 500, 1_000]),
    snapshotCount: oneOf(random, [10, 10, 30, 100]),
    catchUpEntries: oneOf(random, [0, 0, 5, 50]),
    segmentBytes: oneOf(random, [4_096, 16_384, 65_536]),
    appendBytesMax: oneOf(random, [1, 1_000, 1_000_000]),
    backendBatchRows: oneOf(random, [3, 20, 500]),
    clients: 2 + below(random, 4),
    watchers: 1 + below(random, 4),
    leaseholders: below(random, 3),
    keys: oneOf(random, [3, 8, 20]),
    thinkMs: oneOf(random, [20, 20, 60, 200]),
    delayMs: oneOf(random, [0.5, 0.5, 2, 10, 30]),
    lossChance: oneOf(random, [0, 0, 0.01, 0.05]),
    duplicateChance: oneOf(random, [0, 0, 0.02]),
    syncMs: oneOf(random, [0.5, 3, 15]),
    troubleEveryMs: oneOf(random, [200, 300, 700, 1_000, 3_000]),
    weights,
    cutNewLeaderChance: oneOf(random, [0, 0, 0.4]),
    figureEightEveryMs: oneOf(random, [0, 0, 0, 0, 4_000]),
    crashVoterChance: oneOf(random, [0, 0, 0.2]),
    interruptedInstallEveryMs: oneOf(random, [0, 0, 0, 3_000]),
    crashInstallerChance: oneOf(random, [0, 0, 0.3]),
    members: oneOf(random, [3, 3, 3, 3, 5, 5, 1]),
    // A cluster from which one goes may have lost its majority with the one that a lying disk took.
    churnEveryMs: oneOf(random, [0, 0, 1_000, 4_000]) * (weights.lieOnDisk > 0 ? 0 : 1),
    computeMs: oneOf(random, [0, 0, 0.05, 0.5]),
    clockDrift: oneOf(random, [0, 0, 0.01]),
    crashAt: {
      segmentCut: oneOf(random, [0, 0, 0.1]),
      revisionSync: oneOf(random, [0, 0, 0.02]),
      revisionFiles: oneOf(random, [0, 0, 0.1]),
      install: oneOf(random, [0, 0, 0.05]),
    },
    valueBytesMax: oneOf(random, [0, 0, 300, 2_000]),
    requestBytesMax: oneOf(random, [1_000_000, 1_000_000, 3_000]),
    slowWatchers: oneOf(random, [0, 0, 0.5]),
    otherVersions: oneOf(random, [0, 0, 0.5]),
  };
  const { keys, valueBytesMax } = drawn;
  const quotaBytes = oneOf(random, [0, 0, 1]) * (quotaBytesLeast + keys * valueBytesMax);
  const isLong = chance(random, longShare) && Object.keys(given).length === 0;
  const churnEveryMs = 100 * drawn.churnEveryMs;
  const silentChecksMax = oneOf(random, [0, 0, 1, 30]);
  const logBytesMax = oneOf(random, [5_000, 50_000, 500_000]);
  const long = isLong ? { ...longLife(random), churnEveryMs } : {};
  const upkeep = upkeepOf(random, { ...drawn, ...long });
  return { ...drawn, quotaBytes, silentChecksMax, logBytesMax, ...long, ...upkeep, ...given };
}

/** What members do now and then of themselves. Drawn last, so that seeds of before keep their weather. */
function upkeepOf(random: Random, { stretch, weights }: Pick<SimOptions, "stretch" | "weights">) {
  const everyMs = oneOf(random, [0, 0, 300, 1_000]);
  // Whose disk lost what it said to keep may hold something else, and nobody is to blame.
  const corruptCheckMs = oneOf(random, [0, 500, 3_000]) * (weights.lieOnDisk > 0 ? 0 : stretch);
  const authChangeEveryMs = oneOf(random, [0, 0, 0, 700, 3_000]) * stretch;
  return { leaseCheckpointMs: everyMs * stretch, corruptCheckMs, authChangeEveryMs };
}

/** On one line, without what is off. */
export function describeOptions({ weights, crashAt, ...rest }: SimOptions): string {
  const at = Object.fromEntries(Object.entries(crashAt).map(([name, value]) => [`crashAt.${name}`, value]));
  const on = Object.entries({ ...rest, ...weights, ...at }).filter(
    ([name, value]) => name !== "seed" && value !== 0,
  );
  return on.map(([name, value]) => `${name}=${value}`).join(" ");
}

import { type SimOptions, type Trouble, troubles } from "./options.ts";

export const only = (some: Partial<Record<Trouble, number>>): Record<Trouble, number> => ({
  ...(Object.fromEntries(troubles.map((trouble) => [trouble, 0])) as Record<Trouble, number>),
  ...some,
});
export const quiet = {
  members: 3,
  churnEveryMs: 0,
  computeMs: 0,
  clockDrift: 0,
  crashAt: { segmentCut: 0, revisionSync: 0, revisionFiles: 0, install: 0 },
  valueBytesMax: 0,
  quotaBytes: 0,
  requestBytesMax: 1_000_000,
  slowWatchers: 0,
  otherVersions: 0,
  leaseCheckpointMs: 0,
  corruptCheckMs: 0,
  authChangeEveryMs: 0,
  cutNewLeaderChance: 0,
  crashVoterChance: 0,
  figureEightEveryMs: 0,
  interruptedInstallEveryMs: 0,
  crashInstallerChance: 0,
};

/** Much happens in little time. */
export const quick = {
  ...quiet,
  stormMs: 8_000,
  electionMs: 300,
  heartbeatMs: 50,
  delayMs: 0.5,
  lossChance: 0,
  syncMs: 3,
  thinkMs: 20,
  clients: 4,
} satisfies Partial<SimOptions>;

/** Nothing goes wrong: the bug needs no help. */
export const fair = { weights: only({}), troubleEveryMs: 60_000 } satisfies Partial<SimOptions>;

/** Users and roles that change all the time. */
export const users = {
  ...quick,
  ...fair,
  stormMs: 10_000,
  authChangeEveryMs: 200,
} satisfies Partial<SimOptions>;

/** Disks that are slow to sync, and batches of the database so small that many are under way when the power fails. */
export const powerCuts = {
  ...quiet,
  weights: only({ powerCut: 1, powerCutAll: 1 }),
  troubleEveryMs: 500,
  backendBatchRows: 3,
  syncMs: 15,
  thinkMs: 20,
  delayMs: 0.5,
  snapshotCount: 10_000,
  clients: 5,
} satisfies Partial<SimOptions>;

/** Many keys, of which checkpoints are made all the time, and members that start from them. */
export const checkpoints = {
  ...powerCuts,
  weights: only({ powerCut: 1, kill: 1 }),
  syncMs: 5,
  thinkMs: 10,
  keys: 40,
} satisfies Partial<SimOptions>;

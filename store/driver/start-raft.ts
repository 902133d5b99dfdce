import { raftLimits } from "../raft/config.ts";
import { RawNode } from "../raft/node.ts";
import type { EntryId, HardState, MemberId, SnapshotMeta, Term } from "../raft/types.ts";
import { decodeConfChange } from "./conf-change-wire.ts";
import { type DriverConfig, type DriverParts, electionTicks } from "./config.ts";

/** The log and the state machine of this member do not belong together. */
export class StateBehindLogError extends Error {
  override readonly name = "StateBehindLogError";

  constructor(applied: number, marked: number) {
    super(
      `the key-value state ends at index ${applied}, but the write-ahead log was shortened up to ${marked}: ` +
        "the backend lost data; remove this member and add it again with an empty data directory",
    );
  }
}

/** Sets raft up from what the durable log held and how far the state machine is. */
export async function startRaft(config: DriverConfig, parts: DriverParts): Promise<RawNode> {
  const { id, conf } = config;
  const { hardState, snapshot, entries } = await reconcile(config, parts);
  const raft = new RawNode({
    id,
    electionTicks: electionTicks(config),
    heartbeatTicks: 1,
    limits: config.limits ?? raftLimits,
    hardState,
    snapshot: { index: snapshot.index, term: snapshot.term },
    entries,
    applied: parts.machine.appliedIndex,
    conf,
    random: parts.random,
    removedBy,
    ...(parts.faults?.raft && { faults: parts.faults.raft }),
  });
  // Do not wait a full timeout for a leader that may not exist; if one does, its followers refuse the pre-vote.
  raft.hurry();
  campaignIfAlone(raft);
  return raft;
}

function removedBy(change: Uint8Array): MemberId | undefined {
  const { type, nodeId } = decodeConfChange(change);
  return type === "removeNode" ? nodeId : undefined;
}

/** A sole voter has nobody to wait for. */
export function campaignIfAlone(raft: RawNode): void {
  const { voters } = raft.conf;
  if (raft.leader === 0n && voters.length === 1 && voters[0] === raft.id) raft.campaign();
}

/** The log and the state of one member tell of different entries at one index; both counted as agreed on. */
export class StateOffLogError extends Error {
  override readonly name = "StateOffLogError";

  constructor(applied: EntryId, logTerm: Term) {
    super(
      `the key-value state ends with entry ${applied.index} of term ${applied.term}, but the write-ahead log has one of ` +
        `term ${logTerm} there: they are not of the same member, or one is damaged; ` +
        "remove this member and add it again with an empty data directory",
    );
  }
}

/** Where the state stands in the log. The last life may have ended between installing another member's snapshot and marking
 *  it in the log; then the log ends before the state, or goes another way although it is long enough. Only an entry of the
 *  same index *and* term tells that the log leads up to the state; otherwise the log starts over there. */
async function reconcile(config: DriverConfig, { machine, log, logger, faults }: DriverParts) {
  const { hardState, snapshot, entries } = config.recovered;
  const applied: EntryId = { index: machine.appliedIndex, term: machine.appliedTerm };
  if (applied.index < snapshot.index) throw new StateBehindLogError(applied.index, snapshot.index);
  const logged =
    applied.index === snapshot.index ? snapshot.term : entries[applied.index - snapshot.index - 1]?.term;
  const trusts = faults?.trustLogByIndex === true && logged !== undefined;
  if (logged === applied.term || trusts) return { hardState, snapshot, entries };
  if (logged !== undefined && applied.index <= hardState.commit) throw new StateOffLogError(applied, logged);
  const at = await machine.flush();
  logger.warn("the state is ahead of the log, as after an interrupted snapshot; the log starts over there", {
    stateIndex: at.index,
    stateTerm: at.term,
    logIndex: snapshot.index + entries.length,
    logTerm: logged,
  });
  const meta: SnapshotMeta = { ...at, conf: config.conf };
  const isLater = at.term > hardState.term;
  const caughtUp: HardState = {
    term: isLater ? at.term : hardState.term,
    vote: isLater ? 0n : hardState.vote,
    commit: Math.max(hardState.commit, at.index),
  };
  await log.append({ snapshot: meta, hardState: caughtUp, entries: [], sync: true });
  return { hardState: caughtUp, snapshot: meta, entries: [] };
}

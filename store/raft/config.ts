import type { Random } from "../../base/os/random.ts";
import type { RaftFaults } from "./faults.ts";
import type { ConfState, Entry, EntryId, HardState, Index, MemberId } from "./types.ts";

/** Every bound of the state machine, with its unit. */
export interface RaftLimits {
  /** Payload of one append message. A single larger entry still travels alone. */
  readonly appendBytesMax: number;
  /** Append messages to one follower that may be unanswered, and their payload. */
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /** Payload of entries that the leader took but that are not committed; more is refused as "tooMany". */
  readonly uncommittedBytesMax: number;
  /** Committed entries handed out by one Ready, so that applying never blocks for long. */
  readonly applyEntriesMax: number;
  readonly applyBytesMax: number;
  /** Linearizable reads that may wait for their quorum round or for the term's first commit. */
  readonly readsMax: number;
  /** Checks of the quorum in a row that find a follower silent before the log is no longer kept for it. 0: it is kept for
   *  nobody but those that are heard and catch up after they were sent the state. */
  readonly silentChecksMax: number;
}

export const raftLimits: RaftLimits = {
  appendBytesMax: 1024 * 1024,
  inflightMessagesMax: 512,
  inflightBytesMax: 16 * 1024 * 1024,
  uncommittedBytesMax: 64 * 1024 * 1024,
  applyEntriesMax: 512,
  applyBytesMax: 4 * 1024 * 1024,
  readsMax: 4096,
  silentChecksMax: 30,
};

export interface RaftConfig {
  readonly id: MemberId;
  /** A follower that heard nothing for this many ticks (and up to as many more, by chance) campaigns. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly limits: RaftLimits;
  /** What the durable log held. `entries` follow `snapshot` without gap. */
  readonly hardState: HardState;
  readonly snapshot: EntryId;
  readonly entries: readonly Entry[];
  /** How far the state machine is; `snapshot.index` ≤ `applied` ≤ last index. */
  readonly applied: Index;
  /** The configuration as of `applied`. */
  readonly conf: ConfState;
  readonly random: Random;
  /** Whom a serialized ConfChange takes out, if anybody. Without it a leader takes its own removal into the log. */
  readonly removedBy?: (change: Uint8Array) => MemberId | undefined;
  /** Bugs planted by simulation. */
  readonly faults?: RaftFaults;
}

import type { Entry, HardState, Message, ReadState, SnapshotMeta, SoftState } from "./types.ts";

/** Everything that waits to be done, in the order in which it may be done. */
export interface Ready {
  /** Set when the leader, the role or the term changed. */
  readonly softState?: SoftState & { readonly term: number };
  /** May leave at once, even before anything below is durable. */
  readonly messages: readonly Message[];
  /** A snapshot that replaced the log: record it in the durable log after `hardState`, before `entries`. */
  readonly snapshot?: SnapshotMeta;
  /** To be written with the entries. */
  readonly hardState?: HardState;
  /** To be written; they may overwrite earlier entries from the first one's index on. */
  readonly entries: readonly Entry[];
  /** Whether hard state and entries must be durable before `messagesAfterAppend` leave. */
  readonly sync: boolean;
  /** May leave when the above is durable; then call `RawNode.persisted`. Until then, no Ready carries more to persist. */
  readonly messagesAfterAppend: readonly Message[];
  /** Whether this Ready carries anything to persist or to send thereafter, so that `persisted` must be called. */
  readonly mustPersist: boolean;
  /** Committed and durable here: apply them in order, then call `RawNode.applied`. */
  readonly committedEntries: readonly Entry[];
  /** Reads that may be served once `index` is applied. */
  readonly readStates: readonly ReadState[];
  /** Proposals of this member that the leader did not take: they are in no log, and never will be. */
  readonly dropped: readonly Pick<Entry, "type" | "data">[];
}

import type {
  ConfChange,
  ConfState,
  Entry,
  EntryContent,
  HardState,
  Index,
  MemberId,
  Message,
  SnapshotMeta,
  Term,
} from "../raft/types.ts";

/** What the driver needs of its neighbours. The write-ahead log, the peer transport and the apply stage implement these;
 *  simulation implements them too. */

/** Durable log. `store/wal` implements it. */
export interface DurableLog {
  /** Appends records in order and resolves when they are durable (one fdatasync; none when nothing demands it:
   *  a hard state that only moves `commit` need not be synced). Calls never overlap: the driver awaits each.
   *  `snapshot` tells that the state machine was replaced by the state there: what the log holds no longer counts, entries
   *  follow the snapshot. After a crash in between either all of the former log counts or none. */
  append(batch: {
    readonly snapshot?: SnapshotMeta;
    readonly hardState?: HardState;
    readonly entries: readonly Entry[];
    readonly sync: boolean;
  }): Promise<void>;
  /** Records that the state up to here is safe elsewhere; resolves when durable. Segments wholly before it may go. */
  markSnapshot(meta: SnapshotMeta): Promise<void>;
}

/** Sends to peers; never blocks, may drop, keeps order per peer as far as it delivers. `store/transport/peers` implements it. */
export interface PeerLinks {
  send(messages: readonly Message[]): void;
  /** Streams the whole state at `meta` to the peer; resolves when the peer has it, rejects when not, and soon once aborted,
   *  whatever the peer does. */
  sendSnapshot(message: Message, state: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Called when membership changed. */
  setPeers(peers: readonly { readonly id: MemberId; readonly urls: readonly string[] }[]): void;
}

/** Applies committed entries in order. `store/apply` implements it; mostly synchronous, since state is in memory first. */
export interface StateMachine {
  /** Applies entries; each index exactly once, even after a restart (entries at or below `appliedIndex` are skipped). One that
   *  changes very much takes several turns of the event loop: then this answers when it will be applied, and those after it
   *  are to be handed in again. Nothing else may be applied, nor the state replaced, meanwhile. */
  apply(entries: readonly Entry[]): Promise<void> | undefined;
  readonly appliedIndex: Index;
  /** The term of the entry at `appliedIndex`; 0 before the first. */
  readonly appliedTerm: Term;
  /** Undefined while there is room in memory for more effects; else resolves when enough of them reached the disk, and
   *  rejects when none do any more. */
  room(): Promise<void> | undefined;
  /** Makes everything applied so far durable in the backend, so that the log before it may go; the index it reached. */
  flush(): Promise<{ readonly index: Index; readonly term: Term }>;
  /** The whole state at the applied index as a stream of chunks (self-checking: ends with a SHA-256 of what came before). */
  snapshot(): {
    readonly index: Index;
    readonly term: Term;
    readonly chunks: AsyncIterable<Uint8Array>;
    /** To be called when nobody reads the chunks any more, also when nobody ever did: the state of then is kept until. */
    release(): Promise<void>;
  };
  /** Replaces the whole state with a received snapshot; all or nothing. */
  restore(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** A membership change was committed; answers the configuration after it. */
  applyConfChange(change: ConfChange, at: { readonly index: Index; readonly term: Term }): ConfState;
}

/** What the rest of a member sees of consensus: `store/propose` and `store/rpc` depend on this. */
export interface Consensus {
  /** Hands a serialized InternalRaftRequest to the log, with what it says where that is known; forwarded to the leader when this
   *  member is not it. All but "accepted" mean that nothing was or will be proposed: there is no leader, it hands over, it has
   *  too much in hand. */
  propose(data: Uint8Array, content?: EntryContent): "accepted" | "noLeader" | "dropped" | "tooMany";
  proposeConfChange(change: ConfChange): "accepted" | "noLeader" | "dropped" | "pending";
  /** Resolves with the index that must be applied before a linearizable read is served; one round is shared by all reads
   *  that wait when it starts. Rejects when aborted or when there is no leader in time. */
  readIndex(signal?: AbortSignal): Promise<Index>;
  transferLeadership(to: MemberId): Promise<void>;
  readonly status: ConsensusStatus;
  /** Called on every change of leader, term or role. Returns the way to stop listening. */
  onLeadership(listener: (status: ConsensusStatus) => void): () => void;
  /** Called for each proposal that was forwarded and that the leader did not take: it never enters the log. */
  onDropped(listener: (dropped: DroppedProposal) => void): () => void;
}

/** What tells who waits for it: the serialized InternalRaftRequest, or the id of the change. */
export type DroppedProposal =
  | { readonly type: "request"; readonly data: Uint8Array }
  | { readonly type: "confChange"; readonly id: bigint };

export interface ConsensusStatus {
  readonly id: MemberId;
  readonly leader: MemberId;
  readonly role: "follower" | "preCandidate" | "candidate" | "leader";
  readonly term: Term;
  readonly committed: Index;
  readonly applied: Index;
  readonly lastIndex: Index;
  /** Leader only: how far each peer's log matches, and whether it was heard from within an election timeout. */
  readonly progress: readonly {
    readonly id: MemberId;
    readonly match: Index;
    readonly active: boolean;
    readonly learner: boolean;
  }[];
}

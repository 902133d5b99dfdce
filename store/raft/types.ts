/** The vocabulary of consensus (Ongaro & Ousterhout, "In Search of an Understandable Consensus Algorithm"; Ongaro's thesis
 *  for pre-vote, leadership transfer, ReadIndex and membership changes). Terms and indexes are safe integers: at a million
 *  entries a second 2^53 lasts 285 years; decoding refuses more. */
export type Term = number & { readonly brand?: "Term" };
export type Index = number & { readonly brand?: "Index" };
/** etcd's 64-bit member id; 0n stands for nobody. */
export type MemberId = bigint;

export interface Entry {
  readonly term: Term;
  readonly index: Index;
  readonly type: "normal" | "confChange";
  /** A serialized InternalRaftRequest or ConfChange; empty for the entry a new leader starts its term with. */
  readonly data: Uint8Array;
  /** What `data` says, where somebody has read it already; for whoever applies the entry. Consensus never looks. */
  content?: EntryContent | undefined;
}
export interface EntryContent {
  readonly id: bigint;
}
/** What is to enter the log. */
export type Proposal = Pick<Entry, "type" | "data" | "content">;

export interface EntryId {
  readonly term: Term;
  readonly index: Index;
}

/** What must survive a crash beside the entries. */
export interface HardState {
  readonly term: Term;
  readonly vote: MemberId;
  readonly commit: Index;
}

export interface ConfState {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

export interface ConfChange {
  readonly id: bigint;
  readonly type: "addNode" | "removeNode" | "updateNode" | "addLearner";
  readonly nodeId: MemberId;
  /** JSON of the member (etcd's form); opaque to raft. */
  readonly context: Uint8Array;
}

/** The state machine's state up to and including `index` replaces the log up to there. */
export interface SnapshotMeta {
  readonly index: Index;
  readonly term: Term;
  readonly conf: ConfState;
}

export type MessageType =
  | "append"
  | "appendResponse"
  | "vote"
  | "voteResponse"
  | "preVote"
  | "preVoteResponse"
  | "heartbeat"
  | "heartbeatResponse"
  | "snapshot"
  | "timeoutNow"
  | "readIndex"
  | "readIndexResponse"
  | "propose";

/** One message between members; fields that a type does not use are zero or empty. */
export interface Message {
  readonly type: MessageType;
  readonly to: MemberId;
  readonly from: MemberId;
  readonly term: Term;
  /** append: term of the entry before `entries`. vote, preVote: term of the candidate's last entry. */
  readonly logTerm: Term;
  /** append: index before `entries`. appendResponse: last index matched, or the rejected one. vote: candidate's last index. */
  readonly index: Index;
  readonly entries: readonly Entry[];
  /** vote, preVote: what the candidate knows to be committed. */
  readonly commit: Index;
  /** Responses: no. propose: these are not taken, and go back to where they came from. */
  readonly reject: boolean;
  /** appendResponse with `reject`: where the follower's log may agree. */
  readonly rejectHint: Index;
  /** heartbeat, readIndex: the read's id. vote: marks a leadership transfer. */
  readonly context: Uint8Array;
  readonly snapshot?: SnapshotMeta;
  /** vote, preVote: the term of the entry at `commit`. Etcd's messages have no such field. */
  readonly commitTerm?: Term;
}

/** A linearizable read may be served once the applied index reached `index`. */
export interface ReadState {
  readonly requestId: bigint;
  readonly index: Index;
}

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

export interface SoftState {
  readonly role: Role;
  readonly leader: MemberId;
}

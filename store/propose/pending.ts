import type { RequestKind } from "../apply/logged-request.ts";
import type { ApplyResponse, ApplyResult } from "../apply/types.ts";
import type { Consensus } from "../driver/seams.ts";
import type { ConfChange, EntryContent, Index, Term } from "../raft/types.ts";
import type { TimesByOutcome } from "../request-times.ts";

/** Hears how a request ended: one of the two, once, at once or later. */
export interface Outcome {
  /** Applied here, with effect. */
  applied(response: ApplyResponse, revision: number, index: Index): void;
  /** A StoreError, the request's own included. */
  failed(error: Error): void;
}

export type HandOver =
  | ReturnType<Consensus["propose"]>
  | ReturnType<Consensus["proposeConfChange"]>
  | "outdated";

/** What is to enter the log: an encoded InternalRaftRequest, with what it says where that is known, or a membership change. */
export type Wanted =
  | {
      readonly kind: RequestKind;
      readonly data: Uint8Array;
      readonly content?: EntryContent | undefined;
      readonly onlyIn?: Term | undefined;
    }
  | { readonly change: ConfChange };

/** What is proposed and whose outcome is awaited. */
export class Pending {
  readonly id: bigint;
  /** By the monotonic clock. */
  readonly sinceMs: number;
  /** Where it is told how long it took; absent for what is not timed. */
  readonly times: TimesByOutcome | undefined;
  readonly outcome: Outcome;
  /** The term in which it was handed over: it enters the log in that term or never. */
  term: Term | undefined = undefined;
  /** Only a leader is missing to hand it over. */
  waitsForLeader = false;
  /** This member got a snapshot meanwhile, which may hold the effect without telling. */
  isUncertain = false;
  /** What became of it, where it was applied. */
  ended: { readonly result: ApplyResult; readonly index: Index } | undefined = undefined;
  /** Undefined once it was handed over. */
  #wanted: Wanted | undefined;

  constructor(id: bigint, timing: Pick<Pending, "sinceMs" | "times">, wanted: Wanted, outcome: Outcome) {
    this.id = id;
    this.sinceMs = timing.sinceMs;
    this.times = timing.times;
    this.outcome = outcome;
    this.#wanted = wanted;
  }

  /** Hands it to consensus, which takes it at most once. */
  handOver(consensus: Consensus): HandOver {
    const wanted = this.#wanted;
    if (wanted === undefined) throw new TypeError("a request is proposed once");
    const result = propose(consensus, wanted);
    if (result !== "accepted") return result;
    this.#wanted = undefined;
    this.term = consensus.status.term;
    return result;
  }

  /** Tells what became of it. */
  tell(): void {
    if (this.ended === undefined) throw new TypeError("nothing is known of it yet");
    const { result, index } = this.ended;
    if (result.ok) this.outcome.applied(result.response, result.revision, index);
    else this.outcome.failed(result.error);
  }
}

function propose(consensus: Consensus, wanted: Wanted): HandOver {
  if ("change" in wanted) return consensus.proposeConfChange(wanted.change);
  const { data, content, onlyIn } = wanted;
  if (onlyIn !== undefined && onlyIn !== consensus.status.term) return "outdated";
  return consensus.propose(data, content);
}

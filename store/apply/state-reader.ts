import { atOnce, type Sliced, type Turns } from "../../base/slices.ts";
import {
  type RangeRequest,
  type RangeResponse,
  rangeResponse,
  type TxnRequest,
  type TxnResponse,
  txnResponse,
} from "../../proto/etcd.ts";
import { StoreError } from "../errors.ts";
import type { TxnAnswer } from "../mvcc/branch.ts";
import type { MvccStore } from "../mvcc/mvcc-store.ts";
import {
  answerChunk,
  answerKey,
  answerRange,
  executeRange,
  isOneKey,
  type RangeAnswer,
} from "../mvcc/range.ts";
import { executeReadOnlyTxn } from "../mvcc/txn.ts";
import type { Index } from "../raft/types.ts";
import type { RangeTimes } from "./range-times.ts";
import type { EntryApplier } from "./state-machine.ts";
import type { RoomForLarge, StateReader } from "./types.ts";

/** Serves reads from the state in memory and the database. A large one takes several turns of the event loop, all at the
 *  revision at which it began. */
export class MvccReader implements StateReader {
  readonly #mvcc: MvccStore;
  readonly #applier: EntryApplier;
  readonly #turns: Turns;
  readonly #times: RangeTimes;

  constructor(
    mvcc: MvccStore,
    parts: { readonly applier: EntryApplier; readonly turns: Turns; readonly times: RangeTimes },
  ) {
    this.#mvcc = mvcc;
    this.#applier = parts.applier;
    this.#turns = parts.turns;
    this.#times = parts.times;
  }

  range(request: RangeRequest): RangeResponse {
    return rangeResponse.decode(rangeResponse.encode(executeRange(this.#mvcc, request)));
  }

  storedRange(request: RangeRequest, roomForLarge?: RoomForLarge): RangeAnswer | Promise<RangeAnswer> {
    return isOneKey(request)
      ? this.#storedKey(request)
      : this.#storedKeys(request, () => answerRange(this.#mvcc, request, "packed"), roomForLarge);
  }

  storedChunk(request: RangeRequest, bytesMax: number): RangeAnswer | Promise<RangeAnswer> {
    return this.#storedKeys(request, () => answerChunk(this.#mvcc, request, bytesMax));
  }

  #storedKey(request: RangeRequest): RangeAnswer {
    const startMs = this.#times.keyReadBegins();
    try {
      const answer = answerKey(this.#mvcc, request);
      this.#times.keyReadEnded(startMs);
      return answer;
    } catch (error) {
      this.#times.failed(startMs);
      throw error;
    }
  }

  #storedKeys(
    { revision }: RangeRequest,
    begin: () => Sliced<RangeAnswer>,
    roomForLarge?: RoomForLarge,
  ): RangeAnswer | Promise<RangeAnswer> {
    const oldest = () => (revision > 0 ? revision : this.#mvcc.revision);
    const startMs = this.#times.nowMs();
    try {
      const answer = this.#read(begin, oldest, roomForLarge);
      if (answer instanceof Promise) return this.#timed(answer, startMs);
      this.#times.ended(startMs);
      return answer;
    } catch (error) {
      this.#times.failed(startMs);
      throw error;
    }
  }

  async #timed<T>(answer: Promise<T>, startMs: number): Promise<T> {
    try {
      const known = await answer;
      this.#times.ended(startMs);
      return known;
    } catch (error) {
      this.#times.failed(startMs);
      throw error;
    }
  }

  storedReadOnlyTxn(request: TxnRequest, roomForLarge?: RoomForLarge): TxnAnswer | Promise<TxnAnswer> {
    const ops = [...request.success, ...request.failure];
    const revisions = ops.map(({ requestRange }) => requestRange?.revision ?? 0).filter((one) => one > 0);
    const oldest = () => Math.min(this.#mvcc.revision, ...revisions);
    return this.#read(() => executeReadOnlyTxn(this.#mvcc, request), oldest, roomForLarge);
  }

  readOnlyTxn(request: TxnRequest): TxnResponse {
    return txnResponse.decode(txnResponse.encode(atOnce(executeReadOnlyTxn(this.#mvcc, request))));
  }

  /** Most reads end with their first slice, at once. `oldest`: the oldest revision that one that begins now looks at. */
  #read<T>(begin: () => Sliced<T>, oldest: () => number, roomForLarge?: RoomForLarge): T | Promise<T> {
    const work = begin();
    const first = work.next();
    if (first.done) return first.value;
    const room = roomForLarge?.();
    return room === undefined ? this.#goOn(work, begin, oldest) : this.#beginAnew(room, begin, oldest);
  }

  /** What was read so far is given up: many that wait would keep much. */
  async #beginAnew<T>(room: Promise<void>, begin: () => Sliced<T>, oldest: () => number): Promise<T> {
    await room;
    if (this.#mvcc.isStopped) throw new StoreError("STOPPED");
    return this.#read(begin, oldest);
  }

  async #goOn<T>(work: Sliced<T>, begin: () => Sliced<T>, oldest: () => number): Promise<T> {
    const mvcc = this.#mvcc;
    const { index } = mvcc;
    const release = mvcc.pin(oldest());
    try {
      for (;;) {
        await this.#turns.next();
        if (mvcc.isStopped) throw new StoreError("STOPPED");
        if (mvcc.index !== index) break;
        const step = work.next();
        if (step.done) return step.value;
      }
    } finally {
      release();
    }
    // A snapshot has replaced the state, and what was to be read may not be there any more.
    return this.#read(begin, oldest);
  }

  get revision(): number {
    return this.#mvcc.revision;
  }
  get compactRevision(): number {
    return this.#mvcc.compactRevision;
  }
  get appliedIndex(): Index {
    return this.#applier.appliedIndex;
  }
  waitApplied(index: Index, signal?: AbortSignal): Promise<void> {
    return this.#applier.appliedIndex >= index
      ? Promise.resolve()
      : this.#applier.waiters.wait(index, signal);
  }
  get sizeBytes(): number {
    return this.#mvcc.backend.sizeBytes;
  }
  get sizeInUseBytes(): number {
    return this.#mvcc.backend.sizeInUseBytes;
  }
}

import { assert } from "../../base/assert.ts";
import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import type { Random } from "../../base/os/random.ts";
import type { Verdict } from "./verdict.ts";

/** A place in the buffer, before a frame's record. */
export interface Mark {
  readonly frame: number;
  readonly record: number;
}

export interface Item<T> {
  /** The place behind it. */
  readonly after: Mark;
  readonly payload: T;
  readonly bytes: number;
  /** When it came into the buffer, by the clock on the wall. */
  readonly atMs: number;
}

export interface SenderRules {
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** How long the first record of a batch waits for others. */
  readonly batchWaitMs: number;
  readonly backoff: BackoffOptions;
  /** For how long a batch is tried again; Infinity: for ever. */
  readonly giveUpAfterMs: number;
}

export type Step<T> =
  | { readonly do: "send"; readonly batch: readonly Item<T>[] }
  /** Nothing until then, or until more is offered. */
  | { readonly do: "wait"; readonly untilMs: number | undefined };

export interface Dropped<T> {
  readonly item: Item<T>;
  readonly reason: DropReason;
  readonly why: string;
}
export type DropReason = "refused" | "gave_up";

/** What an answer settled. */
export interface Settled<T> {
  /** Records that the receiver has. */
  readonly taken: number;
  readonly dropped: readonly Dropped<T>[];
  /** Records that are sent again. */
  readonly again: number;
  /** Why, where some are. */
  readonly why: string | undefined;
  /** All records before it are settled; undefined: nothing new is known of that. */
  readonly upTo: Mark | undefined;
}

/** Decides what one receiver is sent next, and what its answers settle. One batch is under way at a time, so that a stream's lines
 *  arrive in their order. No clock and no IO.
 *  Invariant: an item is settled once, and `upTo` never passes one that is not. */
export class Sender<T> {
  readonly #rules: SenderRules;
  readonly #random: Random;
  /** Not yet in a batch, in order. */
  #queue: Item<T>[] = [];
  #queuedBytes = 0;
  /** What is left of the batch under way: pieces in order, the next one first. */
  #pieces: (readonly Item<T>[])[] = [];
  #last: Mark | undefined;
  #isAsked = false;
  #failures = 0;
  #failingSinceMs: number | undefined;
  #notBeforeMs = 0;
  #lastMs = 0;

  constructor(rules: SenderRules, random: Random) {
    this.#rules = rules;
    this.#random = random;
  }

  /** Bytes that wait for a batch. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Records that wait for a batch. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Whether nothing is under way and nothing waits. */
  get isIdle(): boolean {
    return this.#pieces.length === 0 && this.#queue.length === 0;
  }

  /** How often the batch under way has failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** @param items In order, behind all that were offered before. */
  offer(items: readonly Item<T>[]): void {
    for (const item of items) {
      this.#queue.push(item);
      this.#queuedBytes += item.bytes;
    }
  }

  /** @param nowMs By a clock that only rises.
   *  @param wallMs By that which stamped the items. */
  next(nowMs: number, wallMs: number): Step<T> {
    assert(!this.#isAsked, "a batch is under way");
    if (this.#pieces.length === 0) {
      const [first] = this.#queue;
      if (first === undefined) return { do: "wait", untilMs: undefined };
      const { batchRecordsMax, batchBytesMax, batchWaitMs } = this.#rules;
      const isFull = this.#queue.length >= batchRecordsMax || this.#queuedBytes >= batchBytesMax;
      const leftMs = Math.min(batchWaitMs, first.atMs + batchWaitMs - wallMs);
      if (!isFull && leftMs > 0) return { do: "wait", untilMs: nowMs + leftMs };
      this.#pieces = [this.#take()];
    }
    if (nowMs < this.#notBeforeMs) return { do: "wait", untilMs: this.#notBeforeMs };
    this.#isAsked = true;
    this.#lastMs = nowMs;
    return { do: "send", batch: this.#pieces[0] ?? [] };
  }

  answered(verdict: Verdict, nowMs: number): Settled<T> {
    assert(this.#isAsked && nowMs >= this.#lastMs, "nothing was sent");
    this.#isAsked = false;
    const batch = this.#pieces.shift() ?? [];
    switch (verdict.kind) {
      case "taken":
        return this.#settled({ taken: batch.length });
      case "mostly": {
        const lost = Math.min(verdict.lost, batch.length);
        const dropped = batch.slice(0, lost).map((item) => refusal(item, verdict.why));
        return this.#settled({ taken: batch.length - lost, dropped });
      }
      case "refused":
        return this.#split(batch, verdict.why);
      case "later":
        return this.#retry({ batch, taken: 0, dropped: [] }, verdict, nowMs);
      case "each":
        return this.#each(batch, verdict.items, nowMs);
    }
  }

  /** Halves are sent instead, until it is known which record is meant. */
  #split(batch: readonly Item<T>[], why: string): Settled<T> {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) return this.#settled({ dropped: [refusal(only, why)] });
    const middle = batch.length >> 1;
    this.#pieces.unshift(batch.slice(0, middle), batch.slice(middle));
    this.#succeeded();
    return { taken: 0, dropped: [], again: batch.length, why, upTo: undefined };
  }

  #each(
    batch: readonly Item<T>[],
    items: Extract<Verdict, { kind: "each" }>["items"],
    nowMs: number,
  ): Settled<T> {
    assert(items.length === batch.length, "there is a word for each record");
    const dropped: Dropped<T>[] = [];
    const again: Item<T>[] = [];
    let why = "";
    for (const [at, item] of batch.entries()) {
      const said = items[at];
      if (said?.kind === "refused") dropped.push(refusal(item, said.why));
      if (said?.kind !== "later") continue;
      again.push(item);
      why ||= said.why;
    }
    const taken = batch.length - dropped.length - again.length;
    if (again.length === 0) return this.#settled({ taken, dropped });
    // Part of it arrived: the receiver works, and its time begins anew.
    if (taken > 0) this.#failingSinceMs = undefined;
    return this.#retry({ batch: again, taken, dropped }, { why }, nowMs);
  }

  #retry(
    left: { readonly batch: readonly Item<T>[]; readonly taken: number; readonly dropped: Dropped<T>[] },
    { why, afterMs = 0 }: { readonly why: string; readonly afterMs?: number },
    nowMs: number,
  ): Settled<T> {
    const { batch, taken, dropped } = left;
    this.#failingSinceMs ??= nowMs;
    if (nowMs - this.#failingSinceMs >= this.#rules.giveUpAfterMs) {
      const given = batch.map((item): Dropped<T> => ({ item, reason: "gave_up", why }));
      return this.#settled({ taken, dropped: [...dropped, ...given] });
    }
    this.#failures++;
    const pauseMs = backoffMs(this.#rules.backoff, this.#failures, this.#random);
    this.#notBeforeMs = nowMs + Math.max(pauseMs, afterMs);
    this.#pieces.unshift(batch);
    return { taken, dropped, again: batch.length, why, upTo: undefined };
  }

  #settled(done: { readonly taken?: number; readonly dropped?: readonly Dropped<T>[] }): Settled<T> {
    this.#succeeded();
    const upTo = this.#pieces.length === 0 ? this.#last : undefined;
    return { taken: done.taken ?? 0, dropped: done.dropped ?? [], again: 0, why: undefined, upTo };
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#failingSinceMs = undefined;
    this.#notBeforeMs = 0;
  }

  /** The next batch: at least one record, within the bounds where one alone is. */
  #take(): readonly Item<T>[] {
    const { batchRecordsMax, batchBytesMax } = this.#rules;
    let bytes = 0;
    let count = 0;
    for (const item of this.#queue) {
      if (count >= batchRecordsMax || (count > 0 && bytes + item.bytes > batchBytesMax)) break;
      bytes += item.bytes;
      count++;
    }
    this.#queuedBytes -= bytes;
    const batch = this.#queue.splice(0, count);
    this.#last = batch.at(-1)?.after;
    return batch;
  }
}

const refusal = <T>(item: Item<T>, why: string): Dropped<T> => ({ item, reason: "refused", why });

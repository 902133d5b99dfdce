import { type Clock, sleep } from "../base/os/clock.ts";
import type { Log } from "../base/os/log.ts";
import type { Random } from "../base/os/random.ts";
import type { DiskBuffer } from "./buffer/disk-buffer.ts";
import type { Frame } from "./buffer/frame.ts";
import { type Item, type Mark, Sender, type SenderRules, type Settled } from "./core/sender.ts";
import type { Verdict } from "./core/verdict.ts";
import type { LineFormat } from "./format.ts";
import type { LineSource } from "./line-source.ts";
import type { ShipmentCounts } from "./metrics.ts";
import type { Receiver } from "./receivers/receiver.ts";
import type { LogRecord } from "./record.ts";
import { isSelected, type Selection } from "./selection.ts";

export interface ShipmentParts {
  readonly name: string;
  readonly selections: readonly Selection[];
  readonly rules: SenderRules;
  readonly source: LineSource;
  readonly formats: ReadonlyMap<string, LineFormat>;
  readonly buffer: DiskBuffer;
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly counts: ShipmentCounts;
}

/** How often files are looked at that had nothing new. */
const lookEveryMs = 500;
const readBytesMost = 1024 * 1024;
/** What stops a file system or a source stops it for a while. */
const troubleMs = 1_000;
/** How long a request under way may go on at the end. */
const lastRequestMs = 2_000;
/** So many dropped lines are named within so long; all are counted. */
const toldMost = 10;
const toldEveryMs = 60_000;
/** How often files are forgotten that are gone. */
const forgetEveryMs = 60_000;
/** Beside its text, a record costs about so much in a request. */
const recordBytes = 200;

/** Brings lines from a source through a buffer to one receiver, until it is stopped. They enter the buffer while a request is under
 *  way, and leave it when the receiver has them.
 *  Invariant: only this loop touches the buffer and the sender. */
export class Shipment {
  readonly #parts: ShipmentParts;
  readonly #sender: Sender<LogRecord>;
  /** Read from the source, not yet in the buffer. */
  #unwritten: readonly Frame[] = [];
  /** Behind all that is handed to the sender. */
  #handedOver = { frame: 0, record: 0 };
  #answer: Verdict | undefined;
  #request: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #isFull = false;
  #failing: string | undefined;
  #forgetAtMs = 0;
  #told = 0;
  #toldUntilMs = 0;
  #troubleUntilMs = 0;
  /** When a batch is to be sent that waits. */
  #waitUntilMs: number | undefined;

  constructor(parts: ShipmentParts) {
    this.#parts = parts;
    this.#sender = new Sender(parts.rules, parts.random);
    this.#handedOver = { ...parts.buffer.settled };
    parts.source.onMore(() => this.#wake());
    parts.counts.observe(() => ({
      bytes: parts.buffer.bytes,
      oldestAtMs: parts.buffer.oldestAtMs,
      wallMs: parts.clock.wallMs(),
    }));
  }

  /** Resolves when the signal aborts and a request under way has ended, or was cut off. */
  async run(signal: AbortSignal): Promise<void> {
    const cut = new AbortController();
    const onAbort = () => this.#wake();
    // What is not written down is sent again.
    const tell = (error: unknown) => this.#parts.log.warn("shipping does not end in order", { error });
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const hasMoved = await this.#turn(cut.signal);
        if (!hasMoved && !signal.aborted) await this.#pause();
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      const { source, receiver, buffer } = this.#parts;
      const steps = [
        () => this.#endRequest(cut),
        () => source.close(),
        () => receiver.close(),
        () => buffer.close(),
      ];
      for (const step of steps) await step().catch(tell);
    }
  }

  /** One round of everything; whether anything moved. */
  async #turn(cut: AbortSignal): Promise<boolean> {
    if (this.#parts.clock.monotonicMs() < this.#troubleUntilMs) return false;
    try {
      const hasSettled = await this.#settle();
      const hasRead = await this.#fillBuffer();
      const hasLoaded = await this.#load();
      return this.#send(cut) || hasSettled || hasRead || hasLoaded;
    } catch (error) {
      // A disk that is full, a folder that is away: nothing is lost that was not read.
      this.#parts.log.error("logs cannot be shipped for now", { receiver: this.#parts.name, error });
      this.#troubleUntilMs = this.#parts.clock.monotonicMs() + troubleMs;
      return false;
    }
  }

  /** Takes lines from the source, as far as there is room for them. */
  async #fillBuffer(): Promise<boolean> {
    const { buffer, source } = this.#parts;
    if (this.#unwritten.length === 0) {
      if (!this.#hasRoom()) return false;
      this.#unwritten = await source.read(readBytesMost);
    }
    const hasAny = this.#unwritten.length > 0;
    for (let frame = this.#unwritten[0]; frame !== undefined; frame = this.#unwritten[0]) {
      await buffer.append([frame]);
      this.#unwritten = this.#unwritten.slice(1);
    }
    this.#forgetGone();
    return hasAny;
  }

  #hasRoom(): boolean {
    const { buffer, log, name } = this.#parts;
    const isFull = !buffer.hasRoom(readBytesMost);
    if (isFull !== this.#isFull)
      log.warn(isFull ? "the buffer is full; reading stops" : "reading goes on", { receiver: name });
    this.#isFull = isFull;
    return !isFull;
  }

  /** Hands the sender what it needs to fill a batch while another is under way. */
  async #load(): Promise<boolean> {
    const { buffer, rules } = this.#parts;
    let hasAny = false;
    while (this.#sender.queuedBytes < rules.batchBytesMax && this.#sender.queued < rules.batchRecordsMax) {
      const frames = await buffer.read(rules.batchBytesMax);
      if (frames.length === 0) break;
      hasAny = true;
      for (const { number, frame } of frames) this.#handOver(number, frame);
    }
    if (this.#sender.isIdle && this.#isBehind()) await this.#settleUpTo(this.#handedOver);
    return hasAny;
  }

  #handOver(number: number, frame: Frame): void {
    const { formats, buffer, selections, counts } = this.#parts;
    const settledRecords = number === buffer.settled.frame ? buffer.settled.record : 0;
    const found = formats.get(frame.format)?.records(frame);
    // An older version wrote it into the buffer, and this one reads nothing of the kind.
    if (found === undefined) counts.dropped("unknown_format", frame.lines);
    const items: Item<LogRecord>[] = [];
    for (const [at, payload] of (found ?? []).entries()) {
      if (at < settledRecords || !isSelected(payload, selections)) continue;
      const after = { frame: number, record: at + 1 };
      items.push({ after, payload, bytes: payload.text.length + recordBytes, atMs: frame.atMs });
    }
    this.#handedOver = { frame: number + 1, record: 0 };
    const last = items.pop();
    if (last !== undefined) this.#sender.offer([...items, { ...last, after: this.#handedOver }]);
  }

  /** Whether frames were passed over that had nothing to send. */
  #isBehind(): boolean {
    const { settled } = this.#parts.buffer;
    return settled.frame < this.#handedOver.frame;
  }

  #send(cut: AbortSignal): boolean {
    if (this.#request !== undefined) return false;
    const { clock, receiver, counts } = this.#parts;
    const step = this.#sender.next(clock.monotonicMs(), clock.wallMs());
    if (step.do === "wait") {
      this.#waitUntilMs = step.untilMs;
      return false;
    }
    this.#waitUntilMs = undefined;
    const records = step.batch.map(({ payload }) => payload);
    counts.sent(records.length);
    this.#request = receiver
      .send(records, cut)
      // No answer came, or a file that is needed is not there.
      .catch(
        (error: unknown): Verdict => ({
          kind: "later",
          why: error instanceof Error ? error.message : String(error),
        }),
      )
      .then((verdict) => {
        this.#answer = verdict;
        this.#wake();
      });
    return true;
  }

  /** Takes note of an answer that came. */
  async #settle(): Promise<boolean> {
    if (this.#answer === undefined) return false;
    const verdict = this.#answer;
    this.#answer = undefined;
    this.#request = undefined;
    const settled = this.#sender.answered(verdict, this.#parts.clock.monotonicMs());
    this.#account(settled);
    if (settled.upTo === undefined) return true;
    await this.#settleUpTo(settled.upTo);
    return true;
  }

  async #settleUpTo(mark: Mark): Promise<void> {
    const { buffer, source } = this.#parts;
    await buffer.settle(mark);
    source.settled(buffer);
  }

  #account({ taken, dropped, again, why }: Settled<LogRecord>): void {
    const { counts, log, name } = this.#parts;
    counts.acknowledged(taken);
    counts.retried(again);
    for (const { item, reason, why: cause } of dropped) {
      counts.dropped(reason, 1);
      if (!this.#mayTell()) continue;
      log.warn("a line is dropped", {
        receiver: name,
        reason,
        why: cause,
        log: item.payload.stream.key,
        id: item.payload.id,
      });
    }
    if (again > 0 && why !== this.#failing && this.#sender.failures > 0)
      log.warn("lines are not taken and are sent again", { receiver: name, lines: again, why });
    if (this.#failing !== undefined && this.#sender.failures === 0)
      log.info("lines are taken again", { receiver: name });
    this.#failing = this.#sender.failures > 0 ? why : undefined;
  }

  /** A log of the shipper itself may be among those that it ships: a line a line would never end. */
  #mayTell(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs >= this.#toldUntilMs) {
      this.#toldUntilMs = nowMs + toldEveryMs;
      this.#told = 0;
    }
    return this.#told++ < toldMost;
  }

  #forgetGone(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs < this.#forgetAtMs) return;
    if (this.#forgetAtMs > 0) this.#parts.buffer.forget((file) => this.#parts.source.isGone(file));
    this.#forgetAtMs = nowMs + forgetEveryMs;
  }

  /** Until something is to be done: a request's answer, a batch that waited long enough, or another look at the files. While there
   *  is trouble nothing is, but the end. */
  #pause(): Promise<void> {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const isTrouble = nowMs < this.#troubleUntilMs;
    const untilMs = isTrouble ? this.#troubleUntilMs : (this.#waitUntilMs ?? nowMs + lookEveryMs);
    const pauseMs = isTrouble ? untilMs - nowMs : Math.min(lookEveryMs, untilMs - nowMs);
    return new Promise((resolve) => {
      const stop = clock.after(Math.max(1, pauseMs), () => this.#wake());
      this.#wake = () => {
        this.#wake = () => undefined;
        stop();
        resolve();
      };
      if (this.#answer !== undefined && !isTrouble) this.#wake();
    });
  }

  async #endRequest(cut: AbortController): Promise<void> {
    if (this.#request === undefined) return;
    const ended = new AbortController();
    const stop = sleep(this.#parts.clock, lastRequestMs, ended.signal).then(
      () => cut.abort(),
      () => undefined, // it ended in time
    );
    await this.#request;
    ended.abort();
    await stop;
    await this.#settle();
  }
}

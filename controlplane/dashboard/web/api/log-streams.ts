import { type Signal, signal } from "@preact/signals";
import { LogBuffer } from "../model/log-buffer.ts";
import { type LogLine, readLogLine, stampUs } from "../model/log-line.ts";
import { type LogRange, type LogSource, logPath, sourceKey } from "../model/log-sources.ts";
import { follow } from "./follow.ts";

export const logLimits = {
  linesMost: 100_000,
  charsMost: 64 * 1024 * 1024,
  /** Containers that are read at once; they share a WebSocket of 128 streams with what else a page follows. */
  streamsMost: 64,
  /** How many lines of before are asked for, of all containers together. */
  tailLines: 10_000,
  /** How often lines are taken that have come. */
  takeMs: 100,
} as const;
const retryMs = { first: 500, most: 10_000 };

export interface LogStreamsWish {
  readonly range: LogRange;
  readonly previous: boolean;
}

interface Stream {
  readonly at: number;
  readonly source: LogSource;
  lastStamp: string;
  lastUs: number;
  failures: number;
  /** It came to its end; the container may have been started anew since. */
  hasEnded: boolean;
  stop: () => void;
}

/** The logs of several containers as one, which follows as pods come and go. */
export class LogStreams {
  readonly buffer = new LogBuffer(logLimits);
  /** All that were ever read, by their numbers in lines. */
  readonly sources: LogSource[] = [];
  /** Rises when the buffer has changed. */
  readonly version = signal(0);
  /** What could not be read, and why. */
  readonly refusals: Signal<ReadonlyMap<string, string>> = signal(new Map());
  /** The number of the first line that changed with the last version. */
  changedFrom = 0;
  readonly #wish: LogStreamsWish;
  readonly #untilUs: number;
  readonly #streams = new Map<string, Stream>();
  #waiting: LogLine[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #hasBegun = false;

  constructor(wish: LogStreamsWish) {
    this.#wish = wish;
    this.#untilUs = wish.range.until === undefined ? Number.POSITIVE_INFINITY : stampUs(wish.range.until);
  }

  /** The containers there are now. Those that have not started are read once they have. */
  show(all: readonly LogSource[]): void {
    const started = all.filter(({ hasStarted }) => hasStarted).slice(0, logLimits.streamsMost);
    const keys = new Set(all.map(sourceKey));
    for (const [key, stream] of this.#streams) {
      if (keys.has(key)) continue;
      stream.stop();
      this.#streams.delete(key);
      this.#say(`${nameOf(stream.source)} is gone`);
    }
    for (const source of started) {
      const known = this.#streams.get(sourceKey(source));
      if (known === undefined) this.#open(source, started.length);
      else if (known.hasEnded && source.isRunning) this.#read(known, started.length);
    }
    this.#hasBegun ||= all.length > 0;
  }

  close(): void {
    this.#isClosed = true;
    for (const stream of this.#streams.values()) stream.stop();
    clearTimeout(this.#timer);
  }

  #open(source: LogSource, count: number): void {
    const at = this.sources.push(source) - 1;
    const stream = {
      at,
      source,
      lastStamp: "",
      lastUs: 0,
      failures: 0,
      hasEnded: false,
      stop: () => undefined,
    };
    this.#streams.set(sourceKey(source), stream);
    if (this.#hasBegun) this.#say(`${nameOf(source)} has joined`);
    this.#read(stream, count);
  }

  #read(stream: Stream, count: number): void {
    const { source } = stream;
    const { range, previous } = this.#wish;
    const tailLines = Math.max(100, Math.floor(logLimits.tailLines / count));
    const path = logPath(source, { range, previous, tailLines, after: stream.lastStamp });
    const after = stream.lastUs;
    const lastStamp = stream.lastStamp;
    stream.hasEnded = false;
    const end = follow(path, "*/*", {
      open: () => {
        stream.failures = 0;
        this.#refused(source, undefined);
      },
      lines: (lines) => {
        for (const text of lines) {
          const line = readLogLine(text, stream.at, stream.lastUs || Date.now() * 1000);
          // A log is asked for anew from the second in which it broke off.
          if (line.atUs < after || (line.stamp !== "" && line.stamp === lastStamp)) continue;
          if (line.atUs > this.#untilUs) {
            stream.stop();
            break;
          }
          stream.lastUs = line.atUs;
          if (line.stamp !== "") stream.lastStamp = line.stamp;
          this.#waiting.push(line);
        }
        this.#soon();
      },
      end: (code, message) => {
        stream.hasEnded = true;
        if (code === 200) return;
        this.#refused(source, message);
        if (code !== 0 && code < 500 && code !== 429) return;
        const waitMs = Math.min(retryMs.most, retryMs.first * 2 ** stream.failures++);
        const timer = setTimeout(() => this.#read(stream, count), waitMs);
        stream.stop = () => clearTimeout(timer);
      },
    });
    stream.stop = end;
  }

  #refused({ pod, container }: LogSource, why: string | undefined): void {
    const name = `${pod}/${container}`;
    if (this.refusals.value.get(name) === why) return;
    const refusals = new Map(this.refusals.value);
    if (why === undefined) refusals.delete(name);
    else refusals.set(name, why);
    this.refusals.value = refusals;
  }

  #say(text: string): void {
    this.#waiting.push({ atUs: Date.now() * 1000, stamp: "", text, source: -1 });
    this.#soon();
  }

  /** Lines are taken together, so that a fast log is drawn a few times a second. */
  #soon(): void {
    if (this.#waiting.length > logLimits.linesMost) this.#take();
    else this.#timer ??= setTimeout(() => this.#take(), logLimits.takeMs);
  }

  #take(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.changedFrom = this.buffer.add(batch);
    this.version.value++;
  }
}

export const nameOf = ({ pod, container }: LogSource): string => `${pod}/${container}`;

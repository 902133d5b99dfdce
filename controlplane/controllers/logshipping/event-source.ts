import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { deferred } from "../../../base/deferred.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import type { ApiClient } from "../../../client/api.ts";
import { ApiError, ConnectionError, isGone } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Event } from "../../../client/types.ts";
import type { Frame } from "../../../shipping/buffer/frame.ts";
import type { LineSource } from "../../../shipping/line-source.ts";
import { eventLines } from "./event-lines.ts";

export interface EventSourceDeps {
  readonly client: Pick<ApiClient, "list" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The receiver has everything up to this version. */
  readonly onSettled: (resourceVersion: string) => void;
}

const pageEvents = 500;
/** What may wait to be taken into the buffer before the watch waits, too. */
const waitingMost = 1_000;
const watchSeconds = 600;
const backoff: BackoffOptions = { firstMs: 500, mostMs: 30_000 };
const stream = { source: "events", key: "events" } as const;

/** Events of all namespaces, in the order of their versions. */
export class EventSource implements LineSource {
  readonly #deps: EventSourceDeps;
  /** All up to this version was taken over; undefined: nothing was yet. */
  #position: string | undefined;
  #waiting: { readonly line: string; readonly version: string | undefined }[] = [];
  /** Number of the next frame, and the versions of those that are under way. */
  #frames = 0;
  #underWay: { readonly frame: number; readonly version: string }[] = [];
  #wake: () => void = () => undefined;
  #room = deferred<void>();

  /** @param from The version up to which all was shipped, by whoever did so before. */
  constructor(deps: EventSourceDeps, from: string | undefined) {
    this.#deps = deps;
    this.#position = from;
  }

  /** Follows until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#room.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    const { clock, random, log } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#position === undefined) await this.#list(signal);
        await this.#watch(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
        if (isGone(error)) await this.#listAnew(signal);
        else log.warn("events cannot be followed", { error });
        await sleep(clock, backoffMs(backoff, ++failures, random), signal).catch(() => undefined); // it is over
      }
    }
    signal.removeEventListener("abort", onAbort);
  }

  async read(): Promise<readonly Frame[]> {
    if (this.#waiting.length === 0) return [];
    const taken = this.#waiting;
    this.#waiting = [];
    this.#room.resolve();
    this.#room = deferred();
    const lines = taken.map(({ line }) => line).filter((line) => line !== "");
    const version = taken.findLast((one) => one.version !== undefined)?.version;
    if (version !== undefined) this.#underWay.push({ frame: this.#frames, version });
    this.#frames++;
    const body = Buffer.from(lines.join(""));
    const atMs = this.#deps.clock.wallMs();
    return [{ stream, format: eventLines.name, lines: lines.length, atMs, place: undefined, body }];
  }

  onMore(wake: () => void): void {
    this.#wake = wake;
  }

  settled({ settled }: Parameters<LineSource["settled"]>[0]): void {
    const done = this.#underWay.filter(({ frame }) => frame < settled.frame);
    this.#underWay = this.#underWay.slice(done.length);
    const last = done.at(-1);
    if (last !== undefined) this.#deps.onSettled(last.version);
  }

  isGone(): boolean {
    return false;
  }

  async close(): Promise<void> {}

  /** The version is gone: what is there and younger is taken over. What came and went meanwhile is lost. */
  async #listAnew(signal: AbortSignal): Promise<void> {
    this.#deps.log.warn("the place in the events is gone; those that are still there are read anew");
    try {
      await this.#list(signal);
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const from = Number(this.#position ?? 0);
    let next: string | undefined;
    let version = "";
    do {
      const page = await this.#deps.client.list(resources.events, {
        limit: pageEvents,
        ...(next !== undefined && { continue: next }),
        signal,
      });
      for (const event of page.items)
        if (Number(event.metadata.resourceVersion) > from)
          await this.#offer(lineOf(event), undefined, signal);
      next = page.metadata.continue || undefined;
      version = page.metadata.resourceVersion ?? version;
    } while (next !== undefined && !signal.aborted);
    if (signal.aborted) return;
    this.#position = version;
    await this.#offer("", version, signal);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const options = {
      resourceVersion: this.#position,
      allowWatchBookmarks: true,
      timeoutSeconds: watchSeconds,
    };
    for await (const event of this.#deps.client.watch(resources.events, options, signal)) {
      if (signal.aborted) return;
      if (event.type === "BOOKMARK") this.#position = event.resourceVersion;
      else this.#position = event.object.metadata.resourceVersion;
      const isNews = event.type === "ADDED" || event.type === "MODIFIED";
      await this.#offer(isNews ? lineOf(event.object) : "", this.#position, signal);
    }
  }

  /** Waits for room, which holds the server back. */
  async #offer(line: string, version: string | undefined, signal: AbortSignal): Promise<void> {
    this.#waiting.push({ line, version });
    this.#wake();
    while (this.#waiting.length >= waitingMost && !signal.aborted) await this.#room.promise;
  }
}

const lineOf = (event: Event): string => {
  const { managedFields: _, ...metadata } = event.metadata;
  return `${JSON.stringify({ ...event, metadata })}\n`;
};

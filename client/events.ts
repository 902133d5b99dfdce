import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import { type Clock, sleep } from "../base/os/clock.ts";
import type { Log } from "../base/os/log.ts";
import type { Random } from "../base/os/random.ts";
import type { ApiClient } from "./api.ts";
import { ApiError, ConnectionError, isNotFound } from "./api-error.ts";
import type { LoopMetrics } from "./loop-metrics.ts";
import { resources } from "./resources.ts";
import type { Meta, ObjectReference, Ref } from "./types.ts";

/** What an event is about: any object of the API, or a reference where there is only that. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<Meta, "name" | "uid"> & { namespace?: string; resourceVersion?: string };
}

export interface EventInput {
  readonly type: "Normal" | "Warning";
  /** One word in camel case, such as `FailedScheduling`. */
  readonly reason: string;
  readonly message: string;
  /** The part of the subject, such as `spec.containers{web}`. */
  readonly fieldPath?: string;
  /** For programs to read. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RecorderOptions {
  /** Shown as From in describe: the component's name. */
  readonly component: string;
  /** The node, for components that run on one. */
  readonly host?: string;
}

export const eventLimits = {
  /** Waiting to be sent; more are dropped and counted. */
  queueMost: 1_000,
  /** Events remembered so that a repeat raises their count instead of making a new one. */
  rememberedMost: 4_096,
  messageCharsMost: 1_024,
  /** Per subject: this many at once, then one every so often. */
  burst: 25,
  refillMs: 300_000,
  attemptsMost: 8,
  backoff: { firstMs: 200, mostMs: 10_000 } satisfies BackoffOptions,
} as const;

interface Pending {
  readonly subject: EventSubject;
  readonly input: EventInput;
  readonly atMs: number;
}

/** An event already stored, which repeats are counted on. */
interface Remembered {
  readonly ref: Ref;
  readonly firstTimestamp: string;
  count: number;
}

/** Records events about objects. `record` never blocks and never fails; `run` sends in the background. Events may get
 *  lost (full queue, no server, namespace being deleted): they are for people to read, nothing depends on them. */
export class EventRecorder {
  readonly #options: RecorderOptions;
  readonly #deps: EventDeps;
  readonly #queue: Pending[] = [];
  readonly #remembered = new Map<string, Remembered>();
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  #wake: (() => void) | undefined;

  constructor(options: RecorderOptions, deps: EventDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  record(subject: EventSubject, input: EventInput): void {
    const refusal =
      this.#queue.length >= eventLimits.queueMost
        ? "queue full"
        : this.#spend(subject)
          ? undefined
          : "too many about one object";
    if (refusal !== undefined) {
      this.#drop(refusal);
      return;
    }
    const message = input.message.slice(0, eventLimits.messageCharsMost);
    this.#queue.push({ subject, input: { ...input, message }, atMs: this.#deps.clock.wallMs() });
    this.#wake?.();
  }

  /** Sends what is recorded until the signal aborts; then makes one last attempt at what is left, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = this.#queue.shift();
      if (next === undefined) await this.#recorded(signal);
      else await this.#send(next, signal);
    }
    for (const rest of this.#queue.splice(0, eventLimits.burst)) await this.#send(rest, signal);
  }

  /** Resolves when something was recorded or the signal aborts. */
  #recorded(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  async #send(event: Pending, signal: AbortSignal): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        await this.#write(event);
        return;
      } catch (error) {
        const retriable =
          error instanceof ConnectionError || (error instanceof ApiError && error.code >= 500);
        if (!retriable && !(error instanceof ApiError)) throw error;
        if (!retriable || signal.aborted || failures >= eventLimits.attemptsMost) {
          this.#drop("not accepted");
          this.#deps.log.debug("event not sent", { reason: event.input.reason, error });
          return;
        }
        try {
          await sleep(this.#deps.clock, backoffMs(eventLimits.backoff, failures, this.#deps.random), signal);
        } catch (aborted) {
          if (!signal.aborted) throw aborted;
        }
      }
    }
  }

  async #write({ subject, input, atMs }: Pending): Promise<void> {
    const { client } = this.#deps;
    const key = JSON.stringify([subject.metadata.uid, subject.metadata.name, input]);
    const known = this.#remembered.get(key);
    const timestamp = new Date(Math.floor(atMs / 1000) * 1000).toISOString().replace(".000Z", "Z");
    if (known !== undefined) {
      try {
        const repeat = { count: known.count + 1, lastTimestamp: timestamp };
        await client.patch(resources.events, known.ref, repeat, { type: "merge" });
        known.count++;
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error; // expired meanwhile: begin a new one
      }
    }
    const ref = this.#newRef(subject, atMs);
    await client.create(resources.events, {
      metadata: { ...ref, ...(input.annotations && { annotations: { ...input.annotations } }) },
      involvedObject: referenceTo(subject, input.fieldPath),
      type: input.type,
      reason: input.reason,
      message: input.message,
      source: {
        component: this.#options.component,
        ...(this.#options.host !== undefined && { host: this.#options.host }),
      },
      reportingComponent: this.#options.component,
      reportingInstance: this.#options.host ?? "",
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
    });
    this.#remember(key, { ref, firstTimestamp: timestamp, count: 1 });
  }

  /** The subject's name and a number that rises with time, as Kubernetes names events. */
  #newRef(subject: EventSubject, atMs: number) {
    const nanos = BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(this.#deps.random.uint32() % 1_000_000);
    return {
      name: `${subject.metadata.name}.${nanos.toString(16)}`,
      namespace: subject.metadata.namespace ?? "default",
    };
  }

  #remember(key: string, event: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, event);
    dropOldest(this.#remembered, eventLimits.rememberedMost);
  }

  /** Takes one token of the subject's bucket. */
  #spend(subject: EventSubject): boolean {
    const key = subject.metadata.uid;
    const nowMs = this.#deps.clock.monotonicMs();
    const bucket = this.#buckets.get(key) ?? { tokens: eventLimits.burst, atMs: nowMs };
    const refilled = bucket.tokens + (nowMs - bucket.atMs) / eventLimits.refillMs;
    const tokens = Math.min(eventLimits.burst, refilled);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    dropOldest(this.#buckets, eventLimits.rememberedMost);
    return tokens >= 1;
  }

  #drop(reason: string): void {
    this.#deps.metrics?.eventsDropped.inc({ reason });
  }
}

export interface EventDeps {
  readonly client: Pick<ApiClient, "create" | "patch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: LoopMetrics;
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

function referenceTo({ apiVersion, kind, metadata }: EventSubject, fieldPath?: string): ObjectReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid,
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    ...(metadata.resourceVersion !== undefined && { resourceVersion: metadata.resourceVersion }),
    ...(fieldPath !== undefined && { fieldPath }),
  };
}

import { setMaxListeners } from "node:events";
import { backoffMs } from "../../../base/backoff.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import { TokenBucket } from "../../../base/token-bucket.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import { RemoteRefusal, type RemoteRequest } from "../authentication/remote-json.ts";
import type { AuditSink } from "./trail.ts";
import { truncated } from "./truncate.ts";
import type { AuditWebhookConfig } from "./webhook-flags.ts";

export interface AuditWebhookDeps {
  readonly remote: { ask(request: RemoteRequest): Promise<unknown> };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** So many events are lost to that plugin. */
  readonly failed: (plugin: "buffered" | "webhook" | "truncate", events: number) => void;
}

const attemptsMax = 5;
/** What may wait to be sent, whatever the number of events. */
const bufferBytesMax = 64 * 1024 * 1024;
/** Batches on their way at once: a server that hangs holds up these, then the buffer fills. */
const underWayMax = 16;
/** How long a request waits for the server in the blocking modes. */
const blockingMsMax = 30_000;
/** How long the last batches may take at the end. */
const closingMs = 5000;

/** Events sent to a server elsewhere. In the mode `batch` nobody waits for it; what finds no room is dropped and counted. */
export class AuditWebhook implements AuditSink {
  readonly #config: AuditWebhookConfig;
  readonly #deps: AuditWebhookDeps;
  readonly #bucket: TokenBucket | undefined;
  /** Aborts at the end: pauses are over, and nothing is tried again. */
  readonly #hurry = new AbortController();
  /** Aborts when the end has lasted long enough. */
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<boolean>>();
  #buffer: { readonly line: string; readonly bytes: number }[] = [];
  #bufferBytes = 0;
  #cancelWait: (() => void) | undefined;
  #draining: Promise<void> | undefined;

  constructor(config: AuditWebhookConfig, deps: AuditWebhookDeps) {
    this.#config = config;
    this.#deps = deps;
    // All that is under way listens; `underWayMax` and the blocked requests bound it.
    setMaxListeners(0, this.#hurry.signal, this.#closing.signal);
    this.#bucket = config.throttle && new TokenBucket(config.throttle, deps.clock.monotonicMs());
  }

  /** In the blocking modes resolves when the server took it; to false where it must hold up the request. */
  write(line: string): Promise<boolean> | undefined {
    const { truncate, mode } = this.#config;
    const event = truncate ? truncated(line, truncate.eventBytesMax) : line;
    if (event === undefined)
      return this.#lose("truncate", 1, new Error("event is too large even after truncating"));
    if (mode === "batch") return this.#keep(event);
    if (this.#underWay.size >= this.#config.bufferEventsMax) {
      this.#lose("webhook", 1, new Error("too many events wait for the server"));
      return Promise.resolve(mode === "blocking");
    }
    return this.#within(this.#send([event])).then((taken) => taken || mode === "blocking");
  }

  async ready(): Promise<void> {}

  /** Sends what there is, once and for a short time. */
  async close(): Promise<void> {
    this.#hurry.abort();
    const late = () => this.#closing.abort(new Error("the server stops"));
    const cancel = this.#deps.clock.after(closingMs, late);
    this.#startDraining();
    await this.#draining;
    await Promise.all(this.#underWay);
    cancel();
  }

  #keep(line: string): undefined {
    const bytes = Buffer.byteLength(line);
    const { bufferEventsMax } = this.#config;
    if (this.#buffer.length >= bufferEventsMax || this.#bufferBytes + bytes > bufferBytesMax)
      return void this.#lose("buffered", 1, new Error("audit buffer queue blocked"));
    this.#buffer.push({ line, bytes });
    this.#bufferBytes += bytes;
    this.#schedule();
  }

  /** What waits is sent when there is enough of it, or after a while. */
  #schedule(): void {
    const { batchEventsMax, batchWaitMs } = this.#config;
    if (this.#buffer.length === 0) return;
    if (this.#buffer.length >= batchEventsMax) this.#startDraining();
    else
      this.#cancelWait ??= this.#deps.clock.after(batchWaitMs, () => {
        this.#cancelWait = undefined;
        this.#startDraining();
      });
  }

  #startDraining(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
      this.#schedule();
    });
  }

  /** Sends batch after batch until nothing waits. */
  async #drain(): Promise<void> {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    while (this.#buffer.length > 0) {
      const pauseMs = this.#bucket?.take(this.#deps.clock.monotonicMs()) ?? 0;
      if (pauseMs > 0) await this.#pause(pauseMs);
      while (this.#underWay.size >= underWayMax) await Promise.race(this.#underWay);
      void this.#send(this.#batch());
    }
  }

  /** The next events that go together. */
  #batch(): string[] {
    const { batchEventsMax, truncate } = this.#config;
    const bytesMax = truncate?.batchBytesMax ?? bufferBytesMax;
    let bytes = 0;
    let count = 0;
    for (const event of this.#buffer) {
      if (count >= batchEventsMax || (count > 0 && bytes + event.bytes > bytesMax)) break;
      bytes += event.bytes;
      count++;
    }
    this.#bufferBytes -= bytes;
    return this.#buffer.splice(0, count).map(({ line }) => line);
  }

  /** Resolves to whether the server took them. Never rejects. */
  #send(lines: readonly string[]): Promise<boolean> {
    const sent = this.#attempts(lines).finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
    return sent;
  }

  async #attempts(lines: readonly string[]): Promise<boolean> {
    const { url, bearerToken, initialBackoffMs } = this.#config;
    const { remote, random } = this.#deps;
    const items = lines.map((line) => line.trimEnd()).join(",");
    const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items}]}`;
    const headers = bearerToken === undefined ? {} : { Authorization: `Bearer ${bearerToken}` };
    const pauses = { firstMs: initialBackoffMs, factor: 1.5, mostMs: initialBackoffMs * 1.5 ** attemptsMax };
    for (let attempt = 1; ; attempt++) {
      try {
        await unlessAborted(remote.ask({ url, body, headers, ignoresAnswer: true }), this.#closing.signal);
        return true;
      } catch (error) {
        if (attempt >= attemptsMax || !mayPass(error) || this.#hurry.signal.aborted) {
          this.#lose("webhook", lines.length, error);
          return false;
        }
      }
      await this.#pause(backoffMs(pauses, attempt, random));
    }
  }

  /** Over at once when the end has begun. */
  #pause(ms: number): Promise<void> {
    return sleep(this.#deps.clock, ms, this.#hurry.signal).catch(() => undefined); // it is cut, not failed
  }

  /** A request waits so long at most; sending goes on. */
  #within(sent: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(blockingMsMax, () => resolve(false));
      void sent.then((taken) => {
        cancel();
        resolve(taken);
      });
    });
  }

  #lose(plugin: "buffered" | "webhook" | "truncate", events: number, error: unknown): undefined {
    this.#deps.failed(plugin, events);
    this.#deps.log.error("audit events are lost", { plugin, events, error });
  }
}

/** As Kubernetes' webhooks have it: a refusal is final unless the server is overworked or broken. */
function mayPass(error: unknown): boolean {
  return !(error instanceof RemoteRefusal) || error.code === 429 || error.code >= 500;
}

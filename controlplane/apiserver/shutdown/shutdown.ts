import { setMaxListeners } from "node:events";
import { deferred } from "../../../base/deferred.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import { chance, type Random } from "../../../base/os/random.ts";
import { ApiError } from "../api-error.ts";
import { requestTimeoutMs } from "../filters/request-timeout.ts";
import type { ShutdownConfig } from "./flags.ts";

/** A request under way, as far as the server's end concerns it. */
export interface Guest {
  /** `short` ones are waited for; the others last as long as somebody wants, and are ended. */
  readonly kind: "short" | "watch" | "lasting";
  /** Node's answer: whether the connection stays open after it. */
  readonly response: { readonly headersSent: boolean; shouldKeepAlive: boolean };
  readonly end: (reason: Error) => void;
}

export interface ShutdownDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** What the server's owner does at each stage. */
export interface Stages {
  /** This server is no endpoint any more. */
  readonly withdraw: () => Promise<void>;
  /** No new connections, and none that are idle. */
  readonly stopListening: () => void;
}

const reason = () => new Error("the server is stopping");
/** The least number of watches that end in a second; Kubernetes' number. */
const watchEndsPerSecondMin = 200;
const spreadEveryMs = 50;
/** A store that does not answer must not hold up everything else. */
const withdrawMsMax = 2000;

/** Counts the requests under way and leads the server to its end (README.md tells the stages). */
export class Shutdown {
  readonly #config: ShutdownConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #guests = new Set<Guest>();
  readonly #draining = new AbortController();
  /** Those that the end waits for. */
  #awaited = new Set<Guest>();
  #isAnnounced = false;
  readonly #drained = deferred<void>();

  constructor(config: ShutdownConfig, { clock, random }: ShutdownDeps) {
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    // Every session listens.
    setMaxListeners(0, this.draining);
  }

  /** From here on /readyz tells balancers to send requests elsewhere. */
  get isAnnounced(): boolean {
    return this.#isAnnounced;
  }

  /** Aborts when no more requests are let in. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** What to say to a request that comes too late; undefined lets it in. */
  refusal(path: string, userAgent: string): Refusal | undefined {
    if (!this.draining.aborted || isExempt(path, userAgent)) return undefined;
    return this.#config.sendsRetryAfter ? tooLate() : stopping();
  }

  /** A request came in; what is returned is called once, when all of its answer is sent. */
  enter(guest: Guest): () => void {
    if (this.#config.goawayChance > 0 && chance(this.#random, this.#config.goawayChance))
      guest.response.shouldKeepAlive = false;
    if (this.draining.aborted) {
      guest.response.shouldKeepAlive = false;
      return () => {};
    }
    this.#guests.add(guest);
    return () => {
      this.#guests.delete(guest);
      if (this.#awaited.delete(guest) && this.#awaited.size === 0) this.#drained.resolve();
    };
  }

  /** Resolves when nobody is waited for any more. Called once. */
  async run({ withdraw, stopListening }: Stages): Promise<void> {
    const { delayMs, sendsRetryAfter, watchGraceMs } = this.#config;
    this.#isAnnounced = true;
    await Promise.all([delayMs > 0 && sleep(this.#clock, delayMs), this.#within(withdrawMsMax, withdraw())]);
    this.#draining.abort(reason());
    if (!sendsRetryAfter) stopListening();
    const guests = [...this.#guests];
    // Whoever is answered now looks for another server afterwards.
    for (const { response } of guests) if (!response.headersSent) response.shouldKeepAlive = false;
    const watches = guests.filter(({ kind }) => kind === "watch");
    this.#awaited = new Set(
      guests.filter(({ kind }) => kind === "short" || (kind === "watch" && watchGraceMs > 0)),
    );
    if (this.#awaited.size === 0) this.#drained.resolve();
    for (const { kind, end } of guests) if (kind === "lasting") end(reason());
    const cutAfterMs = Math.max(requestTimeoutMs, watchGraceMs);
    const cancelCut = this.#clock.after(cutAfterMs, () => this.#cut());
    const cancelSpread = this.#endWatches(watches);
    await this.#drained.promise;
    cancelSpread();
    cancelCut();
    if (sendsRetryAfter) stopListening();
  }

  /** Waits for `work`, which may go on after that time. */
  #within(limitMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(limitMs, resolve);
      work.finally(cancel).then(resolve, reject);
    });
  }

  #cut(): void {
    for (const { end } of [...this.#awaited]) end(reason());
    this.#drained.resolve();
  }

  /** All at once, or so many at a time that the grace suffices for all. */
  #endWatches(watches: Guest[]): () => void {
    const { watchGraceMs } = this.#config;
    const perSecond = Math.max(watchEndsPerSecondMin, (watches.length * 1000) / watchGraceMs);
    const atOnce = watchGraceMs > 0 ? Math.ceil((perSecond * spreadEveryMs) / 1000) : watches.length;
    let cancel = () => {};
    const next = () => {
      for (const { end } of watches.splice(0, atOnce)) end(reason());
      if (watches.length > 0) cancel = this.#clock.after(spreadEveryMs, next);
    };
    next();
    return () => cancel();
  }
}

export interface Refusal {
  readonly error: ApiError;
  readonly retryAfterSeconds: number;
}

const laterText = "The apiserver is shutting down, please try again later.";
/** As kube-apiserver says it: in plain text, since nobody has looked at what is asked. */
const tooLate = (): Refusal => ({
  error: new ApiError(429, "TooManyRequests", laterText, undefined, {}, `${laterText}\n`),
  retryAfterSeconds: 5,
});
const stopping = (): Refusal => ({
  error: new ApiError(503, "ServiceUnavailable", "apiserver is shutting down"),
  retryAfterSeconds: 1,
});

const exemptPaths = ["/readyz", "/livez", "/healthz", "/metrics"];

/** Probes, and API servers' own requests. */
function isExempt(path: string, userAgent: string): boolean {
  return userAgent.startsWith("kube-apiserver/") || exemptPaths.some((prefix) => path.startsWith(prefix));
}

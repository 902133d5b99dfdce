import { setMaxListeners } from "node:events";
import { type Clock, sleep } from "../base/os/clock.ts";
import type { Log } from "../base/os/log.ts";
import type { Random } from "../base/os/random.ts";
import type { ApiClient } from "./api.ts";
import { ApiError, ConnectionError, isAlreadyExists, isConflict, isNotFound } from "./api-error.ts";
import {
  claim,
  decide,
  type ElectionTimes,
  electionTimesProblems,
  expiryMs,
  leadsUntilMs,
  type Observation,
  observe,
  release,
} from "./election.ts";
import type { HeldLease } from "./held-lease.ts";
import type { LoopMetrics } from "./loop-metrics.ts";
import { resources } from "./resources.ts";
import type { Lease } from "./types.ts";

export interface ElectionOptions {
  /** The Lease's name, such as `kube-scheduler`, and its namespace (kube-system by default). */
  readonly name: string;
  readonly namespace?: string;
  /** Unique among the candidates: host name and a random part. */
  readonly identity: string;
  readonly times: ElectionTimes;
  /** The leader's work. Its signal aborts when leadership is lost or the candidate stopped, and it must then end
   *  soon; only after it ended is the lease given up or campaigned for again. */
  readonly onStartedLeading: (signal: AbortSignal, term: Term) => Promise<void>;
  readonly onStoppedLeading?: () => void;
  /** Told of each renewal, the first included, with the moment until which it holds on the monotonic clock. */
  readonly onRenewed?: (untilMs: number) => void;
}

/** One term of leadership. */
export interface Term {
  /** What the writes of this term say, so that none is done in another's. */
  readonly heldLease: HeldLease;
  /** True only while no other candidate can lead: ask right before acting. What is under way when the candidate stops may still
   *  write as long as that. False for good once the term has ended. */
  isCurrent(): boolean;
  /** A server refused a write, as the lease is another's: ends the term at once. */
  lost(): void;
}

export interface ElectionDeps {
  readonly client: Pick<ApiClient, "get" | "create" | "update" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: LoopMetrics;
}

const giveUpAttemptsMost = 3;

/** A candidate for the lease of a name.
 *  Invariant: among candidates with sound times, `isLeader` is true for at most one at any moment. */
export class LeaderElector {
  readonly #options: ElectionOptions;
  readonly #deps: ElectionDeps;
  readonly #namespace: string;
  #seen: Observation | undefined;
  /** Wakes a waiting campaign. */
  #onReleased: (() => void) | undefined;
  /** Leading, and until when on the local monotonic clock. */
  #term: { readonly untilMs: number; readonly heldLease: HeldLease } | undefined;

  constructor(options: ElectionOptions, deps: ElectionDeps) {
    const problems = electionTimesProblems(options.times);
    if (problems.length > 0) throw new RangeError(problems.join("; "));
    this.#options = options;
    this.#deps = deps;
    this.#namespace = options.namespace ?? "kube-system";
    deps.metrics?.leader.set({ name: options.name }, 0);
  }

  /** True only while no other candidate can lead, by the clock and not by timers: ask right before acting. */
  get isLeader(): boolean {
    return this.#term !== undefined && this.#deps.clock.monotonicMs() < this.#term.untilMs;
  }

  /** Who held the lease when last seen; empty when nobody. */
  get holder(): string {
    return this.#seen?.spec.holderIdentity ?? "";
  }

  /** Campaigns, leads, campaigns again, until the signal aborts; then gives the lease up and resolves. Rejects only
   *  when the leader's work rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#campaign(signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await this.#lead(signal);
    }
  }

  /** Resolves once the lease is ours. */
  async #campaign(signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    const watching = new AbortController();
    const watch = this.#watchLease(watching.signal);
    watch.catch(() => undefined); // heard when the campaign ends
    try {
      for (let failures = 0; ; ) {
        try {
          if (this.#seen === undefined) await this.#look(signal);
          if (await this.#tryClaim(signal)) return;
          failures = 0;
        } catch (error) {
          if (!isRetriable(error)) throw error;
          failures++;
          if (failures === 5) log.warn("cannot reach the lease", { lease: this.#options.name, error });
        }
        await this.#untilWorthTrying(failures > 0, signal);
      }
    } finally {
      watching.abort(new Error("the campaign ended"));
      await watch;
    }
  }

  /** Waits until the lease can have expired, which the watch keeps putting off, or the watch saw it given up. Nobody
   *  polls: a watch that hangs only means that the next attempt finds the lease renewed. After a failure, or where
   *  there is no lease, waits a retry period. */
  #untilWorthTrying(failed: boolean, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    // Given up while our attempt was under way.
    if (!failed && this.#seen !== undefined && this.holder === "") return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const end = (settle: () => void) => {
        cancel();
        signal.removeEventListener("abort", onAbort);
        this.#onReleased = undefined;
        settle();
      };
      const leftMs = () => Math.ceil(expiryMs(this.#seen, this.#options.times) - clock.monotonicMs());
      const onTime = () => {
        if (failed || leftMs() <= 0) end(resolve);
        else cancel = clock.after(leftMs(), onTime);
      };
      const onAbort = () => end(() => reject(signal.reason));
      let cancel = clock.after(failed || leftMs() <= 0 ? this.#retryMs() : leftMs(), onTime);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#onReleased = () => end(resolve);
    });
  }

  /** Sees renewals as they happen, so that their time is known closely. */
  async #watchLease(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const scope = { namespace: this.#namespace, fieldSelector: `metadata.name=${this.#options.name}` };
    while (!signal.aborted) {
      try {
        for await (const event of client.watch(resources.leases, scope, signal)) {
          // Once it leads, it knows better than the watch what it wrote.
          if (event.type === "BOOKMARK" || event.type === "DELETED" || this.#term !== undefined) continue;
          this.#seen = observe(this.#seen, observed(event.object), clock.monotonicMs());
          if (this.holder === "") this.#onReleased?.();
        }
        await sleep(clock, this.#retryMs(), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isRetriable(error)) throw error;
        await sleep(clock, this.#retryMs(), signal).catch(() => undefined); // the loop sees the abort
      }
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { log, metrics } = this.#deps;
    const { name, identity } = this.#options;
    if (signal.aborted) {
      await this.#endTerm();
      return;
    }
    const leading = new AbortController();
    setMaxListeners(0, leading.signal); // all that the leader does listens
    const stop = () => leading.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    log.info("became leader", { lease: name, identity });
    metrics?.leader.set({ name }, 1);
    const work = this.#work(leading, this.#termOf(leading));
    work.catch(() => undefined); // heard below, once the renewals have stopped
    try {
      await this.#keepRenewing(leading);
    } finally {
      metrics?.leader.set({ name }, 0);
      signal.removeEventListener("abort", stop);
      leading.abort(new Error("leadership ended"));
      await work.finally(() => {
        this.#options.onStoppedLeading?.();
        return this.#endTerm();
      });
    }
  }

  #termOf(leading: AbortController): Term {
    const heldLease = this.#term?.heldLease;
    if (heldLease === undefined) throw new Error("nobody leads without a term");
    return {
      heldLease,
      isCurrent: () => this.#term?.heldLease === heldLease && this.isLeader,
      lost: () => {
        if (this.#term?.heldLease !== heldLease) return;
        this.#deps.log.warn("lost the lease: a write was refused", { lease: this.#options.name });
        this.#term = undefined;
        leading.abort(new Error("the lease was lost to another"));
      },
    };
  }

  async #work(leading: AbortController, term: Term): Promise<void> {
    try {
      await this.#options.onStartedLeading(leading.signal, term);
    } catch (error) {
      if (!leading.signal.aborted || (error !== leading.signal.reason && !isAbortError(error))) {
        leading.abort(new Error("the leader's work failed", { cause: error }));
        throw error;
      }
    }
    // Work that ends of itself gives leadership up.
    leading.abort(new Error("the leader's work ended"));
  }

  /** Renews until leadership is lost or given up; then aborts `leading` and returns. */
  async #keepRenewing(leading: AbortController): Promise<void> {
    const { clock, log } = this.#deps;
    const { name } = this.#options;
    const watchdog = { cancel: () => {} };
    const arm = () => {
      watchdog.cancel();
      const leftMs = Math.max(0, (this.#term?.untilMs ?? 0) - clock.monotonicMs());
      watchdog.cancel = clock.after(leftMs, () => {
        this.#term = undefined;
        log.warn("lost the lease: not renewed in time", { lease: name });
        leading.abort(new Error("the lease was not renewed in time"));
      });
    };
    arm();
    try {
      while (!leading.signal.aborted) {
        await sleep(clock, this.#retryMs(), leading.signal);
        try {
          const kept = await this.#tryClaim(leading.signal);
          if (kept) arm();
          else if (!leading.signal.aborted) {
            log.warn("lost the lease to another", { lease: name, holder: this.holder });
            this.#term = undefined;
            leading.abort(new Error("the lease was lost to another"));
          }
        } catch (error) {
          if (!isRetriable(error)) throw error;
          log.warn("could not renew the lease", { lease: name, error });
        }
      }
    } catch (error) {
      if (!leading.signal.aborted) throw error;
    } finally {
      watchdog.cancel();
    }
  }

  /** After the leader's work ended: others may take over at once. */
  async #endTerm(): Promise<void> {
    const held = this.isLeader;
    this.#term = undefined;
    if (held) await this.#giveUp();
  }

  /** A renewal cut off by the stop may still have been written, or be written yet: then our version is old, and the
   *  newest one tells whether the lease is still ours to give up. */
  async #giveUp(): Promise<void> {
    const { client, clock, log } = this.#deps;
    const { name, identity, times } = this.#options;
    try {
      for (let attempt = 1; this.#seen !== undefined && this.holder === identity; attempt++) {
        const given = this.#lease(release(this.#seen.spec, clock.wallMs()), this.#seen.resourceVersion);
        try {
          await client.update(resources.leases, given, { timeoutMs: times.retryPeriodMs });
          log.info("gave up the lease", { lease: name });
          return;
        } catch (error) {
          if (!isConflict(error) || attempt === giveUpAttemptsMost) throw error;
          await this.#look();
        }
      }
    } catch (error) {
      if (!isRetriable(error)) throw error;
      log.info("could not give up the lease; it will expire", { lease: name, error });
    }
  }

  /** One attempt at taking or renewing. True: ours until the term's end. False: another's. */
  async #tryClaim(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#deps;
    const { identity, times } = this.#options;
    // What was seen may be old; then the write meets a conflict.
    const decision = decide(this.#seen, identity, times, clock.monotonicMs());
    if (decision.action === "wait") return false;
    const sentMs = clock.monotonicMs();
    const isRenewal = this.#term !== undefined;
    const spec = claim(this.#seen?.spec, identity, times, { wallMs: clock.wallMs(), isRenewal });
    try {
      const call = { signal, timeoutMs: times.renewDeadlineMs };
      const written =
        decision.action === "create"
          ? await this.#deps.client.create(resources.leases, this.#lease(spec), call)
          : await this.#deps.client.update(
              resources.leases,
              this.#lease(spec, decision.resourceVersion),
              call,
            );
      return this.#claimed(written, sentMs);
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      await this.#look(signal);
      // Our own earlier write may have succeeded without our hearing of it; the next attempt renews it.
      if (this.holder === identity) throw error;
      return false;
    }
  }

  #claimed(lease: Lease, sentMs: number): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    const untilMs = leadsUntilMs(sentMs, this.#options.times);
    this.#seen = observe(this.#seen, observed(lease), nowMs);
    // An answer that came too late is no leadership; the next attempt renews.
    if (nowMs >= untilMs) throw new ConnectionError("the lease was renewed too late", { neverSent: false });
    this.#term = { untilMs, heldLease: this.#term?.heldLease ?? this.#heldLeaseOf(lease) };
    this.#options.onRenewed?.(untilMs);
    return true;
  }

  #heldLeaseOf({ metadata, spec }: Lease): HeldLease {
    const { name, identity: holder } = this.#options;
    const transitions = spec?.leaseTransitions ?? 0;
    return { namespace: this.#namespace, name, holder, transitions, uid: metadata.uid };
  }

  async #look(signal?: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const ref = { name: this.#options.name, namespace: this.#namespace };
    try {
      const call = { ...(signal && { signal }), timeoutMs: this.#options.times.renewDeadlineMs };
      const lease = await client.get(resources.leases, ref, call);
      this.#seen = observe(this.#seen, observed(lease), clock.monotonicMs());
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Whoever held what somebody deleted may still be leading.
      const decision = decide(this.#seen, this.#options.identity, this.#options.times, clock.monotonicMs());
      if (decision.action !== "wait") this.#seen = undefined;
    }
  }

  #lease(spec: NonNullable<Lease["spec"]>, resourceVersion?: string) {
    const metadata = { name: this.#options.name, namespace: this.#namespace };
    return { metadata: resourceVersion === undefined ? metadata : { ...metadata, resourceVersion }, spec };
  }

  /** A little random, so that candidates do not step on each other's toes. */
  #retryMs(): number {
    return this.#options.times.retryPeriodMs * (1 + 0.2 * (this.#deps.random.uint32() / 2 ** 32));
  }
}

function observed(lease: Lease) {
  return { spec: lease.spec ?? {}, resourceVersion: lease.metadata.resourceVersion };
}

function isRetriable(error: unknown): boolean {
  return error instanceof ApiError || error instanceof ConnectionError;
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

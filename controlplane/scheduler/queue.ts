import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import { Heap } from "../../base/heap.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import type { ClusterEvent } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";

export const queueLimits = {
  backoff: { firstMs: 1_000, mostMs: 10_000, jitter: 0 } satisfies BackoffOptions,
  /** An unschedulable pod is tried again after this long even if nothing happened that should help it. */
  unschedulableMostMs: 300_000,
} as const;

/** Where a pod waits. */
type Waiting =
  | { readonly state: "active"; readonly ticket: Ticket }
  /** Being decided on or bound. */
  | { readonly state: "taken" }
  | { readonly state: "backoff"; readonly cancel: () => void }
  | { readonly state: "unschedulable"; readonly plugins: ReadonlySet<string>; readonly cancel: () => void };

interface Entry {
  info: PodInfo;
  waiting: Waiting;
  attempts: number;
  /** No sooner than this may it be tried again. */
  backoffUntilMs: number;
}

/** A place in the line. Void once its entry no longer holds it; void ones are passed over and swept now and then. */
interface Ticket {
  readonly entry: Entry;
  readonly priority: number;
  readonly sinceMs: number;
  readonly order: number;
}

/** Void tickets are swept when there are more of them than valid ones and than this. */
const sweepLeast = 64;

/** Pods without a node. The most important that is ready comes first; those that could not be placed wait until
 *  something happened that may help them, and at least their back-off.
 *  Invariant: a pod is in exactly one state, and holds a ticket in the line exactly while active. */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #helpedBy: (plugin: string, event: ClusterEvent) => boolean;
  readonly #entries = new Map<string, Entry>();
  readonly #unschedulable = new Set<Entry>();
  #line = new Heap<Ticket>(precedes);
  /** Entries in the state active: the valid tickets in the line. */
  #active = 0;
  #order = 0;
  #wake: (() => void) | undefined;

  constructor(
    deps: { readonly clock: Clock; readonly random: Random },
    helpedBy: (plugin: string, event: ClusterEvent) => boolean,
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#helpedBy = helpedBy;
  }

  /** How many pods wait, by state, under Kubernetes' names. */
  counts(): Readonly<Record<"active" | "backoff" | "unschedulable", number>> {
    const counts = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { waiting } of this.#entries.values()) if (waiting.state !== "taken") counts[waiting.state]++;
    return counts;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Takes in a pod, or its new state: a changed pod may have become schedulable. */
  put(info: PodInfo): void {
    const entry = this.#entries.get(info.key);
    if (entry === undefined || entry.info.pod.metadata.uid !== info.pod.metadata.uid) {
      this.delete(info.key);
      const fresh: Entry = {
        info,
        waiting: { state: "taken" },
        attempts: 0,
        backoffUntilMs: 0,
      };
      this.#entries.set(info.key, fresh);
      this.#activate(fresh);
      return;
    }
    const specChanged = differs(entry.info, info);
    entry.info = info;
    if (!specChanged) return;
    if (entry.waiting.state === "unschedulable") this.#retry(entry);
    else if (entry.waiting.state === "active") this.#activate(entry); // its priority may be another
  }

  /** The pod was placed, is gone, or is no longer ours. With `uid`, only if that is still the pod of this name. */
  delete(key: string, uid?: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || (uid !== undefined && entry.info.pod.metadata.uid !== uid)) return;
    this.#entries.delete(key);
    this.#leave(entry);
    entry.waiting = { state: "taken" };
  }

  /** The next pod to try; undefined when none is ready. The taker reports back with one of the methods below. */
  take(): PodInfo | undefined {
    for (let ticket = this.#line.pop(); ticket !== undefined; ticket = this.#line.pop()) {
      const { entry } = ticket;
      if (!isValid(ticket)) continue;
      this.#leave(entry);
      entry.waiting = { state: "taken" };
      entry.attempts++;
      return entry.info;
    }
    return undefined;
  }

  /** Resolves when a pod is ready to be taken, or the signal aborts. */
  ready(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#active > 0 || signal.aborted) return resolve();
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  /** taken -> unschedulable: these plugins refused it everywhere. */
  unschedulable(info: PodInfo, plugins: ReadonlySet<string>): void {
    const entry = this.#taken(info);
    if (entry === undefined) return;
    this.#setBackoff(entry);
    const cancel = this.#clock.after(queueLimits.unschedulableMostMs, () => this.#retry(entry));
    entry.waiting = { state: "unschedulable", plugins, cancel };
    this.#unschedulable.add(entry);
  }

  /** taken -> backoff: something failed that has nothing to do with where it fits. */
  failed(info: PodInfo): void {
    const entry = this.#taken(info);
    if (entry === undefined) return;
    this.#setBackoff(entry);
    this.#retry(entry);
  }

  /** Something happened in the cluster: unschedulable pods it may help are tried again. */
  notice(event: ClusterEvent): void {
    for (const entry of [...this.#unschedulable]) {
      const { waiting } = entry;
      if (waiting.state !== "unschedulable") continue;
      const nobodyAsked = waiting.plugins.size === 0 && event === "nodeAdded";
      if (nobodyAsked || [...waiting.plugins].some((plugin) => this.#helpedBy(plugin, event)))
        this.#retry(entry);
    }
  }

  /** Forgets everything. */
  close(): void {
    for (const entry of this.#entries.values()) this.#leave(entry);
    this.#entries.clear();
    this.#unschedulable.clear();
    this.#line.clear();
    this.#active = 0;
  }

  #taken({ key, pod }: PodInfo): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.waiting.state !== "taken") return undefined;
    return entry.info.pod.metadata.uid === pod.metadata.uid ? entry : undefined;
  }

  #setBackoff(entry: Entry): void {
    const waitMs = backoffMs(queueLimits.backoff, entry.attempts, this.#random);
    entry.backoffUntilMs = this.#clock.monotonicMs() + waitMs;
  }

  /** unschedulable, taken -> backoff, or active when the back-off is over. */
  #retry(entry: Entry): void {
    this.#leave(entry);
    const leftMs = entry.backoffUntilMs - this.#clock.monotonicMs();
    if (leftMs <= 0) this.#activate(entry);
    else entry.waiting = { state: "backoff", cancel: this.#clock.after(leftMs, () => this.#activate(entry)) };
  }

  /** any -> active, at the end of those of its priority. */
  #activate(entry: Entry): void {
    this.#leave(entry);
    const sinceMs = this.#clock.monotonicMs();
    const ticket: Ticket = { entry, priority: entry.info.priority, sinceMs, order: this.#order++ };
    entry.waiting = { state: "active", ticket };
    this.#active++;
    this.#line.push(ticket);
    this.#wake?.();
  }

  /** What must happen before an entry's state changes. */
  #leave(entry: Entry): void {
    const { waiting } = entry;
    if (waiting.state === "backoff" || waiting.state === "unschedulable") waiting.cancel();
    if (waiting.state === "unschedulable") this.#unschedulable.delete(entry);
    if (waiting.state === "active") {
      this.#active--;
      this.#sweep();
    }
  }

  /** Standbys never take: without this their line would only grow. */
  #sweep(): void {
    if (this.#line.size <= 2 * this.#active + sweepLeast) return;
    const line = new Heap<Ticket>(precedes);
    for (const { waiting } of this.#entries.values())
      if (waiting.state === "active") line.push(waiting.ticket);
    this.#line = line;
  }
}

function isValid(ticket: Ticket): boolean {
  const { waiting } = ticket.entry;
  return waiting.state === "active" && waiting.ticket === ticket;
}

function precedes(a: Ticket, b: Ticket): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.sinceMs !== b.sinceMs ? a.sinceMs < b.sinceMs : a.order < b.order;
}

/** What scheduling looks at; status changes, such as our own condition, do not count. */
function differs(a: PodInfo, b: PodInfo): boolean {
  const view = ({ pod }: PodInfo) => JSON.stringify([pod.spec, pod.metadata.labels]);
  return view(a) !== view(b);
}

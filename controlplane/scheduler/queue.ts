import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
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
  | { readonly state: "active" }
  /** Being decided on or bound. */
  | { readonly state: "taken" }
  | { readonly state: "backoff"; readonly cancel: () => void }
  | { readonly state: "unschedulable"; readonly plugins: ReadonlySet<string>; readonly cancel: () => void };

interface Entry {
  info: PodInfo;
  waiting: Waiting;
  attempts: number;
  /** When the pod joined the active queue; of equal priorities the earlier goes first. */
  sinceMs: number;
  order: number;
  /** No sooner than this may it be tried again. */
  backoffUntilMs: number;
}

/** Pods without a node. The most important that is ready comes first; those that could not be placed wait until
 *  something happened that may help them, and at least their back-off.
 *  Invariant: a pod is in exactly one state, and in the heap exactly while active. */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #helpedBy: (plugin: string, event: ClusterEvent) => boolean;
  readonly #entries = new Map<string, Entry>();
  readonly #unschedulable = new Set<Entry>();
  readonly #heap: Entry[] = [];
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
        sinceMs: this.#clock.monotonicMs(),
        order: 0,
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
    else if (entry.waiting.state === "active") {
      this.#unheap(entry); // its priority may be another
      this.#activate(entry);
    }
  }

  /** The pod was placed, is gone, or is no longer ours. With `uid`, only if that is still the pod of this name. */
  delete(key: string, uid?: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || (uid !== undefined && entry.info.pod.metadata.uid !== uid)) return;
    this.#entries.delete(key);
    if (entry.waiting.state === "active") this.#unheap(entry);
    this.#leave(entry);
  }

  /** The next pod to try; undefined when none is ready. The taker reports back with one of the methods below. */
  take(): PodInfo | undefined {
    const entry = this.#popHeap();
    if (entry === undefined) return undefined;
    entry.waiting = { state: "taken" };
    entry.attempts++;
    return entry.info;
  }

  /** Resolves when a pod is ready to be taken, or the signal aborts. */
  ready(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#heap.length > 0 || signal.aborted) return resolve();
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
    this.#heap.length = 0;
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

  #activate(entry: Entry): void {
    entry.waiting = { state: "active" };
    entry.sinceMs = this.#clock.monotonicMs();
    entry.order = this.#order++;
    this.#pushHeap(entry);
    this.#wake?.();
  }

  #leave(entry: Entry): void {
    const { waiting } = entry;
    if (waiting.state === "backoff" || waiting.state === "unschedulable") waiting.cancel();
    this.#unschedulable.delete(entry);
  }

  /** Rare, so linear. */
  #unheap(entry: Entry): void {
    const rest = this.#heap.filter((other) => other !== entry);
    this.#heap.length = 0;
    for (const other of rest) this.#pushHeap(other);
  }

  #pushHeap(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!precedes(entry, heap[parent])) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #popHeap(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const child = precedes(heap[right], heap[left]) ? right : left;
      const candidate = heap[child];
      if (candidate === undefined || !precedes(candidate, last)) break;
      heap[at] = candidate;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function precedes(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined) return false;
  if (b === undefined) return true;
  return a.info.priority !== b.info.priority
    ? a.info.priority > b.info.priority
    : a.sinceMs !== b.sinceMs
      ? a.sinceMs < b.sinceMs
      : a.order < b.order;
}

/** What scheduling looks at; status changes, such as our own condition, do not count. */
function differs(a: PodInfo, b: PodInfo): boolean {
  const view = ({ pod }: PodInfo) => JSON.stringify([pod.spec, pod.metadata.labels]);
  return view(a) !== view(b);
}

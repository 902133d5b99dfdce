import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import { Heap } from "../../base/heap.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import type { ClusterEvent } from "./cycle/cluster-event.ts";
import type { Queued } from "./cycle/plugin.ts";
import { GroupIndex } from "./cycle/pod-group.ts";
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
  | { readonly state: "unschedulable"; readonly plugins: ReadonlySet<string>; readonly cancel: () => void }
  /** A plugin does not let it wait for its turn yet. */
  | { readonly state: "gated"; readonly plugin: string };

/** What the queue asks of the profiles. Pure. */
export interface QueueRules {
  /** Negative when the first comes first. */
  readonly order: (a: Queued, b: Queued) => number;
  /** The plugin that does not let the pod wait for its turn yet. */
  readonly gate: (info: PodInfo) => string | undefined;
  /** Whether a pod that the plugin refused deserves another try. */
  readonly helps: (plugin: string, info: PodInfo, event: ClusterEvent) => boolean;
}

export interface QueueOptions {
  readonly backoff: BackoffOptions;
  /** Told of each pod that enters a part of the queue, and why. */
  readonly onMove?: (to: keyof QueueCounts, why: string) => void;
}

export type QueueCounts = Readonly<Record<"active" | "backoff" | "unschedulable" | "gated", number>>;

interface Entry {
  info: PodInfo;
  waiting: Waiting;
  attempts: number;
  readonly addedMs: number;
  /** Others are being moved out of its way: until that is over it is not tried. */
  held: boolean;
  /** Something happened meanwhile. */
  wanted: boolean;
  /** No sooner than this may it be tried again. */
  backoffUntilMs: number;
}

/** A place in the line. Void once its entry no longer holds it; void ones are passed over and swept now and then. */
interface Ticket extends Queued {
  readonly entry: Entry;
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
  readonly #rules: QueueRules;
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #unschedulable = new Set<Entry>();
  readonly #gated = new Set<Entry>();
  readonly #groups = new GroupIndex();
  #line: Heap<Ticket>;
  /** Entries in the state active: the valid tickets in the line. */
  #active = 0;
  #order = 0;
  #noticed = 0;
  #wake: (() => void) | undefined;

  constructor(
    deps: { readonly clock: Clock; readonly random: Random },
    rules: QueueRules,
    options: QueueOptions = { backoff: queueLimits.backoff },
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#rules = rules;
    this.#options = options;
    this.#line = new Heap(this.#precedes);
  }

  /** How many pods wait, by state, under Kubernetes' names. */
  counts(): QueueCounts {
    const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
    for (const { waiting } of this.#entries.values()) if (waiting.state !== "taken") counts[waiting.state]++;
    return counts;
  }

  /** How many pods of each profile each plugin refused. */
  refusedBy(): Iterable<{ readonly plugin: string; readonly profile: string; readonly pods: number }> {
    const counts = new Map<string, { plugin: string; profile: string; pods: number }>();
    for (const { waiting, info } of [...this.#unschedulable, ...this.#gated]) {
      const plugins = waiting.state === "unschedulable" ? waiting.plugins : [];
      for (const plugin of waiting.state === "gated" ? [waiting.plugin] : plugins) {
        const key = `${info.schedulerName}/${plugin}`;
        const row = counts.get(key) ?? { plugin, profile: info.schedulerName, pods: 0 };
        row.pods++;
        counts.set(key, row);
      }
    }
    return counts.values();
  }

  /** The keys of the group's pods, those being decided on included. */
  membersOf(group: string): ReadonlySet<string> {
    return this.#groups.of(group);
  }

  /** When the pod came, and how often it was tried. */
  story(key: string): { readonly addedMs: number; readonly attempts: number } | undefined {
    return this.#entries.get(key);
  }

  /** How many events there were. */
  get noticed(): number {
    return this.#noticed;
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
        addedMs: this.#clock.monotonicMs(),
        held: false,
        wanted: false,
        backoffUntilMs: 0,
      };
      this.#entries.set(info.key, fresh);
      this.#groups.add(info);
      this.#enter(fresh, "PodAdd");
      return;
    }
    const specChanged = differs(entry.info, info);
    this.#groups.delete(entry.info);
    this.#groups.add(info);
    entry.info = info;
    if (!specChanged) return;
    if (entry.waiting.state === "unschedulable") this.#retry(entry, "PodUpdate");
    else if (entry.waiting.state === "gated") this.#enter(entry, "PodUpdate");
    else if (entry.waiting.state === "active") this.#activate(entry, "PodUpdate"); // its priority may be another
  }

  /** The pod was placed, is gone, or is no longer ours. With `uid`, only if that is still the pod of this name. */
  delete(key: string, uid?: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || (uid !== undefined && entry.info.pod.metadata.uid !== uid)) return;
    this.#entries.delete(key);
    this.#groups.delete(entry.info);
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
    const cancel = this.#clock.after(queueLimits.unschedulableMostMs, () =>
      this.#retry(entry, "UnschedulableTimeout"),
    );
    entry.waiting = { state: "unschedulable", plugins, cancel };
    this.#unschedulable.add(entry);
    this.#options.onMove?.("unschedulable", "ScheduleAttemptFailure");
  }

  /** taken -> backoff: something failed that has nothing to do with where it fits. */
  failed(info: PodInfo): void {
    const entry = this.#taken(info);
    if (entry === undefined) return;
    this.#setBackoff(entry);
    this.#retry(entry, "ScheduleAttemptFailure");
  }

  /** Until `release` the pod is not tried, whatever happens: others are being moved out of its way. */
  hold(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.held = true;
  }

  /** @param now Whether it is tried again even if nothing happened meanwhile. */
  release(key: string, now: boolean): void {
    const entry = this.#entries.get(key);
    if (entry?.held !== true) return;
    entry.held = false;
    const again = now || entry.wanted;
    entry.wanted = false;
    if (again && entry.waiting.state === "unschedulable") this.#retry(entry, "PreemptionFinished");
  }

  /** Something happened in the cluster: pods that it may help are tried again. */
  notice(event: ClusterEvent): void {
    this.#noticed++;
    for (const entry of [...this.#unschedulable]) {
      const { waiting, info } = entry;
      if (waiting.state !== "unschedulable") continue;
      const nobodyAsked = waiting.plugins.size === 0 && event.kind === "nodeAdded";
      if (nobodyAsked || this.#helps(waiting.plugins, info, event)) this.#retry(entry, event.kind);
    }
    for (const entry of [...this.#gated])
      if (entry.waiting.state === "gated" && this.#rules.helps(entry.waiting.plugin, entry.info, event))
        this.#enter(entry, event.kind);
  }

  /** Lets pods have another try, whatever refused them. */
  activate(keys: Iterable<string>): void {
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry?.waiting.state === "unschedulable" || entry?.waiting.state === "backoff")
        this.#activate(entry, "ForceActivate");
    }
  }

  /** Forgets everything. */
  close(): void {
    for (const entry of this.#entries.values()) this.#leave(entry);
    this.#entries.clear();
    this.#unschedulable.clear();
    this.#gated.clear();
    this.#line.clear();
    this.#active = 0;
  }

  #taken({ key, pod }: PodInfo): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.waiting.state !== "taken") return undefined;
    return entry.info.pod.metadata.uid === pod.metadata.uid ? entry : undefined;
  }

  #helps(plugins: ReadonlySet<string>, info: PodInfo, event: ClusterEvent): boolean {
    for (const plugin of plugins) if (this.#rules.helps(plugin, info, event)) return true;
    return false;
  }

  #setBackoff(entry: Entry): void {
    const waitMs = backoffMs(this.#options.backoff, entry.attempts, this.#random);
    entry.backoffUntilMs = this.#clock.monotonicMs() + waitMs;
  }

  /** gated, or new -> active; or gated when a plugin does not let it in. */
  #enter(entry: Entry, why: string): void {
    const plugin = this.#rules.gate(entry.info);
    if (plugin === undefined) {
      this.#activate(entry, why);
      return;
    }
    this.#leave(entry);
    entry.waiting = { state: "gated", plugin };
    this.#gated.add(entry);
    this.#options.onMove?.("gated", why);
  }

  /** unschedulable, taken -> backoff, or active when the back-off is over. */
  #retry(entry: Entry, why: string): void {
    if (entry.held) {
      entry.wanted = true;
      return;
    }
    this.#leave(entry);
    const leftMs = entry.backoffUntilMs - this.#clock.monotonicMs();
    if (leftMs <= 0) {
      this.#enter(entry, why);
      return;
    }
    const cancel = this.#clock.after(leftMs, () => this.#enter(entry, "BackoffComplete"));
    entry.waiting = { state: "backoff", cancel };
    this.#options.onMove?.("backoff", why);
  }

  /** any -> active, at the end of those of its priority. */
  #activate(entry: Entry, why: string): void {
    this.#leave(entry);
    const sinceMs = this.#clock.monotonicMs();
    const ticket: Ticket = { entry, info: entry.info, sinceMs, order: this.#order++ };
    entry.waiting = { state: "active", ticket };
    this.#active++;
    this.#line.push(ticket);
    this.#options.onMove?.("active", why);
    this.#wake?.();
  }

  readonly #precedes = (a: Ticket, b: Ticket): boolean => {
    const order = this.#rules.order(a, b);
    return order !== 0 ? order < 0 : a.order < b.order;
  };

  /** What must happen before an entry's state changes. */
  #leave(entry: Entry): void {
    const { waiting } = entry;
    if (waiting.state === "backoff" || waiting.state === "unschedulable") waiting.cancel();
    if (waiting.state === "unschedulable") this.#unschedulable.delete(entry);
    if (waiting.state === "gated") this.#gated.delete(entry);
    if (waiting.state === "active") {
      this.#active--;
      this.#sweep();
    }
  }

  /** Standbys never take: without this their line would only grow. */
  #sweep(): void {
    if (this.#line.size <= 2 * this.#active + sweepLeast) return;
    const line = new Heap<Ticket>(this.#precedes);
    for (const { waiting } of this.#entries.values())
      if (waiting.state === "active") line.push(waiting.ticket);
    this.#line = line;
  }
}

function isValid(ticket: Ticket): boolean {
  const { waiting } = ticket.entry;
  return waiting.state === "active" && waiting.ticket === ticket;
}

/** What scheduling looks at; of the status only which claims were made for the pod, and no change of our own. */
function differs(a: PodInfo, b: PodInfo): boolean {
  const parts = ({ pod }: PodInfo) => [pod.spec, pod.metadata.labels, pod.status?.resourceClaimStatuses];
  const before = parts(a);
  const after = parts(b);
  if (after.every((part, index) => part === before[index])) return false;
  return JSON.stringify(before) !== JSON.stringify(after);
}

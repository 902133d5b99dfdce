import type { Clock } from "../../base/os/clock.ts";
import type { Sliced, Turns } from "../../base/slices.ts";
import type { Change, StoredChange } from "../mvcc/change.ts";
import { WatchBatch, WatchEvent } from "./event-bytes.ts";
import type { SendTimes } from "./metrics.ts";
import { PacedWork } from "./paced-work.ts";
import { HeldRevisions, type RecentLimits, RecentRevisions, type RevisionEvents } from "./recent.ts";
import { type WatchGroup, WatchIndex } from "./watch-index.ts";
import { takesType, type Watcher, type WatchOptions, type WatchSink, wants, watcherOf } from "./watcher.ts";

/** What a watch needs of the store's past. `store/mvcc/history.ts` implements it. */
export interface WatchHistory {
  readonly revision: number;
  /** Nothing before it can be read. */
  readonly compactRevision: number;
  /** All changes of the revisions from `from` to the `upTo` it answers. A compaction meanwhile may thin them out; check
   *  `compactRevision` afterwards. */
  read(from: number): Promise<{ readonly revisions: readonly RevisionChanges[]; readonly upTo: number }>;
  /** The value a change replaced, if compaction has left it. */
  previous(change: Change): Uint8Array | undefined;
}
export interface RevisionChanges {
  readonly revision: number;
  readonly changes: readonly Change[];
}

export interface Watch {
  /** The sink is ready again. */
  resume(): void;
  cancel(): void;
  /** All events up to here were given to the sink; undefined while it catches up or waits for a future revision. */
  readonly progressRevision: number | undefined;
}

/** Bugs that simulation plants, by name. */
export interface WatchFaults {
  /** Watches never hear of some revisions. */
  readonly watchSkipsRevision?: true;
  /** A watch that fell behind is given its last revision again. */
  readonly watchRepeatsRevision?: true;
  /** A watch is told that it is as far as the store is, whatever it was given. */
  readonly progressTooEarly?: true;
}

export interface WatchLimits {
  /** A batch is closed at the first revision after one of these. */
  readonly batchRevisionsMax: number;
  readonly batchBytesMax: number;
  /** Changes kept in memory for watches that are a little behind. */
  readonly recent: RecentLimits;
}

export const watchLimits: WatchLimits = {
  batchRevisionsMax: 1_000,
  batchBytesMax: 1024 * 1024,
  recent: { eventsMax: 10_000, bytesMax: 16 * 1024 * 1024 },
};

const nothing: never[] = [];

/** What watches of a group are given that want it from one revision on. */
interface Share {
  readonly from: number;
  readonly events: readonly WatchEvent[];
  batch?: WatchBatch;
}

export class WatchHub {
  readonly #history: WatchHistory;
  readonly #onFailure: (error: unknown) => void;
  readonly #turns: Turns;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #times: SendTimes | undefined;
  readonly #faults: WatchFaults;
  readonly #limits: WatchLimits;
  readonly #telling: PacedWork;
  readonly #synced = new WatchIndex<Watcher>();
  readonly #watchers = new Set<Watcher>();
  readonly #behind = new Set<Watcher>();
  readonly #recent: RecentRevisions;
  /** Revisions that synced watches have yet to be told of. */
  #untold: (readonly StoredChange[])[] = [];
  #untoldBytes = 0;
  /** Synced watches were given everything up to here. */
  #told: number;
  #catchingUp: Promise<void> | undefined;
  #stopped = false;
  #eventsSent = 0;
  /** Since times were last told. */
  readonly #untimed = { batches: 0, events: 0 };

  constructor(
    history: WatchHistory,
    parts: {
      readonly onFailure: (error: unknown) => void;
      readonly turns: Turns;
      readonly clock: Pick<Clock, "monotonicMs" | "after">;
      readonly faults?: WatchFaults;
      readonly limits?: WatchLimits;
      readonly times?: SendTimes;
    },
  ) {
    this.#history = history;
    this.#onFailure = parts.onFailure;
    this.#turns = parts.turns;
    this.#faults = parts.faults ?? {};
    this.#limits = parts.limits ?? watchLimits;
    this.#clock = parts.clock;
    this.#times = parts.times;
    this.#telling = new PacedWork(() => this.#tellSynced(), {
      clock: parts.clock,
      defer: parts.turns.defer,
      onTook: (tookMs) => this.#sentWithin(tookMs),
    });
    this.#told = history.revision;
    this.#recent = new RecentRevisions(history.revision, this.#limits.recent);
  }

  get watchers(): number {
    return this.#watchers.size;
  }
  get slowWatchers(): number {
    return this.#behind.size;
  }
  /** Events given to watches since the start. */
  get eventsSent(): number {
    return this.#eventsSent;
  }
  /** Events of which synced watches have yet to be told. */
  get pendingEvents(): number {
    return this.#untold.reduce((sum, changes) => sum + changes.length, 0);
  }
  get recentBytes(): number {
    return this.#recent.sizeBytes;
  }

  /** Starts a watch. `startRevision` 0: from the next revision on. Its sink hears nothing before this returns. */
  watch(options: WatchOptions, sink: WatchSink): Watch {
    const { revision } = this.#history;
    const next = options.startRevision > 0 ? options.startRevision : revision + 1;
    const watcher = watcherOf(options, sink, next);
    this.#watchers.add(watcher);
    if (next > revision) this.#becomeSynced(watcher);
    else this.#fallBehind(watcher, next);
    return this.#handle(watcher);
  }

  /** Tells of a new revision; the store's revision is that already. Watches hear of all that are told of in one turn together,
   *  in the next one, or later where telling them takes long. */
  notify(revision: number, changes: readonly StoredChange[] | "many"): void {
    if (this.#watchers.size === 0) {
      this.#startOver(revision);
      return;
    }
    if (changes === "many") {
      this.#leaveToHistory(revision);
      return;
    }
    this.#recent.push(changes);
    this.#telling.request();
    this.#untold.push(changes);
    for (const { value } of changes) this.#untoldBytes += value.length;
    const { batchRevisionsMax, batchBytesMax } = this.#limits;
    if (this.#untold.length >= batchRevisionsMax || this.#untoldBytes >= batchBytesMax) this.#telling.run();
  }

  /** Gives synced watches what is new, at once. */
  tell(): void {
    if (this.#untold.length > 0) this.#telling.run();
  }

  #tellSynced(): void {
    const untold = this.#untold;
    const revision = untold.at(-1)?.[0]?.revision;
    if (revision === undefined) return;
    this.#untold = [];
    this.#untoldBytes = 0;
    try {
      for (const group of this.#gather(untold)) this.#tellGroup(group);
      this.#told = Math.max(this.#told, revision);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** Gathers what each group of synced watches gets of some revisions. Answers those that get something. */
  #gather(revisions: readonly (readonly StoredChange[])[]): readonly WatchGroup<Watcher>[] {
    const concerned: WatchGroup<Watcher>[] = [];
    if (this.#synced.isEmpty) return concerned;
    for (const changes of revisions) {
      if (this.#faults.watchSkipsRevision && (changes[0] as StoredChange).revision % 7 === 0) continue;
      for (const change of changes) {
        let event: WatchEvent | undefined;
        this.#synced.visit(change.key, (group) => {
          if (!takesType(group, change)) return;
          event ??= new WatchEvent(change);
          if (group.gathered !== undefined) group.gathered.push(event);
          else {
            group.gathered = [event];
            concerned.push(group);
          }
        });
      }
    }
    return concerned;
  }

  #tellGroup(group: WatchGroup<Watcher>): void {
    const all = group.gathered ?? nothing;
    group.gathered = undefined;
    const firstRevision = all[0]?.change.revision ?? 0;
    let share: Share | undefined;
    // Whom a sink that was told before cancelled is in the group no more.
    for (const watcher of group.watchers) {
      const from = Math.max(watcher.next, firstRevision);
      if (share?.from !== from)
        share = {
          from,
          events: from === firstRevision ? all : all.filter((one) => one.change.revision >= from),
        };
      const first = share.events[0];
      if (first === undefined) continue;
      if (!watcher.sink.ready) {
        this.#fallBehind(watcher, first.change.revision);
        continue;
      }
      share.batch ??= this.#batch(group, share.events);
      this.#deliver(watcher, share.batch);
    }
  }

  /** A revision of very many changes is not kept in memory: everyone reads it from history, in slices. */
  #leaveToHistory(revision: number): void {
    this.tell();
    this.#startOver(revision);
    for (const watcher of this.#watchers)
      if (watcher.state === "synced" && watcher.next <= revision) this.#fallBehind(watcher, revision);
  }

  /** The whole state was replaced by a snapshot: everyone catches up from where they are. */
  restored(): void {
    const told = this.#told;
    this.#startOver(this.#history.revision);
    for (const watcher of this.#watchers)
      if (watcher.state === "synced") this.#fallBehind(watcher, Math.max(watcher.next, told + 1));
  }

  /** Forgets what memory holds: the past up to `revision` is read from history, where anyone still wants it. */
  #startOver(revision: number): void {
    this.#recent.clear(revision);
    this.#told = revision;
    if (this.#untold.length === 0) return;
    this.#telling.stop();
    this.#untold = [];
    this.#untoldBytes = 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const watcher of this.#watchers) this.#close(watcher);
    await this.#catchingUp;
  }

  #handle(watcher: Watcher): Watch {
    const hub = this;
    return {
      resume: () => {
        if (watcher.state === "behind") this.#startCatchingUp();
      },
      cancel: () => this.#close(watcher),
      get progressRevision() {
        if (hub.#faults.progressTooEarly) return hub.#history.revision;
        const revision = Math.max(hub.#told, watcher.next - 1);
        return watcher.state === "synced" && watcher.startRevision <= revision ? revision : undefined;
      },
    };
  }

  /** behind -> synced. Everything up to the store's revision was delivered. */
  #becomeSynced(watcher: Watcher): void {
    this.#behind.delete(watcher);
    watcher.state = "synced";
    this.#synced.add(watcher);
  }

  /** synced | new -> behind. `next` is the first revision it has not been given. */
  #fallBehind(watcher: Watcher, next: number): void {
    if (watcher.state === "synced") this.#synced.remove(watcher);
    watcher.state = "behind";
    watcher.next = this.#faults.watchRepeatsRevision ? next - 1 : next;
    this.#behind.add(watcher);
    this.#startCatchingUp();
  }

  /** any -> closed. */
  #close(watcher: Watcher): void {
    if (watcher.state === "synced") this.#synced.remove(watcher);
    watcher.state = "closed";
    this.#behind.delete(watcher);
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#startOver(this.#history.revision);
  }

  #batch({ prevKv }: Pick<Watcher, "prevKv">, events: readonly WatchEvent[]): WatchBatch {
    const bytes = prevKv
      ? events.map((event) => event.withPrevious((change) => this.#history.previous(change)))
      : events.map((event) => event.plain());
    return new WatchBatch(this.#history.revision, bytes);
  }

  #deliver(watcher: Watcher, batch: WatchBatch): void {
    this.#eventsSent += batch.events.length;
    this.#untimed.batches++;
    this.#untimed.events += batch.events.length;
    watcher.sink.deliver(batch);
  }

  #sentWithin(tookMs: number): void {
    this.#times?.sent(tookMs, this.#untimed);
    this.#untimed.batches = this.#untimed.events = 0;
  }

  #startCatchingUp(): void {
    if (this.#catchingUp !== undefined || this.#stopped) return;
    this.#catchingUp = this.#catchUp().catch((error: unknown) => {
      this.#catchingUp = undefined;
      this.#onFailure(error);
    });
  }

  /** Runs until nobody who can be helped is behind. */
  async #catchUp(): Promise<void> {
    await Promise.resolve(); // not within the call that started the watch
    for (;;) {
      const beganMs = this.#clock.monotonicMs();
      const from = this.#serveFromMemory();
      this.#sentWithin(this.#clock.monotonicMs() - beganMs);
      if (from === undefined || this.#stopped) {
        this.#catchingUp = undefined; // in the same breath as the decision to end
        return;
      }
      const { revisions, upTo } = await this.#history.read(from);
      // Who is further ahead waits for its turn.
      const served = [...this.#behind].filter(({ next }) => next >= from && next <= upTo);
      const shares = await this.#turns.run(share(revisions, served, this.#limits.batchRevisionsMax));
      const feedingMs = this.#clock.monotonicMs();
      for (const watcher of served) {
        // Who turned slow meanwhile keeps its place.
        if (watcher.state !== "behind" || !watcher.sink.ready) continue;
        if (!this.#endIfCompacted(watcher)) this.#feed(watcher, shares.get(watcher) ?? [], upTo);
      }
      this.#sentWithin(this.#clock.monotonicMs() - feedingMs);
    }
  }

  /** Ends those that compaction overtook, brings up to date those for whom memory reaches back far enough, and answers the
   *  first revision that one of the others wants. */
  #serveFromMemory(): number | undefined {
    const { revision } = this.#history;
    const held = new HeldRevisions(this.#recent);
    let from: number | undefined;
    for (const watcher of this.#behind) {
      if (this.#endIfCompacted(watcher) || !watcher.sink.ready) continue;
      if (watcher.next >= this.#recent.first) this.#feed(watcher, held.from(watcher.next), revision);
      else if (from === undefined || watcher.next < from) from = watcher.next;
      if (watcher.state === "behind" && watcher.next > revision) this.#becomeSynced(watcher);
    }
    return from;
  }

  #endIfCompacted(watcher: Watcher): boolean {
    const { compactRevision } = this.#history;
    if (watcher.next >= compactRevision) return false;
    this.#close(watcher);
    watcher.sink.compacted(compactRevision);
    return true;
  }

  /** Delivers what the watch wants of `revisions`, which are all up to `upTo`, as long as its sink is ready. */
  #feed(watcher: Watcher, revisions: readonly RevisionEvents[], upTo: number): void {
    let events: WatchEvent[] = [];
    let bytes = 0;
    let count = 0;
    const { batchRevisionsMax, batchBytesMax } = this.#limits;
    for (const entry of revisions) {
      if (entry.revision < watcher.next) continue;
      for (const event of entry.events) {
        if (!wants(watcher, event.change)) continue;
        events.push(event);
        bytes += event.change.kv.length;
      }
      count++;
      if (events.length === 0) continue;
      if (count < batchRevisionsMax && bytes < batchBytesMax) continue;
      this.#deliver(watcher, this.#batch(watcher, events));
      watcher.next = entry.revision + 1;
      [events, bytes, count] = [[], 0, 0];
      if (watcher.state !== "behind" || !watcher.sink.ready) return;
    }
    if (events.length > 0) this.#deliver(watcher, this.#batch(watcher, events));
    watcher.next = Math.max(watcher.next, upTo + 1);
  }
}

/** What each of the watches gets of some revisions; for those of a group alike, from the first that one of them may want. */
function* share(
  revisions: readonly RevisionChanges[],
  watchers: readonly Watcher[],
  sliceMax: number,
): Sliced<ReadonlyMap<Watcher, readonly RevisionEvents[]>> {
  const index = new WatchIndex<Watcher>();
  for (const watcher of watchers) index.add(watcher);
  const shares = new Map<WatchGroup<Watcher>, { revision: number; events: WatchEvent[] }[]>();
  let looked = 0;
  for (const { revision, changes } of revisions)
    for (const change of changes) {
      if (++looked % sliceMax === 0) yield;
      let event: WatchEvent | undefined;
      index.visit(change.key, (group) => {
        if (!takesType(group, change)) return;
        event ??= new WatchEvent(change);
        const mine = shares.get(group) ?? [];
        if (mine.length === 0) shares.set(group, mine);
        const last = mine.at(-1);
        if (last?.revision === revision) last.events.push(event);
        else mine.push({ revision, events: [event] });
      });
    }
  const each = new Map<Watcher, readonly RevisionEvents[]>();
  for (const [group, events] of shares) for (const watcher of group.watchers) each.set(watcher, events);
  return each;
}

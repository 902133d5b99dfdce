import { OrderedMap } from "../../base/ordered-map.ts";
import type { Clock } from "../../base/os/clock.ts";
import {
  type Change,
  type ChangeBatch,
  type CommitResult,
  type ListOptions,
  type ListResult,
  prefixEnd,
  type Storage,
  StorageError,
  type StoredEntry,
  type Transaction,
  type Write,
} from "../../controlplane/apiserver/registry/storage.ts";

/** A key as it was from a revision on; without a value it was gone. */
interface Version {
  readonly modRevision: number;
  readonly value: Uint8Array | undefined;
}

/** Whoever reads or watches is seldom further behind. */
const revisionsMostUsually = 10_000;

/** A store in memory: keys in their order, each with its versions as far back as history goes. Every write costs the logarithm of
 *  what there is. History is forgotten by compaction, and beyond the newest 10,000 revisions by itself. */
export class OrderedStorage implements Storage {
  readonly #clock: Clock;
  readonly #keys = new OrderedMap<Version[]>();
  /** The batch of revision `#first + i` at `#offset + i`. */
  #history: ChangeBatch[] = [];
  #first = 2;
  readonly #wakers = new Set<() => void>();
  readonly #expiries = new Map<string, () => void>();
  #revision = 1;
  #compacted = 0;
  #isUp = true;

  readonly #revisionsMost: number;

  /** @param clock By which times to live run out. */
  constructor(clock: Clock, { revisionsMost = revisionsMostUsually } = {}) {
    this.#clock = clock;
    this.#revisionsMost = revisionsMost;
  }

  /** Nothing is answered any more, and watches break; what is stored stays. */
  crash(): void {
    this.#isUp = false;
    this.#wake();
  }

  restart(): void {
    this.#isUp = true;
  }

  async get(key: string): Promise<{ entry: StoredEntry | undefined; revision: number }> {
    this.#checkUp();
    return { entry: this.#entry(key), revision: this.#revision };
  }

  async list(prefix: string, { limit, startKey, revision }: ListOptions = {}): Promise<ListResult> {
    this.#checkUp();
    const at = revision ?? this.#revision;
    if (at > this.#revision) throw new StorageError("future", `revision ${at} is in the future`);
    if (at < this.#compacted) throw new StorageError("compacted", `revision ${at} has been compacted`);
    const from = startKey !== undefined && startKey > prefix ? startKey : prefix;
    const entries: StoredEntry[] = [];
    let count = 0;
    this.#keys.visit(from, prefixEnd(prefix), (key, versions) => {
      const found = versionAt(versions, at);
      if (found?.value === undefined) return;
      count++;
      if (!limit || entries.length < limit)
        entries.push({ key, value: found.value, modRevision: found.modRevision });
    });
    return { entries, revision: this.#revision, count };
  }

  async commit({ compare, writes }: Transaction): Promise<CommitResult> {
    this.#checkUp();
    const current = compare.map(({ key }) => this.#entry(key));
    const holds = compare.every(({ modRevision }, at) => (current[at]?.modRevision ?? 0) === modRevision);
    if (!holds) return { ok: false, revision: this.#revision, current };
    this.#write(writes);
    return { ok: true, revision: this.#revision };
  }

  /** Writes what `choose` makes of everything under a prefix, in one revision: nobody comes between. */
  async rewrite(
    prefix: string,
    choose: (entries: readonly StoredEntry[]) => readonly Write[],
  ): Promise<void> {
    this.#checkUp();
    const entries: StoredEntry[] = [];
    this.#keys.visit(prefix, prefixEnd(prefix), (key) => {
      const entry = this.#entry(key);
      if (entry !== undefined) entries.push(entry);
    });
    this.#write(choose(entries));
  }

  async revision(): Promise<number> {
    this.#checkUp();
    return this.#revision;
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    for (let next = fromRevision; !signal.aborted; ) {
      this.#checkUp();
      if (next <= this.#compacted || (next < this.#first && next <= this.#revision && next > 1))
        throw new StorageError("compacted", `revision ${next} has been compacted`);
      const batch = this.#history[Math.max(0, next - this.#first)];
      if (batch === undefined) {
        await this.#untilMore(signal);
        continue;
      }
      next = batch.revision + 1;
      const changes = batch.changes.filter(({ key }) => key.startsWith(prefix));
      if (changes.length > 0) yield { revision: batch.revision, changes };
    }
  }

  async compact(revision: number): Promise<void> {
    this.#checkUp();
    this.#forget(Math.min(revision, this.#revision));
  }

  async close(): Promise<void> {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }

  #checkUp(): void {
    if (!this.#isUp) throw new StorageError("unavailable", "the store is down");
  }

  #entry(key: string): StoredEntry | undefined {
    const last = this.#keys.get(key)?.at(-1);
    return last?.value === undefined ? undefined : { key, value: last.value, modRevision: last.modRevision };
  }

  #write(writes: readonly Write[]): void {
    const modRevision = this.#revision + 1;
    const changes: Change[] = [];
    for (const write of writes) {
      const { key } = write;
      if (write.type === "put") changes.push({ type: "put", key, value: write.value, modRevision });
      else if (this.#entry(key) !== undefined) changes.push({ type: "delete", key, modRevision });
      else continue;
      this.#expire(key, write.type === "put" ? write.ttlSeconds : undefined);
    }
    if (changes.length > 0) this.#append(changes, modRevision);
  }

  #append(changes: readonly Change[], revision: number): void {
    this.#revision = revision;
    this.#history.push({ revision, changes });
    for (const change of changes) {
      const version = { modRevision: revision, value: change.type === "put" ? change.value : undefined };
      const versions = this.#keys.get(change.key);
      if (versions === undefined) this.#keys.set(change.key, [version]);
      else versions.push(version);
    }
    if (this.#history.length > 2 * this.#revisionsMost) this.#forget(revision - this.#revisionsMost);
    this.#wake();
  }

  /** Older states than that are not to be had any more. */
  #forget(revision: number): void {
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    const count = Math.max(0, revision + 1 - this.#first);
    const old = this.#history.slice(0, count);
    this.#history = this.#history.slice(count);
    this.#first += old.length;
    for (const { changes } of old) for (const { key } of changes) this.#trim(key, revision);
  }

  #trim(key: string, revision: number): void {
    const versions = this.#keys.get(key);
    if (versions === undefined) return;
    const last = versions.findLastIndex(({ modRevision }) => modRevision <= revision);
    if (last > 0) versions.splice(0, last);
    const [only] = versions;
    if (versions.length === 1 && only?.value === undefined && (only?.modRevision ?? 0) <= revision)
      this.#keys.delete(key);
  }

  #expire(key: string, ttlSeconds: number | undefined): void {
    this.#expiries.get(key)?.();
    this.#expiries.delete(key);
    if (ttlSeconds === undefined) return;
    const cancel = this.#clock.after(ttlSeconds * 1000, () => {
      this.#expiries.delete(key);
      const modRevision = this.#revision + 1;
      this.#append([{ type: "delete", key, modRevision }], modRevision);
    });
    this.#expiries.set(key, cancel);
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  #untilMore(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}

function versionAt(versions: readonly Version[], revision: number): Version | undefined {
  let [low, high] = [0, versions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((versions[middle] as Version).modRevision <= revision) low = middle + 1;
    else high = middle;
  }
  return versions[low - 1];
}

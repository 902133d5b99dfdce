import type { Clock } from "../../../base/os/clock.ts";
import type {
  Change,
  ChangeBatch,
  CommitResult,
  ListOptions,
  ListResult,
  Storage,
  StoredEntry,
  Transaction,
} from "./storage.ts";
import { StorageError } from "./storage.ts";

/** The dumb twin of a store: one map, a list of every change, scans. For tests, and for trying a server alone. */
export class MemoryStorage implements Storage {
  readonly #clock: Clock;
  readonly #entries = new Map<string, StoredEntry>();
  readonly #history: ChangeBatch[] = [];
  readonly #wakers = new Set<() => void>();
  readonly #expiries = new Map<string, () => void>();
  #revision = 1;
  #compacted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(key: string): Promise<{ entry: StoredEntry | undefined; revision: number }> {
    return { entry: this.#entries.get(key), revision: this.#revision };
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const at = options.revision ?? this.#revision;
    if (at > this.#revision) throw new StorageError("future", `revision ${at} is in the future`);
    if (at < this.#compacted) throw new StorageError("compacted", `revision ${at} has been compacted`);
    const found = [...this.#stateAt(at).values()]
      .filter((entry) => entry.key.startsWith(prefix) && entry.key >= (options.startKey ?? ""))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return {
      entries: options.limit ? found.slice(0, options.limit) : found,
      revision: this.#revision,
      count: found.length,
    };
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    const current = transaction.compare.map(({ key }) => this.#entries.get(key));
    const holds = transaction.compare.every(
      ({ modRevision }, at) => (current[at]?.modRevision ?? 0) === modRevision,
    );
    if (!holds) return { ok: false, revision: this.#revision, current };
    const revision = this.#revision + 1;
    const changes: Change[] = [];
    for (const write of transaction.writes) {
      if (write.type === "put") {
        changes.push({ type: "put", key: write.key, value: write.value, modRevision: revision });
        this.#expire(write.key, write.ttlSeconds);
      } else if (this.#entries.has(write.key)) {
        changes.push({ type: "delete", key: write.key, modRevision: revision });
        this.#expire(write.key, undefined);
      }
    }
    if (changes.length > 0) this.#append({ revision, changes });
    return { ok: true, revision: this.#revision };
  }

  async revision(): Promise<number> {
    return this.#revision;
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    if (fromRevision <= this.#compacted)
      throw new StorageError("compacted", `revision ${fromRevision} has been compacted`);
    let next = this.#history.findIndex((batch) => batch.revision >= fromRevision);
    if (next < 0) next = this.#history.length;
    while (!signal.aborted) {
      const batch = this.#history[next];
      if (batch === undefined) {
        await this.#untilMore(signal);
        continue;
      }
      next++;
      if (batch.revision < fromRevision) continue;
      const changes = batch.changes.filter((change) => change.key.startsWith(prefix));
      if (changes.length > 0) yield { revision: batch.revision, changes };
    }
  }

  async compact(revision: number): Promise<void> {
    this.#compacted = Math.max(this.#compacted, Math.min(revision, this.#revision));
  }

  async close(): Promise<void> {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }

  #stateAt(revision: number): Map<string, StoredEntry> {
    if (revision === this.#revision) return this.#entries;
    const state = new Map<string, StoredEntry>();
    for (const batch of this.#history) {
      if (batch.revision > revision) break;
      applyChanges(state, batch.changes);
    }
    return state;
  }

  #append(batch: ChangeBatch): void {
    this.#revision = batch.revision;
    this.#history.push(batch);
    applyChanges(this.#entries, batch.changes);
    for (const wake of [...this.#wakers]) wake();
  }

  #expire(key: string, ttlSeconds: number | undefined): void {
    this.#expiries.get(key)?.();
    this.#expiries.delete(key);
    if (ttlSeconds === undefined) return;
    const cancel = this.#clock.after(ttlSeconds * 1000, () => {
      this.#expiries.delete(key);
      const revision = this.#revision + 1;
      this.#append({ revision, changes: [{ type: "delete", key, modRevision: revision }] });
    });
    this.#expiries.set(key, cancel);
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

function applyChanges(state: Map<string, StoredEntry>, changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.type === "delete") state.delete(change.key);
    else state.set(change.key, { key: change.key, value: change.value, modRevision: change.modRevision });
  }
}

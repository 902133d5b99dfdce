import type {
  Change,
  ChangeBatch,
  CommitResult,
  ListOptions,
  ListResult,
  Storage,
  StoredEntry,
  Transaction,
} from "../registry/storage.ts";
import { UnreadableValue } from "../registry/storage.ts";
import type { Transformers } from "./configuration.ts";

/** `secrets`, `deployments.apps`; undefined for what is no object of a kind. */
export type ResourceOfKey = (key: string) => string | undefined;

/** A store whose values are encrypted as the configuration of the moment says. Everybody above sees plain values, and
 *  `UnreadableValue` where there is none to be had. The key that a value stands under is its place. */
export class EncryptedStorage implements Storage {
  readonly #inner: Storage;
  readonly #resourceOf: ResourceOfKey;
  readonly #transformers: () => Transformers;

  constructor(inner: Storage, resourceOf: ResourceOfKey, transformers: () => Transformers) {
    this.#inner = inner;
    this.#resourceOf = resourceOf;
    this.#transformers = transformers;
  }

  async get(key: string): Promise<{ entry: StoredEntry | undefined; revision: number }> {
    const { entry, revision } = await this.#inner.get(key);
    return { entry: entry && this.#opened(entry), revision };
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const { entries, ...rest } = await this.#inner.list(prefix, options);
    return {
      ...rest,
      entries: entries.map((entry) => {
        try {
          return this.#opened(entry);
        } catch (error) {
          if (!(error instanceof UnreadableValue)) throw error;
          throw new UnreadableValue(`unable to transform key "${entry.key}": ${error.message}`);
        }
      }),
    };
  }

  async commit({ compare, writes }: Transaction): Promise<CommitResult> {
    const sealed = writes.map((write) => {
      const resource = write.type === "put" ? this.#resourceOf(write.key) : undefined;
      if (write.type !== "put" || resource === undefined) return write;
      return { ...write, value: this.#transformers()(resource).seal(write.value, write.key) };
    });
    const result = await this.#inner.commit({ compare, writes: sealed });
    if (result.ok) return result;
    return { ...result, current: result.current.map((entry) => entry && this.#opened(entry)) };
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    for await (const { changes, revision } of this.#inner.watch(prefix, fromRevision, signal))
      yield { revision, changes: changes.map((change) => this.#openedChange(change)) };
  }

  revision(): Promise<number> {
    return this.#inner.revision();
  }
  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision);
  }
  close(): Promise<void> {
    return this.#inner.close();
  }

  #opened(entry: StoredEntry): StoredEntry {
    const resource = this.#resourceOf(entry.key);
    if (resource === undefined) return entry;
    try {
      const { value, stale } = this.#transformers()(resource).open(entry.value, entry.key);
      return stale ? { ...entry, value, isStale: true } : { ...entry, value };
    } catch (error) {
      throw new UnreadableValue(error instanceof Error ? error.message : String(error));
    }
  }

  /** One value that cannot be read must not end the stream of all kinds. */
  #openedChange(change: Change): Change {
    if (change.type === "delete") return change;
    try {
      return { ...change, value: this.#opened(change).value };
    } catch (error) {
      if (!(error instanceof UnreadableValue)) throw error;
      return { ...change, value: new Uint8Array(0), unreadable: error };
    }
  }
}

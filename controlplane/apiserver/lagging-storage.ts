import type { MemoryStorage } from "./registry/memory-storage.ts";
import type { ChangeBatch, Storage } from "./registry/storage.ts";

/** A server's view of a store that it follows late: changes reach it only when let through. */
export class Lagging implements Storage {
  readonly #inner: MemoryStorage;
  #held = false;
  #wake = () => {};

  constructor(inner: MemoryStorage) {
    this.#inner = inner;
  }
  hold(): void {
    this.#held = true;
  }
  letThrough(): void {
    this.#held = false;
    this.#wake();
  }
  async *watch(prefix: string, from: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    signal.addEventListener("abort", () => this.letThrough(), { once: true });
    for await (const batch of this.#inner.watch(prefix, from, signal)) {
      while (this.#held) await new Promise<void>((resolve) => (this.#wake = resolve));
      yield batch;
    }
  }
  get: Storage["get"] = (key) => this.#inner.get(key);
  list: Storage["list"] = (prefix, options) => this.#inner.list(prefix, options);
  commit: Storage["commit"] = (transaction) => this.#inner.commit(transaction);
  revision = () => this.#inner.revision();
  compact = (revision: number) => this.#inner.compact(revision);
  close = async () => {};
}

import { ApiError } from "../api-error.ts";
import type { KubeObject } from "../types.ts";

/** One write. */
export interface Change {
  readonly resource: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

export type LogEntry =
  | (Change & { readonly kind: "change" })
  | { readonly kind: "bookmark"; readonly revision: number };

/** All changes since the beginning or the last `compact`; revision n is the nth write. */
export class ChangeLog {
  #changes: Change[] = [];
  #compacted = 0;
  #revision = 0;
  /** Counts cuts: a follower that began before the last one ends. */
  #cuts = 0;
  #bookmarks = 0;
  readonly #wakers = new Set<() => void>();

  get revision(): number {
    return this.#revision;
  }

  append(change: Change): void {
    this.#revision++;
    this.#changes.push(change);
    this.#wake();
  }

  compact(): void {
    this.#compacted = this.#revision;
    this.#changes = [];
  }

  cut(): void {
    this.#cuts++;
    this.#wake();
  }

  bookmark(): void {
    this.#bookmarks++;
    this.#wake();
  }

  /** Every change after `revision`, then new ones as they come, until cut. Gone (410) when compacted. */
  async *since(revision: number, signal: AbortSignal): AsyncGenerator<LogEntry, void, void> {
    const cuts = this.#cuts;
    let bookmarks = this.#bookmarks;
    let at = revision;
    while (this.#cuts === cuts) {
      signal.throwIfAborted();
      if (at < this.#compacted) throw expired(at, this.#compacted);
      const change = this.#changes[at - this.#compacted];
      if (change !== undefined) {
        at++;
        yield { kind: "change", ...change };
      } else if (bookmarks < this.#bookmarks) {
        bookmarks = this.#bookmarks;
        yield { kind: "bookmark", revision: at };
      } else await this.#changed(signal);
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
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

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }
}

function expired(asked: number, compacted: number): ApiError {
  const message = `too old resource version: ${asked} (${compacted})`;
  return new ApiError(410, { kind: "Status", status: "Failure", code: 410, reason: "Expired", message });
}

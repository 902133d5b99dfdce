import { deferred } from "../../base/deferred.ts";

/** Promises under way, at most so many; the first failure is kept. */
export class InFlight {
  readonly #most: number;
  #count = 0;
  #waiting = 0;
  #failure: { readonly error: unknown } | undefined;
  #changed = deferred<void>();

  constructor(most: number) {
    this.#most = most;
  }

  add(work: Promise<void>): void {
    this.#count++;
    this.#follow(work, () => this.#count--);
  }

  /** What waits for others takes no room. */
  addWaiting(work: Promise<void>): void {
    this.#waiting++;
    this.#follow(work, () => this.#waiting--);
  }

  #follow(work: Promise<void>, onEnd: () => void): void {
    work
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        onEnd();
        this.#changed.resolve();
        this.#changed = deferred();
      });
  }

  /** Resolves when another may start; rejects when one failed. */
  async room(): Promise<void> {
    this.throwIfFailed();
    while (this.#count >= this.#most) await this.#changed.promise;
    this.throwIfFailed();
  }

  async empty(): Promise<void> {
    while (this.#count + this.#waiting > 0) await this.#changed.promise;
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

export type Pull<T> = IteratorResult<T, void>;

/** What a function answers, one after the other, until it says that it is done, or throws. Unlike a generator of the language it is
 *  ended at once, also while somebody waits for its next one: `end` makes what is under way answer. */
export class Pulled<T> implements AsyncGenerator<T, void> {
  readonly #pull: () => Pull<T> | Promise<Pull<T>>;
  readonly #end: () => void;
  /** What was asked for before is answered before. */
  #waiting: Promise<unknown> | undefined;
  #isOver = false;

  constructor(pull: () => Pull<T> | Promise<Pull<T>>, end: () => void) {
    this.#pull = pull;
    this.#end = end;
  }

  next(): Promise<IteratorResult<T, void>> {
    const next = this.#waiting === undefined ? this.#take() : this.#waiting.then(() => this.#take());
    const waiting: Promise<void> = next.then(
      () => this.#answered(waiting),
      () => this.#answered(waiting),
    );
    this.#waiting = waiting;
    return next;
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#finish();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#finish();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish();
  }

  async #take(): Promise<IteratorResult<T, void>> {
    if (this.#isOver) return { done: true, value: undefined };
    try {
      const pulled = await this.#pull();
      if (!pulled.done && !this.#isOver) return pulled;
    } catch (error) {
      this.#finish();
      throw error;
    }
    this.#finish();
    return { done: true, value: undefined };
  }

  #answered(waiting: Promise<unknown>): void {
    if (this.#waiting === waiting) this.#waiting = undefined;
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end();
  }
}

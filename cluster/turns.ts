/** Work that is done one after another, in the order in which it was asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined); // told to whoever asked
    return done;
  }

  /** Resolves when what was asked for until now is done. */
  over(): Promise<unknown> {
    return this.#last;
  }
}

/** More than anybody resets while their frames are under way. */
const keptMost = 1_000;

/** The streams that the server ended before their client did. What comes on them was sent before the client read that, and is no
 *  fault (RFC 9113, section 5.1). The oldest is forgotten beyond a bound. */
export class EndedEarly {
  readonly #ids = new Set<number>();

  add(streamId: number): void {
    this.#ids.add(streamId);
    if (this.#ids.size <= keptMost) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }

  has(streamId: number): boolean {
    return this.#ids.has(streamId);
  }

  /** The client ended it as well: nothing comes any more. */
  delete(streamId: number): void {
    this.#ids.delete(streamId);
  }
}

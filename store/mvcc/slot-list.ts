const chunkShift = 14;
const chunkMask = 2 ** chunkShift - 1;

/** A list of slots that grows without copying what it holds. */
export class SlotList {
  readonly #chunks: Int32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(slot: number): void {
    if ((this.#length & chunkMask) === 0) this.#chunks.push(new Int32Array(chunkMask + 1));
    (this.#chunks[this.#length >>> chunkShift] as Int32Array)[this.#length & chunkMask] = slot;
    this.#length++;
  }

  /** `index` is below the length. */
  at(index: number): number {
    return (this.#chunks[index >>> chunkShift] as Int32Array)[index & chunkMask] as number;
  }
}

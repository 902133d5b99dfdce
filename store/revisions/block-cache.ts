import { Chunk } from "./row-format.ts";

/** Blocks that were read lately, in one piece of memory: a buffer for each would keep the collector busy. What makes room is
 *  the next block, round the memory, that nobody asked for since the last round. */
export class BlockCache {
  readonly blockBytesMax: number;
  readonly #slots: number;
  #chunk: Chunk | undefined;
  readonly #slotById = new Map<number, number>();
  /** By slot; -1 where it holds nothing. */
  readonly #ids: Float64Array;
  readonly #wasUsed: Uint8Array;
  #hand = 0;

  constructor(bytesMax: number, blockBytesMax: number) {
    this.blockBytesMax = blockBytesMax;
    this.#slots = Math.max(1, Math.floor(bytesMax / blockBytesMax));
    this.#ids = new Float64Array(this.#slots).fill(-1);
    this.#wasUsed = new Uint8Array(this.#slots);
  }

  get chunk(): Chunk {
    this.#chunk ??= new Chunk(Buffer.allocUnsafeSlow(this.#slots * this.blockBytesMax));
    return this.#chunk;
  }

  /** Where in the chunk the block begins; -1 where it is not there. */
  find(id: number): number {
    const slot = this.#slotById.get(id);
    if (slot === undefined) return -1;
    this.#wasUsed[slot] = 1;
    return slot * this.blockBytesMax;
  }

  /** Where a block can be read to. It is not there before it is kept, and a block that makes room for it is gone. */
  room(): number {
    while (this.#wasUsed[this.#hand] === 1) {
      this.#wasUsed[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#slots;
    }
    this.#slotById.delete(this.#ids[this.#hand] as number);
    this.#ids[this.#hand] = -1;
    return this.#hand * this.blockBytesMax;
  }

  /** The block that was read to the room. */
  keep(id: number): void {
    this.#ids[this.#hand] = id;
    this.#slotById.set(id, this.#hand);
    this.#hand = (this.#hand + 1) % this.#slots;
  }
}

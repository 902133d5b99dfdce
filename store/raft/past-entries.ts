import type { Entry, Index, Term } from "./types.ts";

const blockEntries = 1024;
const nothing = new ArrayBuffer(0);

/** So many entries in a row, without an object each: thousands of them are kept, and the collector need not look at them. */
class Block {
  readonly first: Index;
  length = 0;
  readonly #terms = new Float64Array(blockEntries);
  readonly #isConfChange = new Uint8Array(blockEntries);
  readonly #memory: ArrayBufferLike[] = [];
  readonly #starts = new Float64Array(blockEntries);
  readonly #lengths = new Uint32Array(blockEntries);

  constructor(first: Index) {
    this.first = first;
  }

  push({ term, type, data }: Entry): void {
    const at = this.length++;
    this.#terms[at] = term;
    if (type === "confChange") this.#isConfChange[at] = 1;
    this.#memory.push(data.buffer);
    this.#starts[at] = data.byteOffset;
    this.#lengths[at] = data.length;
  }

  term(at: number): Term {
    return this.#terms[at] as Term;
  }

  dataBytes(at: number): number {
    return this.#lengths[at] as number;
  }

  /** Lets go of the memory of an entry: blocks stay longer than those they begin with. */
  forget(at: number): void {
    this.#memory[at] = nothing;
  }

  entry(at: number): Entry {
    const memory = this.#memory[at] as ArrayBufferLike;
    return {
      term: this.term(at),
      index: this.first + at,
      type: this.#isConfChange[at] === 1 ? "confChange" : "normal",
      data: new Uint8Array(memory, this.#starts[at] as number, this.#lengths[at] as number),
      content: undefined,
    };
  }
}

/** Entries that are applied and stay for followers that lag: added at one end, forgotten at the other. */
export class PastEntries {
  readonly #blocks: Block[] = [];
  #first: Index;
  #length = 0;

  constructor(first: Index) {
    this.#first = first;
  }

  get first(): Index {
    return this.#first;
  }
  /** Where the next one goes. */
  get end(): Index {
    return this.#first + this.#length;
  }

  push(entry: Entry): void {
    let block = this.#blocks.at(-1);
    if (block === undefined || block.length === blockEntries) {
      block = new Block(entry.index);
      this.#blocks.push(block);
    }
    block.push(entry);
    this.#length++;
  }

  /** Of one of [first, end). */
  entry(index: Index): Entry {
    const block = this.#blockOf(index);
    return block.entry(index - block.first);
  }
  term(index: Index): Term {
    const block = this.#blockOf(index);
    return block.term(index - block.first);
  }
  dataBytes(index: Index): number {
    const block = this.#blockOf(index);
    return block.dataBytes(index - block.first);
  }

  /** Forgets those before `index`, which is at most `end`. Answers how many bytes of data they had. */
  forgetBefore(index: Index): number {
    let bytes = 0;
    for (let at = this.#first; at < index; at++) {
      const block = this.#blockOf(at);
      bytes += block.dataBytes(at - block.first);
      block.forget(at - block.first);
    }
    this.#length -= Math.max(0, index - this.#first);
    this.#first = Math.max(this.#first, index);
    let gone = 0;
    for (const block of this.#blocks) {
      if (block.first + block.length > this.#first) break;
      gone++;
    }
    this.#blocks.splice(0, gone);
    return bytes;
  }

  /** Blocks but for the first and the last are full. */
  #blockOf(index: Index): Block {
    const { first, length } = this.#blocks[0] as Block;
    if (index < first + length) return this.#blocks[0] as Block;
    return this.#blocks[1 + Math.floor((index - first - length) / blockEntries)] as Block;
  }
}

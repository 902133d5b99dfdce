import { latin1, WireError, WireReader } from "../../base/wire.ts";
import { flags } from "./index-pages.ts";
import { KeyIndex } from "./key-index.ts";
import { marks } from "./key-records.ts";

/** Builds an index out of the pages of `indexPages`, which come in order. */
export class IndexLoad {
  readonly index = new KeyIndex();
  /** Keys that hang on a lease. */
  readonly leased = new Map<string, bigint>();
  /** Older points that are still to come, of which key, and the main of the last one. */
  #olderLeft = 0;
  #slot = 0;
  #main = 0;
  /** The last key, in memory for longer ones. */
  #bytes = new Uint8Array(256);
  #key = this.#bytes.subarray(0, 0);

  /** `keys` is how many there will be, more or less. */
  constructor(keys: number) {
    this.index.reserve(keys);
  }

  /** Throws WireError for what is no such page. */
  page(bytes: Uint8Array, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    let commonMax = 0;
    while (reader.position < end) {
      if (this.#olderLeft > 0) this.#older(reader);
      else commonMax = this.#oneKey(reader, commonMax);
    }
  }

  /** To be called after the last page. Throws WireError where the last key is not whole. */
  end(): void {
    if (this.#olderLeft > 0) throw new WireError("a checkpoint ends within a key");
  }

  /** `commonMax` is the length of the key before. Answers that of this one. */
  #oneKey(reader: WireReader, commonMax: number): number {
    const common = reader.varint();
    const added = reader.lengthBytes();
    if (common > commonMax) throw new WireError("a key continues none");
    const key = this.#keyOf(common + added);
    const from = reader.position;
    for (let at = 0; at < added; at++) key[common + at] = reader.buffer[from + at] as number;
    reader.position = from + added;
    const slot = this.index.load(key, common);
    if (slot === 0) throw new WireError("keys are out of order");
    this.#points(reader, slot);
    return key.length;
  }

  #points(reader: WireReader, slot: number): void {
    const head = reader.varint();
    const version = Math.floor(head / 4);
    const main = reader.varint();
    const sub = reader.varint();
    this.index.loadNewest(slot, main, sub, version === 0 ? 0 : main - reader.varint(), version);
    if ((head & flags.leased) !== 0) {
      this.index.records.mark(slot, marks.leased, true);
      this.leased.set(latin1(this.#key), BigInt.asIntN(64, reader.varintBig()));
    }
    if ((head & flags.older) === 0) return;
    this.#olderLeft = reader.varint();
    this.#slot = slot;
    this.#main = 0;
  }

  #older(reader: WireReader): void {
    this.#main += reader.varint();
    const kind = reader.varint();
    this.index.loadOlder(this.#slot, this.#main, Math.floor(kind / 2), kind % 2 === 1);
    this.#olderLeft--;
  }

  /** The last key with another length: a view costs more than what is done with it, and many keys are equally long. */
  #keyOf(length: number): Uint8Array {
    if (length === this.#key.length) return this.#key;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#key = this.#bytes.subarray(0, length);
    return this.#key;
  }
}

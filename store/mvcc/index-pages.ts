import { writeVarint, writeVarint64 } from "../../base/varint.ts";
import type { KeyIndex } from "./key-index.ts";
import { marks } from "./key-records.ts";

/** The key index as bytes: pages of varints. A page has one key after the other, in order. Of each key there is: how many bytes
 *  it has in common with the one before it in the page, how many others, these bytes; its head (the puts of its generation,
 *  times 4, and `flags`); main and sub of its newest point; if that is no deletion, how many revisions before it the generation
 *  began; its lease where it hangs on one; and where it has older points, their number and then, oldest first, how many
 *  revisions each is behind the one before it, and its sub, times 2, plus 1 for a deletion. Points that the page has no room
 *  for stand in the next ones, before any key. `index-load.ts` reads them. */
export const flags = { leased: 1, older: 2 } as const;

/** What the longest numbers take: of a key without its bytes and older points, and of one of those. */
const recordBytesMax = 9 * 10;
const pointBytesMax = 2 * 10;
/** Keys looked up in the index at a time. */
const keysPerLook = 500;

/** Writes the index page by page. Between two pages it may change, by whole transactions, while no compaction may run; what a
 *  page does not tell of then stands in later revisions. `leaseOf` answers the lease of a slot that is marked as leased; a page
 *  is full at `pageBytes`. */
export function* indexPages(
  index: KeyIndex,
  leaseOf: (slot: number) => bigint,
  pageBytes: number,
): Generator<Uint8Array, void, void> {
  const { records, older } = index;
  const page = new Page(pageBytes);
  for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined; ) {
    const slots: number[] = [];
    from = index.visitEvery(from, keysPerLook, (slot) => {
      slots.push(slot);
    });
    for (const slot of slots) {
      const neededBytes = records.keyLengthOf(slot) + recordBytesMax;
      if (!page.hasRoom(neededBytes)) yield page.take();
      page.begin(neededBytes);
      const chain = records.olderOf(slot);
      writeKey(page, index, slot, leaseOf);
      if (chain === 0) continue;
      const { count, points } = older.pointsOf(chain);
      page.number(count);
      let before = 0;
      for (const point of points) {
        if (!page.hasRoom(pointBytesMax)) yield page.take();
        page.begin(pointBytesMax);
        page.number(older.mainOf(point) - before);
        before = older.mainOf(point);
        page.number(older.subOf(point) * 2 + (older.isDeletion(point) ? 1 : 0));
      }
    }
  }
  if (page.lengthBytes > 0) yield page.take();
}

function writeKey(page: Page, index: KeyIndex, slot: number, leaseOf: (slot: number) => bigint): void {
  const { records } = index;
  const main = records.mainOf(slot);
  const version = records.versionOf(slot);
  const isLeased = records.isMarked(slot, marks.leased);
  const isAged = records.olderOf(slot) !== 0;
  page.key(records.keyOf(slot));
  page.number(version * 4 + (isLeased ? flags.leased : 0) + (isAged ? flags.older : 0));
  page.number(main);
  page.number(records.subOf(slot));
  if (version > 0) page.number(main - records.createOf(slot));
  if (isLeased) page.bigNumber(leaseOf(slot));
}

class Page {
  readonly #sizeBytes: number;
  #bytes = new Uint8Array(0);
  lengthBytes = 0;
  /** Where the key before stands. */
  #key: Uint8Array = new Uint8Array(0);

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  hasRoom(bytes: number): boolean {
    return this.lengthBytes === 0 || this.lengthBytes + bytes <= this.#bytes.length;
  }

  /** Makes a page with room for so many bytes, if nothing was written since the last one. */
  begin(bytes: number): void {
    if (this.lengthBytes === 0) this.#bytes = new Uint8Array(Math.max(this.#sizeBytes, bytes));
  }

  take(): Uint8Array {
    const page = this.#bytes.subarray(0, this.lengthBytes);
    this.lengthBytes = 0;
    this.#key = new Uint8Array(0);
    return page;
  }

  key(key: Uint8Array): void {
    const before = this.#key;
    const commonMax = Math.min(before.length, key.length);
    let common = 0;
    while (common < commonMax && before[common] === key[common]) common++;
    this.number(common);
    this.number(key.length - common);
    this.#bytes.set(key.subarray(common), this.lengthBytes);
    this.lengthBytes += key.length - common;
    this.#key = key;
  }

  number(value: number): void {
    this.lengthBytes = writeVarint(this.#bytes, this.lengthBytes, value);
  }

  bigNumber(value: bigint): void {
    this.lengthBytes = writeVarint64(this.#bytes, this.lengthBytes, BigInt.asUintN(64, value));
  }
}

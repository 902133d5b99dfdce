import type { KeyRecords } from "./key-records.ts";

/** Entries of a table in which no more is looked at for one key. */
const probesMax = 256;
const capacityMin = 1_024;
/** Of a table that is being left, entries carried over with each addition. */
const carriedPerAddition = 4;
/** A place whose key has left; the search goes on behind it. */
const gone = -1;

/** Slots by key: open addressing, two words an entry (slot, hash). It grows entry by entry, so that no addition takes long.
 *  A key whose neighbourhood is full is not in it: then `unlisted` says that those it does not find may exist all the same. */
export class KeyTable {
  readonly #records: KeyRecords;
  #table = new Int32Array(capacityMin * 2);
  /** Places of the table that are not empty. */
  #taken = 0;
  /** Keys in it. */
  #listed = 0;
  /** The table before the last growth, from which entries are still carried over; those before `#carriedTo` were. */
  #former: Int32Array | undefined;
  #carriedTo = 0;
  /** Keys that it had no place for. */
  #unlisted = 0;

  constructor(records: KeyRecords) {
    this.#records = records;
  }

  /** Makes room for so many keys in one go, in a table without any. */
  reserve(keys: number): void {
    let capacity = capacityMin;
    while (capacity * 2 < (keys + 1) * 3) capacity *= 2;
    this.#table = new Int32Array(capacity * 2);
  }

  get unlisted(): number {
    return this.#unlisted;
  }

  /** 0 where the key is not listed. */
  find(key: Uint8Array): number {
    const hash = hashOf(key);
    const place = this.#placeOf(this.#table, key, hash);
    if (place >= 0) return this.#table[place] as number;
    const former = this.#former;
    if (former === undefined) return 0;
    const formerPlace = this.#placeOf(former, key, hash);
    return formerPlace < 0 ? 0 : (former[formerPlace] as number);
  }

  /** The key is not in it yet. */
  add(slot: number, key: Uint8Array): void {
    if (this.#former !== undefined) this.#carry(this.#former, carriedPerAddition);
    else if (this.#taken * 3 >= this.#table.length - 2) this.#renew();
    this.#enter(slot, hashOf(key));
  }

  /** A key that is not in it yet is added later. */
  leaveOut(): void {
    this.#unlisted++;
  }

  /** Adds a key that was left out, if it still is. */
  addLeftOut(slot: number, key: Uint8Array): void {
    if (this.#unlisted === 0 || this.find(key) !== 0) return;
    this.#unlisted--;
    this.add(slot, key);
  }

  remove(key: Uint8Array): void {
    const hash = hashOf(key);
    if (this.#erase(this.#table, key, hash)) return;
    if (this.#former !== undefined && this.#erase(this.#former, key, hash)) return;
    this.#unlisted--;
  }

  #erase(table: Int32Array, key: Uint8Array, hash: number): boolean {
    const place = this.#placeOf(table, key, hash);
    if (place < 0) return false;
    table[place] = gone;
    this.#listed--;
    return true;
  }

  /** Where in a table the key's entry is; negative where it is not. */
  #placeOf(table: Int32Array, key: Uint8Array, hash: number): number {
    const last = table.length - 2;
    let place = (hash * 2) & last;
    for (let probes = 0; probes < probesMax; probes++) {
      const slot = table[place] as number;
      if (slot === 0) return -1;
      if (table[place + 1] === hash && slot !== gone && this.#records.isKey(slot, key)) return place;
      place = (place + 2) & last;
    }
    return -1;
  }

  #enter(slot: number, hash: number): void {
    const table = this.#table;
    const last = table.length - 2;
    let place = (hash * 2) & last;
    for (let probes = 0; probes < probesMax; probes++) {
      const held = table[place] as number;
      if (held <= 0) {
        if (held === 0) this.#taken++;
        table[place] = slot;
        table[place + 1] = hash;
        this.#listed++;
        return;
      }
      place = (place + 2) & last;
    }
    this.#unlisted++;
  }

  /** Begins to move to a larger table, or to a clean one where many keys have left. */
  #renew(): void {
    const capacity = this.#table.length / 2;
    let renewed = capacity;
    if (this.#listed * 3 > capacity) renewed = capacity * 2;
    else if (this.#listed * 6 < capacity) renewed = Math.max(capacity / 2, capacityMin);
    this.#former = this.#table;
    this.#carriedTo = 0;
    this.#table = new Int32Array(renewed * 2);
    this.#taken = 0;
  }

  #carry(former: Int32Array, entries: number): void {
    const end = Math.min(former.length, this.#carriedTo + entries * 2);
    for (let place = this.#carriedTo; place < end; place += 2) {
      const slot = former[place] as number;
      if (slot <= 0) continue;
      former[place] = gone;
      this.#listed--;
      this.#enter(slot, former[place + 1] as number);
    }
    this.#carriedTo = end;
    if (end === former.length) this.#former = undefined;
  }
}

/** MurmurHash3's 32 bits. */
export function hashOf(key: Uint8Array): number {
  const { length } = key;
  const whole = length & ~3;
  let hash = 0;
  for (let at = 0; at < whole; at += 4)
    hash = mixed(
      hash,
      (key[at] as number) |
        ((key[at + 1] as number) << 8) |
        ((key[at + 2] as number) << 16) |
        ((key[at + 3] as number) << 24),
    );
  let tail = 0;
  for (let at = length - 1; at >= whole; at--) tail = (tail << 8) | (key[at] as number);
  hash = mixed(hash, tail) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function mixed(hash: number, word: number): number {
  let mix = Math.imul(word, 0xcc9e2d51);
  mix = Math.imul((mix << 15) | (mix >>> 17), 0x1b873593);
  const turned = hash ^ mix;
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}

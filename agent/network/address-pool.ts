import {
  addressText,
  type IpRange,
  ipRangeSize,
  ipRangeText,
  nthAddress,
  parseAddress,
  parseIpRange,
  rangeContains,
} from "../../base/ip-range.ts";

/** The shortest and longest prefixes of ranges that pods can have. */
const prefixBits = { 4: [8, 30], 6: [48, 126] } as const;

/** Reads a range that pods can have, such as `10.1.2.0/24` or `fd00:1:2::/64`. Throws with the rule broken. */
export function parseRange(text: string): IpRange {
  const range = parseIpRange(text);
  const [shortest, longest] = prefixBits[range?.family ?? 4];
  if (
    range === undefined ||
    ipRangeText(range) !== text ||
    range.prefixBits < shortest ||
    range.prefixBits > longest
  )
    throw new Error(`"${text}" is not a range of pods such as 10.1.2.0/24 or fd00:1:2::/64`);
  return range;
}

/** Who has which address of a range; its owner persists `entries()`. Pure.
 *  Hands out a range's addresses, except the network's own, the gateway (the first) and the last (IPv4's broadcast address).
 *  Freed addresses come back last, so that nobody meets a stranger at an address just left. */
export class AddressPool {
  readonly range: IpRange;
  readonly #owners = new Map<string, bigint>();
  readonly #taken = new Set<bigint>();
  readonly #last: bigint;
  #next: bigint;

  constructor(range: IpRange, entries: Iterable<readonly [owner: string, address: string]> = []) {
    this.range = range;
    this.#last = range.first + ipRangeSize(range) - 2n;
    this.#next = range.first + 2n;
    for (const [owner, address] of entries) {
      const parsed = parseAddress(address);
      if (parsed?.family !== range.family)
        throw new Error(`"${address}" is not an IPv${range.family} address`);
      this.#take(owner, parsed.value);
    }
  }

  /** Leaves an owner without an address with the one it has already, where that is free and of this range. */
  keep(owner: string, address: string): void {
    const parsed = parseAddress(address);
    if (parsed === undefined || !rangeContains(this.range, parsed.family, parsed.value)) return;
    if (!this.#owners.has(owner) && !this.#taken.has(parsed.value)) this.#take(owner, parsed.value);
  }

  get gateway(): string {
    return nthAddress(this.range, 1);
  }

  /** The owner's address, a new one where it has none. Throws when all are taken. */
  acquire(owner: string): string {
    const owned = this.#owners.get(owner);
    if (owned !== undefined) return this.#text(owned);
    // Among one more than are taken there is a free one, unless there are no more.
    for (let tried = 0; tried <= this.#taken.size; tried++) {
      const candidate = this.#next;
      this.#next = candidate >= this.#last ? this.range.first + 2n : candidate + 1n;
      if (this.#taken.has(candidate)) continue;
      this.#take(owner, candidate);
      return this.#text(candidate);
    }
    throw new Error(`no free pod address: all ${this.#taken.size} of ${ipRangeText(this.range)} are taken`);
  }

  /** The address that the owner has. */
  addressOf(owner: string): string | undefined {
    const owned = this.#owners.get(owner);
    return owned === undefined ? undefined : this.#text(owned);
  }

  release(owner: string): void {
    const owned = this.#owners.get(owner);
    if (owned === undefined) return;
    this.#owners.delete(owner);
    this.#taken.delete(owned);
  }

  entries(): [owner: string, address: string][] {
    return [...this.#owners].map(([owner, address]) => [owner, this.#text(address)]);
  }

  #text(address: bigint): string {
    return addressText(this.range.family, address);
  }

  #take(owner: string, address: bigint): void {
    this.#owners.set(owner, address);
    this.#taken.add(address);
    if (address >= this.#next && address < this.#last) this.#next = address + 1n;
  }
}

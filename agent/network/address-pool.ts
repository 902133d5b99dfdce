import { contains, type Ipv4Range, ipv4Text, parseIpv4, parseIpv4Range } from "../../base/ipv4.ts";

/** Reads a range that pods can have, such as `10.1.2.0/24`. Throws with the rule broken. */
export function parseRange(text: string): Ipv4Range {
  const range = parseIpv4Range(text);
  if (range === undefined || range.prefixBits < 8 || range.prefixBits > 30)
    throw new Error(`"${text}" is not an IPv4 range such as 10.1.2.0/24`);
  return range;
}

/** Who has which address of a range; its owner persists `entries()`. Pure.
 *  Hands out a range's addresses, except the network's own, the gateway (the first) and the broadcast address (the last).
 *  Freed addresses come back last, so that nobody meets a stranger at an address just left. */
export class AddressPool {
  readonly range: Ipv4Range;
  readonly #owners = new Map<string, number>();
  readonly #taken = new Set<number>();
  #next: number;

  constructor(range: Ipv4Range, entries: Iterable<readonly [owner: string, address: string]> = []) {
    this.range = range;
    this.#next = range.first + 2;
    for (const [owner, address] of entries) {
      const number = parseIpv4(address);
      if (number === undefined) throw new Error(`"${address}" is not an IPv4 address`);
      this.#take(owner, number);
    }
  }

  /** Leaves an owner without an address with the one it has already, where that is free and of this range. */
  keep(owner: string, address: string): void {
    const number = parseIpv4(address);
    if (number === undefined || !contains(this.range, number)) return;
    if (!this.#owners.has(owner) && !this.#taken.has(number)) this.#take(owner, number);
  }

  get gateway(): string {
    return ipv4Text(this.range.first + 1);
  }

  /** The owner's address, a new one where it has none. Throws when all are taken. */
  acquire(owner: string): string {
    const owned = this.#owners.get(owner);
    if (owned !== undefined) return ipv4Text(owned);
    const last = this.range.first + this.range.size - 2;
    for (let tried = 0; tried < this.range.size; tried++) {
      const candidate = this.#next;
      this.#next = candidate >= last ? this.range.first + 2 : candidate + 1;
      if (this.#taken.has(candidate)) continue;
      this.#take(owner, candidate);
      return ipv4Text(candidate);
    }
    throw new Error(`no free pod address: all ${this.#taken.size} of ${this.range.text} are taken`);
  }

  release(owner: string): void {
    const owned = this.#owners.get(owner);
    if (owned === undefined) return;
    this.#owners.delete(owner);
    this.#taken.delete(owned);
  }

  entries(): [owner: string, address: string][] {
    return [...this.#owners].map(([owner, address]) => [owner, ipv4Text(address)]);
  }

  #take(owner: string, address: number): void {
    this.#owners.set(owner, address);
    this.#taken.add(address);
    if (address >= this.#next && address < this.range.first + this.range.size - 2) this.#next = address + 1;
  }
}

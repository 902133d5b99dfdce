import { ipv4Text, parseIpv4 } from "./ipv4.ts";
import { isIpv6 } from "./ipv6.ts";

/** Blocks of addresses of either family. Pure. */
export interface IpRange {
  readonly family: 4 | 6;
  /** The first address. */
  readonly first: bigint;
  readonly prefixBits: number;
}

/** As the API writes it. */
export type IpFamilyName = "IPv4" | "IPv6";
export const familyNames = { 4: "IPv4", 6: "IPv6" } as const satisfies Record<
  IpRange["family"],
  IpFamilyName
>;

export const familyBits = { 4: 32, 6: 128 } as const satisfies Record<IpRange["family"], number>;

/** An address with its family; undefined for what is none. */
export function parseAddress(text: string): { readonly family: 4 | 6; readonly value: bigint } | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return { family: 4, value: BigInt(v4) };
  return isIpv6(text) ? { family: 6, value: ipv6Value(text) } : undefined;
}

/** The same address in its only canonical form; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : addressText(address.family, address.value);
}

/** `10.244.0.0/16`, `fd00:10:244::/56`; what follows the block's first address is left out, as Kubernetes does. */
export function parseIpRange(text: string): IpRange | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = parseAddress(match?.[1] ?? "");
  const prefixBits = Number(match?.[2]);
  if (address === undefined || !(prefixBits <= familyBits[address.family])) return undefined;
  const rest = BigInt(familyBits[address.family] - prefixBits);
  return { family: address.family, first: (address.value >> rest) << rest, prefixBits };
}

export function ipRangeText({ family, first, prefixBits }: IpRange): string {
  return `${addressText(family, first)}/${prefixBits}`;
}

export function addressText(family: IpRange["family"], value: bigint): string {
  return family === 4 ? ipv4Text(Number(value)) : ipv6Text(value);
}

/** Its address of this number, counted from 0. */
export function nthAddress({ family, first }: IpRange, nth: bigint | number): string {
  return addressText(family, first + BigInt(nth));
}

/** The number of its addresses. */
export function ipRangeSize({ family, prefixBits }: IpRange): bigint {
  return 1n << BigInt(familyBits[family] - prefixBits);
}

export function rangeContains(range: IpRange, family: IpRange["family"], value: bigint): boolean {
  return family === range.family && value >= range.first && value < range.first + ipRangeSize(range);
}

export function rangesOverlap(a: IpRange, b: IpRange): boolean {
  return a.family === b.family && a.first < b.first + ipRangeSize(b) && b.first < a.first + ipRangeSize(a);
}

/** @param text An IPv6 address. */
function ipv6Value(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The last may be an IPv4 address, which is two. */
function groupsOf(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    const v4 = parseIpv4(group);
    return v4 === undefined ? [Number.parseInt(group, 16)] : [v4 >>> 16, v4 & 0xffff];
  });
}

/** In the form of RFC 5952. */
function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((value >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  let [start, length] = [0, 0];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (groups[end] === 0) end++;
    if (end - at > length) [start, length] = [at, end - at];
  }
  const shown = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? shown(0, 8) : `${shown(0, start)}::${shown(start + length, 8)}`;
}

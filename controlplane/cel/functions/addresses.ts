import { isIPv4, isIPv6 } from "node:net";
import { fn, method, type Overload } from "../environment.ts";
import { opaque, types } from "../types.ts";
import { CelError, Opaque, type Value } from "../values.ts";

/** IP addresses and ranges of them. */

const { bool, int, string } = types;
const ipType = opaque("net.IP");
const cidrType = opaque("net.CIDR");

interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

interface Range {
  readonly address: Address;
  readonly length: number;
}

function bitsOf(text: string): Address | undefined {
  if (isIPv4(text))
    return { family: 4, bits: text.split(".").reduce((bits, part) => bits * 256n + BigInt(part), 0n) };
  if (!isIPv6(text)) return undefined;
  const plain = text.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) => {
      const word = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
      return `${word(a, b)}:${word(c, d)}`;
    },
  );
  const [head = "", tail] = plain.split("::");
  const words = (part: string | undefined) => (part ? part.split(":") : []);
  const [left, right] = [words(head), words(tail)];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  return {
    family: 6,
    bits: [...left, ...middle, ...right].reduce((bits, word) => bits * 65_536n + BigInt(`0x${word}`), 0n),
  };
}

/** What is wrong with a text that should be an address, or the address. */
function readAddress(text: string): Address | string {
  const shown = JSON.stringify(text);
  if (text.includes("%")) return `IP address ${shown} with zone value is not allowed`;
  const address = bitsOf(text);
  if (address === undefined)
    return `IP Address ${shown} parse error during conversion from string: ParseAddr(${shown}): unable to parse IP`;
  if (isMapped(address)) return `IPv4-mapped IPv6 address ${shown} is not allowed`;
  return address;
}

const isMapped = ({ family, bits }: Address) => family === 6 && bits >> 32n === 0xffffn;

function readRange(text: string): Range | string {
  const shown = JSON.stringify(text);
  const refused = (why: string) => {
    const prefix = "network address parse error during conversion from string: ";
    return `${prefix}${prefix}netip.ParsePrefix(${shown}): ${why}`;
  };
  const slash = text.lastIndexOf("/");
  if (slash < 0) return refused("no '/'");
  const host = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  const address = host.includes("%") ? undefined : bitsOf(host);
  if (address === undefined) return refused(`ParseAddr(${JSON.stringify(host)}): unable to parse IP`);
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) return refused(`bad bits after slash: ${JSON.stringify(bits)}`);
  if (Number(bits) > (address.family === 4 ? 32 : 128)) return refused("prefix length out of range");
  if (isMapped(address))
    return `network address parse error during conversion from string: IPv4-mapped IPv6 address ${shown} is not allowed`;
  return { address, length: Number(bits) };
}

function orFault<Kind>(read: Kind | string): Kind {
  if (typeof read === "string") throw new CelError(read);
  return read;
}

export function addressText({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join(".");
  const words = Array.from({ length: 8 }, (_, at) => Number((bits >> BigInt(112 - at * 16)) & 0xffffn));
  let [best, bestLength] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && words[end] === 0) end++;
    if (end - at > bestLength) [best, bestLength] = [at, end - at];
  }
  const hex = (part: readonly number[]) => part.map((word) => word.toString(16)).join(":");
  return best < 0 ? hex(words) : `${hex(words.slice(0, best))}::${hex(words.slice(best + bestLength))}`;
}

const width = ({ family }: Address) => (family === 4 ? 32 : 128);
const masked = ({ address, length }: Range): Range => {
  const shift = BigInt(width(address) - length);
  return { address: { family: address.family, bits: (address.bits >> shift) << shift }, length };
};
const contains = (range: Range, address: Address) => {
  const shift = BigInt(width(range.address) - range.length);
  return range.address.family === address.family && range.address.bits >> shift === address.bits >> shift;
};

const sameAddress = (a: Address, b: Address) => a.family === b.family && a.bits === b.bits;
const ip = (address: Address): Value =>
  new Opaque("net.IP", address, (other) => sameAddress(address, other.value as Address));
const cidr = (range: Range): Value =>
  new Opaque("net.CIDR", range, (other) => {
    const { address, length } = other.value as Range;
    return length === range.length && sameAddress(address, range.address);
  });
const held = <Kind>(value: Value | undefined) => (value as Opaque).value as Kind;
const text = (value: Value | undefined) => value as string;

const byte = ({ bits, family }: Address, at: number) =>
  Number((bits >> BigInt((family === 4 ? 3 : 15) * 8 - at * 8)) & 255n);
const isLoopback = (one: Address) => (one.family === 4 ? byte(one, 0) === 127 : one.bits === 1n);
const isMulticast = (one: Address) => (one.family === 4 ? byte(one, 0) >> 4 === 14 : byte(one, 0) === 255);
const isLinkLocalMulticast = (one: Address) =>
  one.family === 4
    ? byte(one, 0) === 224 && byte(one, 1) === 0 && byte(one, 2) === 0
    : byte(one, 0) === 255 && (byte(one, 1) & 15) === 2;
const isLinkLocalUnicast = (one: Address) =>
  one.family === 4
    ? byte(one, 0) === 169 && byte(one, 1) === 254
    : byte(one, 0) === 0xfe && (byte(one, 1) & 0xc0) === 0x80;
const isGlobalUnicast = (one: Address) =>
  one.bits !== 0n &&
  !(one.family === 4 && one.bits === 0xffff_ffffn) &&
  !isLoopback(one) &&
  !isMulticast(one) &&
  !isLinkLocalUnicast(one);

const tests: readonly [name: string, holds: (one: Address) => boolean][] = [
  ["isUnspecified", ({ bits }) => bits === 0n],
  ["isLoopback", isLoopback],
  ["isLinkLocalMulticast", isLinkLocalMulticast],
  ["isLinkLocalUnicast", isLinkLocalUnicast],
  ["isGlobalUnicast", isGlobalUnicast],
];

export const addressFunctions: readonly Overload[] = [
  fn("ip", [string], ipType, ([value]) => ip(orFault(readAddress(text(value))))),
  fn("isIP", [string], bool, ([value]) => typeof readAddress(text(value)) !== "string"),
  fn("ip.isCanonical", [string], bool, ([value]) => addressText(orFault(readAddress(text(value)))) === value),
  fn("string", [ipType], string, ([value]) => addressText(held<Address>(value))),
  method("family", [ipType], int, ([value]) => BigInt(held<Address>(value).family)),
  ...tests.map(([name, holds]) => method(name, [ipType], bool, ([value]) => holds(held<Address>(value)))),
  fn("cidr", [string], cidrType, ([value]) => cidr(orFault(readRange(text(value))))),
  fn("isCIDR", [string], bool, ([value]) => typeof readRange(text(value)) !== "string"),
  fn("string", [cidrType], string, ([value]) => {
    const { address, length } = held<Range>(value);
    return `${addressText(address)}/${length}`;
  }),
  method("containsIP", [cidrType, string], bool, ([range, value]) =>
    contains(held<Range>(range), orFault(readAddress(text(value)))),
  ),
  method("containsIP", [cidrType, ipType], bool, ([range, value]) =>
    contains(held<Range>(range), held<Address>(value)),
  ),
  method("containsCIDR", [cidrType, string], bool, ([range, value]) =>
    holdsRange(held<Range>(range), orFault(readRange(text(value)))),
  ),
  method("containsCIDR", [cidrType, cidrType], bool, ([range, value]) =>
    holdsRange(held<Range>(range), held<Range>(value)),
  ),
  method("ip", [cidrType], ipType, ([range]) => ip(held<Range>(range).address)),
  method("prefixLength", [cidrType], int, ([range]) => BigInt(held<Range>(range).length)),
  method("masked", [cidrType], cidrType, ([range]) => cidr(masked(held<Range>(range)))),
];

const holdsRange = (outer: Range, inner: Range) =>
  inner.length >= outer.length && contains(outer, masked(inner).address);

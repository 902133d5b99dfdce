import { parseIpv4, parseIpv4Range } from "../../../base/ipv4.ts";
import { isIpv6 } from "../../../base/ipv6.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";

/** IP addresses and ranges in fields, checked as Kubernetes 1.36 does (apimachinery's util/validation/ip.go with
 *  StrictIPCIDRValidation). Pure. */

/** A field that took sloppy addresses once: IPv6 may be written in any form. */
export function ipAddress(field: string, value: string): readonly FieldError[] {
  const problem = ipProblem(value);
  return problem === undefined ? [] : [invalid(field, value, problem)];
}

/** A field that takes one spelling of an address only. */
export function canonicalIpAddress(field: string, value: string): readonly FieldError[] {
  const problem = ipProblem(value);
  if (problem !== undefined) return [invalid(field, value, problem)];
  const canonical = isIpv6(value) ? canonicalIpv6(value) : value;
  if (value === canonical) return [];
  return [invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** Names that are addresses, in the one spelling that there is. */
export function addressNameProblems(value: string): readonly string[] {
  const problem = ipProblem(value);
  if (problem !== undefined) return [problem];
  const canonical = isIpv6(value) ? canonicalIpv6(value) : value;
  return value === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** An address with the size of its net, as interfaces have them: `10.9.8.7/24`. */
export function interfaceAddress(value: string, field: string): readonly FieldError[] {
  const [address = "", bits = "", ...more] = value.split("/");
  const bytes = addressBytes(address);
  if (bytes === undefined || more.length > 0 || !/^\d+$/.test(bits) || Number(bits) > bytes.length * 8)
    return [
      invalid(field, value, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"),
    ];
  const shown = isIpv6(address) ? canonicalIpv6(address) : bytes.join(".");
  const canonical = `${shown}/${Number(bits)}`;
  if (value === canonical) return [];
  return [invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

export function ipRange(field: string, value: string): readonly FieldError[] {
  const problem = rangeProblem(value);
  return problem === undefined ? [] : [invalid(field, value, problem)];
}

/** Whether a name is an address after all; leading zeros are not judged. */
export function isAnyAddress(value: string): boolean {
  return addressBytes(value) !== undefined;
}

/** Whether a range is part of another, and less than all of it; undefined: one of them is none. */
export function isStrictlyWithin(inner: string, outer: string): boolean | undefined {
  const [part, whole] = [rangeBits(inner), rangeBits(outer)];
  if (part === undefined || whole === undefined) return undefined;
  return (
    part.all === whole.all && part.prefix.length > whole.prefix.length && part.prefix.startsWith(whole.prefix)
  );
}

interface RangeBits {
  readonly prefix: string;
  /** How many bits an address has. */
  readonly all: number;
}

function rangeBits(value: string): RangeBits | undefined {
  const [address = "", bits = "", ...more] = value.split("/");
  const bytes = addressBytes(address);
  const length = Number(bits);
  if (bytes === undefined || more.length > 0 || !/^\d+$/.test(bits) || length > bytes.length * 8)
    return undefined;
  const text = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return { prefix: text.slice(0, length), all: text.length };
}

/** Addresses that nobody outside a host can be at are no endpoints, and no external addresses. Leading zeros are not judged
 *  here. */
export function endpointAddress(
  field: string,
  value: string,
  { loopback = false }: { readonly loopback?: boolean } = {},
): readonly FieldError[] {
  const bytes = addressBytes(value);
  if (bytes === undefined) return [invalid(field, value, "must be a valid IP address")];
  const [a = 0, b = 0, c = 0] = bytes;
  const v4 = bytes.length === 4;
  const zeroBut = (last: number) => bytes.every((byte, at) => byte === (at === bytes.length - 1 ? last : 0));
  const problems: FieldError[] = [];
  const refuse = (text: string) => problems.push(invalid(field, value, text));
  if (zeroBut(0)) refuse(`may not be unspecified (${value})`);
  if (!loopback && (v4 ? a === 127 : zeroBut(1)))
    refuse("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (v4 ? a === 169 && b === 254 : a === 0xfe && (b & 0xc0) === 0x80)
    refuse("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (v4 ? a === 224 && b === 0 && c === 0 : a === 0xff && (b & 0x0f) === 0x02)
    refuse("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  return problems;
}

const noAddress = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const noRange = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const zeros = "must not have leading 0s";

function ipProblem(value: string): string | undefined {
  if (parseIpv4(value) !== undefined) return undefined;
  if (parseIpv4(withoutZeros(value)) !== undefined) return zeros;
  if (!isIpv6(value)) return noAddress;
  return isMapped(value) ? "must not be an IPv4-mapped IPv6 address" : undefined;
}

function rangeProblem(value: string): string | undefined {
  const [address = "", bits = "", ...more] = value.split("/");
  const v6 = isIpv6(address);
  const number = Number(bits);
  const known = v6 || parseIpv4(withoutZeros(address)) !== undefined;
  if (!known || more.length > 0 || !/^\d+$/.test(bits) || number > (v6 ? 128 : 32)) return noRange;
  if (String(number) !== bits || (!v6 && parseIpv4(address) === undefined))
    return `${zeros} in IP or prefix length`;
  if (v6 && isMapped(address)) return "must not have an IPv4-mapped IPv6 address";
  const beyond = "must not have bits set beyond the prefix length";
  if (!v6) return parseIpv4Range(value) === undefined ? beyond : undefined;
  const tail = (addressBytes(address) ?? []).map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return tail.slice(number).includes("1") ? beyond : undefined;
}

const withoutZeros = (value: string) => value.replaceAll(/(^|\.)0+(?=\d)/g, "$1");
const isMapped = (value: string) =>
  canonicalIpv6(value).startsWith("::ffff:") && ipv6Bytes(value)[10] === 255;

/** RFC 5952, by the rules that URLs share with it. */
export function canonicalIpv6(value: string): string {
  return new URL(`http://[${value}]/`).hostname.slice(1, -1);
}

function addressBytes(value: string): readonly number[] | undefined {
  const number = parseIpv4(withoutZeros(value));
  if (number !== undefined) return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255);
  return isIpv6(value) ? ipv6Bytes(value) : undefined;
}

function ipv6Bytes(value: string): readonly number[] {
  const [head = "", tail] = canonicalIpv6(value).split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zerosBetween = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zerosBetween, ...after].flatMap((group) => [group >> 8, group & 255]);
}

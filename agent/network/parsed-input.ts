import {
  addressText,
  type IpRange,
  ipRangeSize,
  ipRangeText,
  parseAddress,
  parseIpRange,
  rangeContains,
} from "../../base/ip-range.ts";

/** The edge where addresses from the cluster's objects become values: what comes out is written anew from the number that
 *  was read. The API refuses malformed ones; the node does not rely on it. Pure. */

/** Told of each value that is left out. */
export type AddressFault = (field: string, value: unknown, why: string) => void;

/** The addresses of one family among these. The other's are another table's matter: they are skipped without a word. */
export function addressesOf(
  family: IpRange["family"],
  field: string,
  values: readonly string[],
  fault: AddressFault,
): readonly string[] {
  return values.flatMap((value, at) => {
    const parsed = typeof value === "string" ? parseAddress(value) : undefined;
    if (parsed === undefined) fault(`${field}[${at}]`, value, "is not an IP address");
    return parsed?.family === family ? [addressText(family, parsed.value)] : [];
  });
}

const special = (
  [
    ["0.0.0.0/8", "may not be unspecified"],
    ["127.0.0.0/8", "may not be in the loopback range (127.0.0.0/8)"],
    ["169.254.0.0/16", "may not be in the link-local range (169.254.0.0/16)"],
    ["224.0.0.0/4", "may not be a multicast address"],
    ["240.0.0.0/4", "may not be a broadcast or reserved address"],
    ["::/128", "may not be unspecified"],
    ["::1/128", "may not be in the loopback range (::1/128)"],
    ["::ffff:0:0/96", "may not be an IPv4-mapped address"],
    ["fe80::/10", "may not be in the link-local range (fe80::/10)"],
    ["ff00::/8", "may not be a multicast address"],
  ] as const
).flatMap(([text, why]) => {
  const range = parseIpRange(text);
  if (range === undefined) return [];
  // Asked of each endpoint: worked out once.
  return [{ family: range.family, first: range.first, last: range.first + ipRangeSize(range) - 1n, why }];
});

/** Why nobody outside the node itself may be at this address; `undefined` for one that pods and hosts can have. An
 *  endpoint there would let anybody who writes EndpointSlices reach what listens on the node for the node alone. */
export function specialAddress(address: string): string | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) return "is not an IP address";
  const { family, value } = parsed;
  return special.find((one) => one.family === family && one.first <= value && value <= one.last)?.why;
}

/** The ranges of one family among these. Whitespace around one is allowed, as in the API; bits behind the prefix mean nothing. */
export function rangesOf(
  family: IpRange["family"],
  field: string,
  values: readonly string[],
  fault: AddressFault,
): readonly string[] {
  return values.flatMap((value, at) => {
    const range = typeof value === "string" ? parseIpRange(value.trim()) : undefined;
    if (range === undefined) fault(`${field}[${at}]`, value, "is not a range of addresses");
    return range?.family === family ? [ipRangeText(range)] : [];
  });
}

/** Whether an address is in a range; neither is where its text is none. */
export function isInRange(rangeText: string, address: string): boolean {
  const [range, parsed] = [parseIpRange(rangeText), parseAddress(address)];
  return range !== undefined && parsed !== undefined && rangeContains(range, parsed.family, parsed.value);
}

export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

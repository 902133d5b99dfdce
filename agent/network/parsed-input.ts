import { contains, ipv4Text, parseIpv4, parseIpv4Range } from "../../base/ipv4.ts";
import { isIpv6 } from "../../base/ipv6.ts";

/** The edge where addresses from the cluster's objects become values: what comes out is written anew from the number that
 *  was read. The API refuses malformed ones; the node does not rely on it. Pure. */

/** Told of each value that is left out. */
export type AddressFault = (field: string, value: unknown, why: string) => void;

/** The IPv4 addresses among these. IPv6 ones are another node's matter: they are skipped without a word. */
export function ipv4Of(field: string, values: readonly string[], fault: AddressFault): readonly string[] {
  return values.flatMap((value, at) => {
    const parsed = typeof value === "string" ? parseIpv4(value) : undefined;
    if (parsed !== undefined) return [ipv4Text(parsed)];
    if (typeof value !== "string" || !isIpv6(value)) fault(`${field}[${at}]`, value, "is not an IP address");
    return [];
  });
}

/** Why nobody outside the node itself may be at this address; `undefined` for one that pods and hosts can have. An
 *  endpoint there would let anybody who writes EndpointSlices reach what listens on the node for the node alone. */
export function specialAddress(address: string): string | undefined {
  const number = parseIpv4(address) ?? 0;
  const special = [
    ["0.0.0.0/8", "may not be unspecified"],
    ["127.0.0.0/8", "may not be in the loopback range (127.0.0.0/8)"],
    ["169.254.0.0/16", "may not be in the link-local range (169.254.0.0/16)"],
    ["224.0.0.0/4", "may not be a multicast address"],
    ["240.0.0.0/4", "may not be a broadcast or reserved address"],
  ] as const;
  return special.find(([range]) => {
    const parsed = parseIpv4Range(range);
    return parsed !== undefined && contains(parsed, number);
  })?.[1];
}

/** The same for ranges. Whitespace around one is allowed, as in the API. */
export function ipv4RangeOf(
  field: string,
  values: readonly string[],
  fault: AddressFault,
): readonly string[] {
  return values.flatMap((value, at) => {
    const text = typeof value === "string" ? value.trim() : "";
    const [address = "", bits = ""] = text.split("/");
    const first = parseIpv4(address);
    const prefixBits = /^\d{1,2}$/.test(bits) ? Number(bits) : 33;
    if (first !== undefined && prefixBits <= 32) {
      // Bits behind the prefix mean nothing.
      const size = 2 ** (32 - prefixBits);
      const range = parseIpv4Range(`${ipv4Text(first - (first % size))}/${prefixBits}`);
      if (range !== undefined) return [range.text];
    }
    if (!isIpv6(address)) fault(`${field}[${at}]`, value, "is not a range of addresses");
    return [];
  });
}

export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

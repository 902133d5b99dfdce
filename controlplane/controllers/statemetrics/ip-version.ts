import { isIP } from "node:net";

/** `4` or `6`; an IPv4 address written as one of IPv6 is of the former. Undefined for what is no address. Pure. */
export function ipVersion(address: string): "4" | "6" | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 || /^::ffff:[0-9.]+$/i.test(address) ? "4" : "6";
}

import { isIPv6 } from "node:net";

/** Whether this is an IPv6 address, and nothing more: Node takes any text as a zone behind a percent sign. */
export function isIpv6(value: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(value) && isIPv6(value);
}

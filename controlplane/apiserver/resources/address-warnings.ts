import { isIpv6 } from "../../../base/ipv6.ts";
import { canonicalIpv6 } from "./addresses.ts";

/** Addresses and ranges that are understood, but could be written better. Validation has refused all that is worse. */

export function ipWarnings(value: string | undefined, field: string): readonly string[] {
  if (value === undefined || !isIpv6(value) || canonicalIpv6(value) === value) return [];
  const better = JSON.stringify(canonicalIpv6(value));
  return [
    `${field}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${better})`,
  ];
}

export function rangeWarnings(value: string | undefined, field: string): readonly string[] {
  const [address = "", bits = ""] = (value ?? "").split("/");
  if (!isIpv6(address) || canonicalIpv6(address) === address) return [];
  const better = JSON.stringify(`${canonicalIpv6(address)}/${bits}`);
  return [
    `${field}: IPv6 CIDR value ${JSON.stringify(value)} should be in RFC 5952 canonical format (${better})`,
  ];
}

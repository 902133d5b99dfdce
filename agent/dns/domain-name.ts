import { canonicalAddress as canonical } from "../../base/ip-range.ts";

/** Domain names as text: lower case, without the dot at the end. Pure. */

const labelBytesMax = 63;
const nameBytesMax = 253;
/** What host names, service labels (`_http`) and the names people use by mistake are made of. */
const label = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?$/;

/** The name as it is compared, or undefined where it cannot be written into a message. */
export function canonicalName(text: string): string | undefined {
  const name = text.replace(/\.$/, "").toLowerCase();
  return name.length > 0 && name.length <= nameBytesMax && name.split(".").every(isLabel) ? name : undefined;
}

export function isLabel(text: string): boolean {
  return text.length <= labelBytesMax && label.test(text);
}

/** The address that a name below in-addr.arpa or ip6.arpa stands for, in its canonical text. */
export function addressOfReverseName(labels: readonly string[]): string | undefined {
  const [last, zone] = [labels.at(-1), labels.at(-2)];
  const parts = labels.slice(0, -2).reverse();
  if (last !== "arpa") return undefined;
  if (zone === "in-addr" && parts.length === 4) {
    const text = parts.join(".");
    return canonicalAddress(text);
  }
  if (zone === "ip6" && parts.length === 32 && parts.every((part) => /^[0-9a-f]$/.test(part)))
    return canonicalAddress((parts.join("").match(/.{4}/g) ?? []).join(":"));
  return undefined;
}

/** One text for each address, so that the same address is found however it was written; undefined for what is none, or is written
 *  in both families' ways. */
export function canonicalAddress(text: string): string | undefined {
  return text.includes(":") && text.includes(".") ? undefined : canonical(text);
}

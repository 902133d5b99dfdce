import { isIP } from "node:net";
import { canonicalName } from "./domain-name.ts";
import type { ServerPlace } from "./server-order.ts";

/** Domains that servers of their own know. */
export type StubDomains = ReadonlyMap<string, readonly ServerPlace[]>;

const dnsPort = 53;

/** Reads `corp.example=10.0.0.1`, `corp.example=10.0.0.2:5353` and `corp.example=[fd00::1]:53`: who is named twice for a domain is
 *  one of several. Pure.
 *  @returns Also every rule that is broken, worded to follow the flag's name. */
export function parseStubDomains(
  texts: readonly string[],
  clusterDomain: string,
): { readonly domains: StubDomains; readonly problems: readonly string[] } {
  const domains = new Map<string, readonly ServerPlace[]>();
  const problems: string[] = [];
  for (const text of texts) {
    const [left = "", right = "", ...more] = text.split("=");
    const domain = canonicalName(left);
    const place = placeOf(right);
    const said = JSON.stringify(text);
    if (domain === undefined || place === undefined || more.length > 0)
      problems.push(`${said} is not DOMAIN=ADDRESS or DOMAIN=ADDRESS:PORT`);
    else if (isBelow(domain, clusterDomain)) problems.push(`${said} is the cluster's own to answer`);
    else domains.set(domain, [...(domains.get(domain) ?? []), place]);
  }
  return { domains, problems };
}

/** Who knows this name: of the domains that it is below, the longest. Pure. */
export function stubServers(
  domains: StubDomains,
  labels: readonly string[],
): readonly ServerPlace[] | undefined {
  if (domains.size === 0) return undefined;
  for (let at = 0; at < labels.length; at++) {
    const found = domains.get(labels.slice(at).join("."));
    if (found !== undefined) return found;
  }
  return undefined;
}

const isBelow = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

function placeOf(text: string): ServerPlace | undefined {
  if (isIP(text) !== 0) return { address: text, port: dnsPort };
  const match = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  const isRightFamily = isIP(address) === (match?.[1] === undefined ? 4 : 6);
  return isRightFamily && port >= 1 && port <= 65_535 ? { address, port } : undefined;
}

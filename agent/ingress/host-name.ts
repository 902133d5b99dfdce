import { isIP } from "node:net";

/** Hosts that clients name. Pure. */

const namePattern = /^[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?$/;
const nameCharsMax = 253;

/** The host of an authority (`Shop.example:8443`), in lower case, without its port; undefined for what names no host. */
export function hostOf(authority: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]{2,45}\]|[^:@/[\]]{1,254})(?::\d{0,5})?$/.exec(authority);
  const host = match?.[1]?.toLowerCase();
  if (host === undefined) return undefined;
  if (host.startsWith("[")) return isIP(host.slice(1, -1)) === 6 ? host : undefined;
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return name.length <= nameCharsMax && namePattern.test(name) && !name.includes("..") ? name : undefined;
}

/** The wildcard that stands for a host: `*.example.com` for `www.example.com`. It stands for one label only. */
export function wildcardOf(host: string): string | undefined {
  const dot = host.indexOf(".");
  return dot <= 0 || dot === host.length - 1 ? undefined : `*${host.slice(dot)}`;
}

/** As the texts by which Ingresses name a host, the narrowest first. */
export function ingressTextsFor(host: string): readonly string[] {
  const wildcard = wildcardOf(host);
  return wildcard === undefined ? [host, ""] : [host, wildcard, ""];
}

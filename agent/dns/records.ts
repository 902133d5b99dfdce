import { parseIpv4 } from "../../base/ipv4.ts";
import { canonicalAddress, isLabel } from "./domain-name.ts";
import type { NamedEndpoint, NamedPort, ServiceNames } from "./service-names.ts";
import type { DnsRecord } from "./types.ts";
import type { Zone } from "./zone.ts";

export interface ZoneOptions {
  /** `cluster.local`. */
  readonly domain: string;
  /** Where this server is reached: at one address of a family. */
  readonly serverAddresses: readonly string[];
  readonly ttlSeconds: number;
}

/** Of Kubernetes' DNS specification. */
const schemaVersion = "1.1.0";
const weights = 100;

interface At extends ZoneOptions {
  /** The whole name that the records are of. */
  readonly name: string;
}

/** All records of a name: none where only names below it have some, undefined where there is no such name. `inside` are its
 *  labels before the domain. Pure. */
export function recordsAt(zone: Zone, inside: readonly string[], at: At): readonly DnsRecord[] | undefined {
  switch (inside.at(-1)) {
    case undefined:
      return apex(at);
    case "dns-version":
      return inside.length === 1 ? [{ ...own(at), type: "TXT", data: schemaVersion }] : undefined;
    case "dns":
      if (inside.length === 1) return [];
      return inside.length === 2 && inside[0] === "ns" ? addresses(at.serverAddresses, at) : undefined;
    case "pod":
      return atPod(inside.slice(0, -1), at);
    case "svc":
      return atService(zone, inside.slice(0, -1), at);
    default:
      return undefined;
  }
}

function apex(at: At): readonly DnsRecord[] {
  return [{ ...own(at), type: "NS", data: `ns.dns.${at.domain}` }, authorityOf(at, at.name)];
}

/** `a-b-c-d.<namespace>` is the address itself, whether or not there is such a pod: what CoreDNS calls `pods insecure`. */
function atPod(labels: readonly string[], at: At): readonly DnsRecord[] | undefined {
  if (labels.length > 2 || !labels.every(isLabel)) return undefined;
  if (labels.length < 2) return [];
  const [dashed = ""] = labels;
  const address = [dashed.replaceAll("-", "."), dashed.replaceAll("-", ":")].find(
    (text) => canonicalAddress(text) !== undefined,
  );
  return address === undefined ? undefined : addresses([address], at);
}

function atService(zone: Zone, labels: readonly string[], at: At): readonly DnsRecord[] | undefined {
  const namespace = labels.at(-1);
  const service = labels.at(-2);
  if (namespace === undefined) return [];
  if (service === undefined) return zone.hasNamespace(namespace) ? [] : undefined;
  const names = zone.service(namespace, service);
  if (names === undefined) return undefined;
  // The specification: nobody ready behind a headless Service, no such name.
  if (names.kind === "headless" && names.endpoints.length === 0) return undefined;
  const [first = "", second] = labels.slice(0, -2);
  const fullName = [service, namespace, "svc", at.domain].join(".");
  switch (labels.length - 2) {
    case 0:
      return ofService(names, at);
    case 1:
      return first.startsWith("_") ? ofProtocol(names, first.slice(1)) : ofEndpoint(names, first, at);
    case 2: {
      if (!first.startsWith("_") || !second?.startsWith("_")) return undefined;
      const wanted = { name: first.slice(1), protocol: second.slice(1) };
      const isWanted = (port: NamedPort) =>
        port.name !== "" && port.name === wanted.name && port.protocol === wanted.protocol;
      return filled(locations(names, { ...at, fullName }, isWanted));
    }
    default:
      return undefined;
  }
}

function ofService(names: ServiceNames, at: At): readonly DnsRecord[] {
  if (names.kind === "alias") return [{ ...own(at), type: "CNAME", data: names.target }];
  const found = names.kind === "addressed" ? names.addresses : names.endpoints.map(({ address }) => address);
  // More than the specification asks for, and what CoreDNS does: all ports, whether they have a name or not.
  return [...addresses(found, at), ...locations(names, { ...at, fullName: at.name }, () => true)];
}

function ofProtocol(names: ServiceNames, protocol: string): readonly DnsRecord[] | undefined {
  const isThere = portsOf(names).some((port) => port.protocol === protocol && port.name !== "");
  return isThere ? [] : undefined;
}

function ofEndpoint(names: ServiceNames, hostname: string, at: At): readonly DnsRecord[] | undefined {
  if (names.kind === "alias") return undefined;
  const found = names.endpoints.filter((endpoint) => endpoint.hostname === hostname);
  return filled(
    addresses(
      found.map(({ address }) => address),
      at,
    ),
  );
}

function portsOf(names: ServiceNames): readonly NamedPort[] {
  if (names.kind === "alias") return [];
  return names.kind === "addressed" ? names.ports : names.endpoints.flatMap(({ ports }) => ports);
}

/** SRV records: of the Service's own ports, or of those of each endpoint where it has no address. */
function locations(
  names: ServiceNames,
  at: At & { readonly fullName: string },
  isWanted: (port: NamedPort) => boolean,
): readonly DnsRecord[] {
  if (names.kind === "alias") return [];
  const targetOf = ({ hostname }: NamedEndpoint) => `${hostname}.${at.fullName}`;
  const all =
    names.kind === "addressed"
      ? names.ports.filter(isWanted).map(({ port }) => ({ target: at.fullName, port }))
      : names.endpoints.flatMap((endpoint) =>
          endpoint.ports.filter(isWanted).map(({ port }) => ({ target: targetOf(endpoint), port })),
        );
  const different = [...new Map(all.map((one) => [`${one.target} ${one.port}`, one])).values()];
  const weight = Math.max(1, Math.floor(weights / Math.max(1, different.length)));
  return different.map((one) => ({ ...own(at), type: "SRV", data: { priority: 0, weight, ...one } }));
}

function addresses(list: readonly string[], at: At): readonly DnsRecord[] {
  return [...new Set(list)].map((data) => ({
    ...own(at),
    type: parseIpv4(data) === undefined ? "AAAA" : "A",
    data,
  }));
}

/** Says who answers for a zone, and for how long it may be remembered that something does not exist. */
export function authorityOf({ domain, ttlSeconds }: ZoneOptions, zoneName: string): DnsRecord {
  return {
    name: zoneName,
    type: "SOA",
    ttl: ttlSeconds,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttlSeconds,
    },
  };
}

const own = ({ name, ttlSeconds }: At) => ({ name, ttl: ttlSeconds });

const filled = (records: readonly DnsRecord[]): readonly DnsRecord[] | undefined =>
  records.length > 0 ? records : undefined;

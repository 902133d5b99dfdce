import {
  canonicalAddress,
  familyNames,
  type IpRange,
  ipRangeSize,
  ipRangeText,
  nthAddress,
  parseAddress,
  rangeContains,
} from "../../../base/ip-range.ts";
import { below, type Random } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { internalError, invalid } from "../api-error.ts";
import { type JsonObject, listOf, objectOf, stringOf, stringsOf } from "../json.ts";
import type { AddressObjects } from "./address-objects.ts";
import { type AllocationFigures, uncounted } from "./allocation-figures.ts";
import type { FieldError, Kind } from "./kind.ts";
import {
  addressesIn,
  claimKeys,
  claimOfIp,
  ipPrefix,
  isPortNumber,
  portPrefix,
  portsOf,
  wantsIp,
} from "./service-claims.ts";
import { settleFamilies } from "./service-families.ts";
import type { Comparison, Storage, Write } from "./storage.ts";

/** What a transaction must check and write so that whatever was handed out is handed out once. */
export interface Claims {
  readonly compare: readonly Comparison[];
  readonly writes: readonly Write[];
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}
export interface ServiceAllocatorDeps {
  readonly storage: Storage;
  readonly random: Random;
  /** One or two, of different families; the first is where nothing is said. */
  readonly clusterIps: readonly IpRange[];
  readonly nodePorts: PortRange;
  /** What shows who has an address: an object beside each claim. */
  readonly addresses: AddressObjects;
  readonly figures: AllocationFigures;
}

/** @property dryRun Nothing of it is stored. */
export interface PlanOptions {
  readonly dryRun?: boolean | undefined;
}

interface Around {
  /** What the service holds already. */
  readonly before: ReadonlySet<string>;
  readonly figures: AllocationFigures;
}

/** Guesses before all claims are read: with half the range taken, one in 256 needs them. */
const guessesMax = 8;
/** Kubernetes' bounds of the part of the range that is not handed out unasked. */
const choosableMin = 16;
const choosableMax = 256;
const alreadyAllocated = "provided port is already allocated";
const noClaims: Claims = { compare: [], writes: [] };
const encoder = new TextEncoder();

/** Cluster IPs and node ports of services. Each one taken is a key of its own, created in the transaction that stores
 *  the service and deleted in the one that removes it: any number of API servers can hand them out at once, and there
 *  is nothing to repair afterwards. The same transactions write the IPAddress that shows who has an address. */
export class ServiceAllocator {
  readonly #deps: ServiceAllocatorDeps;

  constructor(deps: ServiceAllocatorDeps) {
    this.#deps = deps;
  }

  /** An update that leaves out what was allocated keeps it; a service that becomes another type gives it up. */
  carryOver(kind: Kind, next: KubeObject, current: KubeObject): void {
    if (kind.allocates !== "service") return;
    const to = objectOf(next.spec);
    const from = objectOf(current.spec);
    const hadIp = stringOf(from.type) !== "ExternalName";
    if (wantsIp(to) && hadIp) {
      if (stringOf(to.clusterIP) === "" && listOf(to.clusterIPs).length === 0) {
        to.clusterIP = from.clusterIP;
        to.clusterIPs = from.clusterIPs;
      }
    } else if (!wantsIp(to) && hadIp && to.clusterIP === from.clusterIP) {
      delete to.clusterIP;
      delete to.clusterIPs;
      delete to.ipFamilies;
      delete to.ipFamilyPolicy;
    }
    const before = portsOf(from);
    for (const port of portsOf(to)) {
      const same = before.find((one) => samePort(one, port));
      if (!wantsPorts(to)) {
        if (same !== undefined && same.nodePort === port.nodePort) delete port.nodePort;
      } else if (!isPortNumber(port.nodePort) && isPortNumber(same?.nodePort)) port.nodePort = same.nodePort;
    }
  }

  /** Fills `next`; what `current` held and `next` does not is freed. Fails with Invalid for what cannot be had. */
  async plan(
    kind: Kind,
    next: KubeObject | undefined,
    current: KubeObject | undefined,
    { dryRun = false }: PlanOptions = {},
  ): Promise<Claims> {
    if (kind.allocates !== "service") return noClaims;
    const held = current === undefined ? [] : claimKeys(objectOf(current.spec));
    if (next === undefined) {
      const gone = [...held, ...this.#deps.addresses.keysOf(addressesIn(held))];
      return { compare: [], writes: gone.map((key) => ({ type: "delete", key })) };
    }
    const before = new Set(held);
    const around = { before, figures: dryRun ? uncounted : this.#deps.figures };
    await this.#fillIps(kind, next, { ...around, current });
    await this.#fillPorts(kind, next, around);
    const wanted = new Set(claimKeys(objectOf(next.spec)));
    const taken = [...wanted].filter((key) => !before.has(key));
    const owner = { namespace: next.metadata.namespace, name: next.metadata.name, uid: next.metadata.uid };
    const value = encoder.encode(JSON.stringify(owner));
    const freed = held.filter((key) => !wanted.has(key));
    const { addresses } = this.#deps;
    return {
      compare: [...taken, ...addresses.keysOf(addressesIn(taken))].map((key) => ({ key, modRevision: 0 })),
      writes: [
        ...taken.map((key): Write => ({ type: "put", key, value })),
        ...addressesIn(taken).map((address) => addresses.put(address, next)),
        ...[...freed, ...addresses.keysOf(addressesIn(freed))].map((key): Write => ({ type: "delete", key })),
      ],
    };
  }

  async #fillIps(
    kind: Kind,
    service: KubeObject,
    { before, figures, current }: Around & { readonly current: KubeObject | undefined },
  ): Promise<void> {
    const spec = objectOf(service.spec);
    if (!wantsIp(spec)) return;
    const { clusterIps } = this.#deps;
    const configured = clusterIps.map(({ family }) => familyNames[family]);
    const problems = settleFamilies(spec, current && objectOf(current.spec), configured);
    if (problems.length > 0) throw invalid(kind, service.metadata.name, problems);
    service.spec = spec;
    const given = stringsOf(spec.clusterIPs);
    const [first = ""] = [stringOf(spec.clusterIP), ...given].filter((one) => one !== "");
    if (first === "None") {
      spec.clusterIPs = [first];
      return;
    }
    const wanted = [first, ...given.slice(1)];
    const had: string[] = [];
    for (const [at, family] of stringsOf(spec.ipFamilies).entries()) {
      const asked = wanted[at] ?? "";
      const range = clusterIps.find((one) => familyNames[one.family] === family);
      // What it has already stays, whatever the cluster's ranges are by now.
      if (asked !== "" && !before.has(claimOfIp(asked)))
        await figures.ip("static", range, () => this.#checkIp(kind, service, { asked, range }));
      if (asked !== "") had.push(asked);
      else if (range !== undefined) had.push(await figures.ip("dynamic", range, () => this.#freeIp(range)));
    }
    spec.clusterIP = had[0];
    spec.clusterIPs = had;
  }

  async #checkIp(
    kind: Kind,
    service: KubeObject,
    { asked, range }: { readonly asked: string; readonly range: IpRange | undefined },
  ): Promise<void> {
    const refuse = (why: string): never => {
      const message = `Invalid value: ["${asked}"]: failed to allocate IP ${asked}: ${why}`;
      throw invalid(kind, service.metadata.name, [
        { reason: "FieldValueInvalid", field: "spec.clusterIPs", message },
      ]);
    };
    const address = parseAddress(asked);
    if (address === undefined || range === undefined || !rangeContains(range, address.family, address.value))
      refuse("the provided network does not match the current range");
    if (await this.#isTaken(asked)) refuse("provided IP is already allocated");
  }

  /** By a service, or by whoever made an IPAddress of that name. */
  async #isTaken(address: string): Promise<boolean> {
    const { storage, addresses } = this.#deps;
    const keys = [claimOfIp(address), ...addresses.keysOf([canonicalAddress(address) ?? address])];
    const found = await Promise.all(keys.map((key) => storage.get(key)));
    return found.some(({ entry }) => entry !== undefined);
  }

  async #freeIp(range: IpRange): Promise<string> {
    const { random } = this.#deps;
    const usable = usableCount(range) - 1; // the first one is kept for the API itself
    const nth = (offset: number) => nthAddress(range, offset + 2);
    const upper = usable - choosable(range);
    // Counted from above those that people choose, which come last.
    const inTurn = (offset: number) => nth((offset + choosable(range)) % usable);
    for (let guess = 0; guess < guessesMax; guess++) {
      const address = inTurn(below(random, upper));
      if (!(await this.#isTaken(address))) return address;
    }
    const taken = new Set([
      ...(await this.#taken(ipPrefix)),
      ...(await this.#taken(this.#deps.addresses.prefix)),
    ]);
    const start = below(random, upper);
    for (let step = 0; step < usable; step++) {
      const address = inTurn(step < upper ? (start + step) % upper : step);
      if (!taken.has(address)) return address;
    }
    throw internalError(`failed to allocate a serviceIP: range ${ipRangeText(range)} is full`);
  }

  async #fillPorts(kind: Kind, service: KubeObject, around: Around): Promise<void> {
    const { before, figures } = around;
    const spec = objectOf(service.spec);
    const ports = wantsPorts(spec) ? portsOf(spec) : [];
    const chosen = new Map<string, number>();
    for (const [at, port] of ports.entries()) {
      const asked = port.nodePort;
      if (!isPortNumber(asked)) continue;
      if (!before.has(portPrefix + asked))
        await figures.port("static", () => this.#checkPort(kind, service, { at, asked }));
      chosen.set(`${port.port}`, asked);
    }
    const used = new Set(chosen.values());
    for (const port of ports) {
      if (isPortNumber(port.nodePort)) continue;
      // One number serves the same port in another protocol.
      const shared = ports.find((one) => one.port === port.port && one.protocol !== port.protocol)?.nodePort;
      const number = isPortNumber(shared)
        ? shared
        : await figures.port("dynamic", () => this.#freePort(used));
      port.nodePort = number;
      used.add(number);
    }
    if (spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local")
      spec.healthCheckNodePort = await this.#healthPort(spec.healthCheckNodePort, { used, ...around });
  }

  /** The port asked for, or any. Kubernetes too calls one that cannot be had an internal error. */
  async #healthPort(
    asked: unknown,
    { used, before, figures }: Around & { readonly used: ReadonlySet<number> },
  ): Promise<number> {
    if (!isPortNumber(asked)) return figures.port("dynamic", () => this.#freePort(used));
    const isHeld = before.has(portPrefix + asked);
    if (isHeld && !used.has(asked)) return asked;
    return figures.port("static", async () => {
      const problem = used.has(asked) ? alreadyAllocated : await this.#portObstacle(asked);
      if (problem === undefined) return asked;
      throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${problem}`);
    });
  }

  /** Why a port cannot be had. */
  async #portObstacle(asked: number): Promise<string | undefined> {
    const { first, last } = this.#deps.nodePorts;
    if (asked < first || asked > last)
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    const { entry } = await this.#deps.storage.get(portPrefix + asked);
    return entry === undefined ? undefined : alreadyAllocated;
  }

  async #checkPort(
    kind: Kind,
    service: KubeObject,
    { at, asked }: { at: number; asked: number },
  ): Promise<void> {
    const why = await this.#portObstacle(asked);
    if (why === undefined) return;
    const problem: FieldError = {
      reason: "FieldValueInvalid",
      field: `spec.ports[${at}].nodePort`,
      message: `Invalid value: ${asked}: ${why}`,
    };
    throw invalid(kind, service.metadata.name, [problem]);
  }

  async #freePort(used: ReadonlySet<number>): Promise<number> {
    const { nodePorts, random, storage } = this.#deps;
    const size = portCount(nodePorts);
    for (let guess = 0; guess < guessesMax; guess++) {
      const port = nodePorts.first + below(random, size);
      if (!used.has(port) && (await storage.get(portPrefix + port)).entry === undefined) return port;
    }
    const taken = await this.#taken(portPrefix);
    for (let port = nodePorts.first; port <= nodePorts.last; port++)
      if (!used.has(port) && !taken.has(String(port))) return port;
    throw internalError("failed to allocate a nodePort: range is full");
  }

  async #taken(prefix: string): Promise<ReadonlySet<string>> {
    const { entries } = await this.#deps.storage.list(prefix);
    return new Set(entries.map((entry) => entry.key.slice(prefix.length)));
  }
}

/** Of a larger range the rest is for those who ask for an address of it. */
const usableMax = 2 ** 31;

/** Neither the network's own address nor, in IPv4, the broadcast address. */
export function usableCount(range: IpRange): number {
  const size = ipRangeSize(range);
  return size > usableMax ? usableMax : Number(size) - (range.family === 4 ? 2 : 1);
}

export const portCount = ({ first, last }: PortRange) => last - first + 1;

/** How many of the first addresses are left to those who ask for one, as long as there are others. */
function choosable(range: IpRange): number {
  const size = Number(ipRangeSize(range));
  return size <= choosableMin ? 0 : Math.min(Math.max(choosableMin, Math.floor(size / 16)), choosableMax) - 1;
}

function wantsPorts(spec: JsonObject): boolean {
  const type = stringOf(spec.type);
  return type === "NodePort" || (type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}
function samePort(a: JsonObject, b: JsonObject): boolean {
  return (
    a.port === b.port && (a.protocol ?? "TCP") === (b.protocol ?? "TCP") && (a.name ?? "") === (b.name ?? "")
  );
}

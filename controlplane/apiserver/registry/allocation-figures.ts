import { familyNames, type IpRange, ipRangeText } from "../../../base/ip-range.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { objectOf } from "../json.ts";
import { addressesIn, claimKeys } from "./service-claims.ts";
import type { StoredObject } from "./stored-object.ts";

/** static: somebody asked for this very one; dynamic: for any. */
type Scope = "static" | "dynamic";
type Counted = <T>(scope: Scope, allocate: () => Promise<T>) => Promise<T>;
/** Of that range; undefined: of none that this cluster has. */
type CountedInRange = <T>(scope: Scope, range: IpRange | undefined, allocate: () => Promise<T>) => Promise<T>;

/** Count what is handed out, and what cannot be had: `allocate` fails then. An attempt to write that somebody else overtook
 *  counts, too, as in Kubernetes. */
export interface AllocationFigures {
  readonly ip: CountedInRange;
  readonly port: Counted;
}

/** For what is not stored. */
export const uncounted: AllocationFigures = {
  ip: (_, __, allocate) => allocate(),
  port: (_, allocate) => allocate(),
};

const boundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ofIps = "kube_apiserver_clusterip_allocator";
const ofPorts = "kube_apiserver_nodeport_allocator";

/** Under Kubernetes' names. */
export function allocationFigures(meter: Meter, clock: Clock): AllocationFigures {
  const ips = {
    total: meter.tally<"cidr" | "scope">(
      `${ofIps}_allocation_total`,
      "[ALPHA] Number of Cluster IPs allocations",
    ),
    errors: meter.tally<"cidr" | "scope">(
      `${ofIps}_allocation_errors_total`,
      "[ALPHA] Number of errors trying to allocate Cluster IPs",
    ),
  };
  const seconds = meter.buckets<"cidr">(
    `${ofIps}_allocation_duration_seconds`,
    "[ALPHA] Duration in seconds to allocate a Cluster IP by ServiceCIDR",
    boundsSeconds,
  );
  const ports = {
    total: meter.tally<"scope">(`${ofPorts}_allocation_total`, "[ALPHA] Number of NodePort allocations"),
    errors: meter.tally<"scope">(
      `${ofPorts}_allocation_errors_total`,
      "[ALPHA] Number of errors trying to allocate NodePort",
    ),
  };
  return {
    ip: async (scope, range, allocate) => {
      const cidr = range === undefined ? "" : ipRangeText(range);
      const startedMs = clock.monotonicMs();
      const allocated = await orCount(allocate, () => ips.errors.of({ cidr, scope }));
      seconds.of({ cidr }).observe((clock.monotonicMs() - startedMs) / 1000);
      ips.total.of({ cidr, scope }).count++;
      return allocated;
    },
    port: async (scope, allocate) => {
      const allocated = await orCount(allocate, () => ports.errors.of({ scope }));
      ports.total.of({ scope }).count++;
      return allocated;
    },
  };
}

async function orCount<T>(allocate: () => Promise<T>, errors: () => { count: number }): Promise<T> {
  try {
    return await allocate();
  } catch (error) {
    errors().count++;
    throw error;
  }
}

export interface Allocatable {
  /** Addresses that can be handed out, of each range. */
  readonly clusterIps: readonly { readonly range: IpRange; readonly ipCount: number }[];
  readonly portCount: number;
  /** All services; undefined as long as this server does not follow them. */
  readonly services: () => readonly Pick<StoredObject, "object">[] | undefined;
}

/** How much is taken and how much is left, where it is known. */
export function observeAllocated(meter: Meter, { clusterIps, portCount, services }: Allocatable): void {
  const taken = () => {
    const all = services();
    if (all === undefined) return undefined;
    const keys = all.flatMap(({ object }) => claimKeys(objectOf(object.spec)));
    const ips = addressesIn(keys);
    const isV6 = (address: string) => address.includes(":");
    const ofFamily = ({ family }: IpRange) =>
      ips.filter((ip) => isV6(ip) === (familyNames[family] === "IPv6"));
    return { ofRange: (range: IpRange) => ofFamily(range).length, ports: keys.length - ips.length };
  };
  const ofRanges = (name: string, help: string, read: (taken: number, ipCount: number) => number) =>
    meter.observedBy(`${ofIps}_${name}`, `[ALPHA] Gauge measuring the number of ${help}`, ["cidr"], () => {
      const now = taken();
      if (now === undefined) return [];
      return clusterIps.map(({ range, ipCount }) => [
        { cidr: ipRangeText(range) },
        read(now.ofRange(range), ipCount),
      ]);
    });
  const ofAll = (name: string, help: string, read: (ports: number) => number) =>
    meter.observedBy(`${ofPorts}_${name}`, `[ALPHA] Gauge measuring the number of ${help}`, [], () => {
      const now = taken();
      return now === undefined ? [] : [[{}, read(now.ports)]];
    });
  ofRanges("allocated_ips", "allocated IPs for Services", (ips) => ips);
  ofRanges("available_ips", "available IPs for Services", (ips, ipCount) => ipCount - ips);
  ofAll("allocated_ports", "allocated NodePorts for Services", (ports) => ports);
  ofAll("available_ports", "available NodePorts for Services", (ports) => portCount - ports);
}

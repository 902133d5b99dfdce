import type { Ipv4Range } from "../../../base/ipv4.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { objectOf } from "../json.ts";
import { addressesIn, claimKeys } from "./service-claims.ts";
import type { StoredObject } from "./stored-object.ts";

/** static: somebody asked for this very one; dynamic: for any. */
type Scope = "static" | "dynamic";
type Counted = <T>(scope: Scope, allocate: () => Promise<T>) => Promise<T>;

/** Count what is handed out, and what cannot be had: `allocate` fails then. An attempt to write that somebody else overtook
 *  counts, too, as in Kubernetes. */
export interface AllocationFigures {
  readonly ip: Counted;
  readonly port: Counted;
}

/** For what is not stored. */
export const uncounted: AllocationFigures = {
  ip: (_, allocate) => allocate(),
  port: (_, allocate) => allocate(),
};

const boundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ofIps = "kube_apiserver_clusterip_allocator";
const ofPorts = "kube_apiserver_nodeport_allocator";

/** Under Kubernetes' names. */
export function allocationFigures(meter: Meter, { text: cidr }: Ipv4Range, clock: Clock): AllocationFigures {
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
  const seconds = meter
    .buckets<"cidr">(
      `${ofIps}_allocation_duration_seconds`,
      "[ALPHA] Duration in seconds to allocate a Cluster IP by ServiceCIDR",
      boundsSeconds,
    )
    .of({ cidr });
  const ports = {
    total: meter.tally<"scope">(`${ofPorts}_allocation_total`, "[ALPHA] Number of NodePort allocations"),
    errors: meter.tally<"scope">(
      `${ofPorts}_allocation_errors_total`,
      "[ALPHA] Number of errors trying to allocate NodePort",
    ),
  };
  return {
    ip: async (scope, allocate) => {
      const startedMs = clock.monotonicMs();
      const allocated = await orCount(allocate, () => ips.errors.of({ cidr, scope }));
      seconds.observe((clock.monotonicMs() - startedMs) / 1000);
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
  readonly clusterIps: Ipv4Range;
  /** Addresses that can be handed out. */
  readonly ipCount: number;
  readonly portCount: number;
  /** All services; undefined as long as this server does not follow them. */
  readonly services: () => readonly Pick<StoredObject, "object">[] | undefined;
}

/** How much is taken and how much is left, where it is known. */
export function observeAllocated(
  meter: Meter,
  { clusterIps: { text: cidr }, ipCount, portCount, services }: Allocatable,
): void {
  const taken = (read: (taken: { readonly ips: number; readonly ports: number }) => number) =>
    function* () {
      const all = services();
      if (all === undefined) return;
      const keys = all.flatMap(({ object }) => claimKeys(objectOf(object.spec)));
      const ips = addressesIn(keys).length;
      yield read({ ips, ports: keys.length - ips });
    };
  const ofRange = (name: string, help: string, read: Parameters<typeof taken>[0]) =>
    meter.observedBy(`${ofIps}_${name}`, `[ALPHA] Gauge measuring the number of ${help}`, ["cidr"], () =>
      [...taken(read)()].map((value) => [{ cidr }, value] as const),
    );
  const ofAll = (name: string, help: string, read: Parameters<typeof taken>[0]) =>
    meter.observedBy(`${ofPorts}_${name}`, `[ALPHA] Gauge measuring the number of ${help}`, [], () =>
      [...taken(read)()].map((value) => [{}, value] as const),
    );
  ofRange("allocated_ips", "allocated IPs for Services", ({ ips }) => ips);
  ofRange("available_ips", "available IPs for Services", ({ ips }) => ipCount - ips);
  ofAll("allocated_ports", "allocated NodePorts for Services", ({ ports }) => ports);
  ofAll("available_ports", "available NodePorts for Services", ({ ports }) => portCount - ports);
}

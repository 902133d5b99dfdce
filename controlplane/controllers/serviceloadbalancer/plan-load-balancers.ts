import type { IpSpan } from "../../../base/ip-spans.ts";
import {
  balancedCondition,
  nodesClass,
  nodesReason,
  poolClass,
  poolReason,
} from "../../../client/rules/load-balancer.ts";
import { inOrderOfAge } from "../../../client/rules/service-order.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { conditionOf, withCondition, without } from "../conditions.ts";
import { canonicalJson } from "../template-hash.ts";
import { timeText } from "../times.ts";
import { balancingNodes, ingressPorts, kubeletPort, nodeAddresses } from "./balancing-nodes.ts";
import { poolVerdicts } from "./pool-addresses.ts";
import type { BalancedBy, Verdict } from "./verdict.ts";

export interface BalancerInput {
  /** Those that are of concern. */
  readonly services: readonly Service[];
  readonly nodes: readonly Node[];
  readonly slicesOf: (service: Service) => readonly EndpointSlice[];
  /** `ADDRESS:PORT` of each API server: no Service gets that. */
  readonly apiServers: ReadonlySet<string>;
  readonly keptPorts: ReadonlySet<number>;
  /** Who has the Services without a class. */
  readonly by: BalancedBy | undefined;
  /** Addresses that are none's but Services'. */
  readonly pool: readonly IpSpan[];
  /** Who but the Service that asks has a port of nodes, `80/TCP`; undefined: nobody. */
  readonly heldBy: (port: string, asking: Service) => string | undefined;
  readonly nowMs: number;
}

type ServiceStatus = NonNullable<Service["status"]>;

export interface BalancerChange {
  readonly service: Service;
  readonly status: ServiceStatus;
  /** What became of it; undefined where it is no load balancer any more. */
  readonly verdict: Verdict | undefined;
}

/** Has ours to do with it? One with a class that is not ours is another load balancer's. */
export const isOfConcern = (service: Service): boolean =>
  (isLoadBalancer(service) && [undefined, nodesClass, poolClass].includes(service.spec.loadBalancerClass)) ||
  conditionOf(service.status?.conditions, balancedCondition) !== undefined;

const isLoadBalancer = ({ spec, metadata }: Service): boolean =>
  spec.type === "LoadBalancer" && metadata.deletionTimestamp === undefined;

/** Whose addresses the Service is to get; undefined: none of ours. */
function balancedBy(service: Service, { by, pool }: BalancerInput): BalancedBy | undefined {
  if (!isLoadBalancer(service)) return undefined;
  switch (service.spec.loadBalancerClass) {
    case undefined:
      return by;
    case nodesClass:
      return "nodes";
    case poolClass:
      return pool.length > 0 ? "pool" : undefined;
    default:
      return undefined;
  }
}

/** The statuses that are to be others than they are. Nodes answer at their own addresses for one Service a port: the oldest that
 *  wants it, if it can have all its ports. Pure. */
export function planLoadBalancers(input: BalancerInput): readonly BalancerChange[] {
  const owners = new Map<string, string>();
  const nodePorts = new Set(input.nodes.flatMap((node) => [kubeletPort(node), ...ingressPorts(node)]));
  const services = inOrderOfAge(input.services);
  const fromPool = poolVerdicts(
    services.filter((service) => !isAnothers(service) && balancedBy(service, input) === "pool"),
    { spans: input.pool, inUse: addressesInUse(input) },
  );
  return services.flatMap((service) => {
    if (isAnothers(service)) return changed(service, withoutOurs(service, false), undefined);
    const by = balancedBy(service, input);
    if (by === undefined) return changed(service, withoutOurs(service, true), undefined);
    const verdict = fromPool.get(service) ?? judge(service, input, { owners, nodePorts });
    if (verdict.ok && by === "nodes") for (const port of portsOf(service)) owners.set(port, nameOf(service));
    return changed(service, statusOf(service, verdict, input.nowMs), verdict);
  });
}

function addressesInUse({ nodes, apiServers }: BalancerInput): ReadonlySet<string> {
  const ofNodes = nodes.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address));
  return new Set([...ofNodes, ...[...apiServers].map((place) => place.slice(0, place.lastIndexOf(":")))]);
}

interface Taken {
  /** `80/TCP` and who has it. */
  readonly owners: ReadonlyMap<string, string>;
  /** On which the nodes' agents listen, for themselves and for Ingresses. */
  readonly nodePorts: ReadonlySet<number | undefined>;
}

function judge(service: Service, input: BalancerInput, { owners, nodePorts }: Taken): Verdict {
  for (const port of portsOf(service)) {
    const owner = owners.get(port);
    if (owner !== undefined) return { ok: false, reason: "PortTaken", why: `port ${port} is ${owner}'s` };
    const held = input.heldBy(port, service);
    if (held !== undefined) return { ok: false, reason: "PortTaken", why: `port ${port} is ${held}` };
  }
  for (const { port, protocol = "TCP" } of service.spec.ports ?? [])
    if (input.keptPorts.has(port) || (protocol === "TCP" && nodePorts.has(port)))
      return { ok: false, reason: "PortKept", why: `port ${port}/${protocol} is the nodes' own` };
  const nodes = balancingNodes(service, input.nodes, input.slicesOf(service));
  const addresses = [...new Set(nodes.flatMap((node) => nodeAddresses(node, service)))];
  if (addresses.length === 0) return { ok: false, reason: "NoNode", why: whyNoNode(service) };
  const theirs = addresses.flatMap((address) =>
    (service.spec.ports ?? []).map(({ port }) => `${address}:${port}`),
  );
  const apiServer = theirs.find((place) => input.apiServers.has(place));
  if (apiServer !== undefined)
    return { ok: false, reason: "PortKept", why: `${apiServer} is where an API server is reached` };
  return { ok: true, by: "nodes", addresses };
}

function whyNoNode({ spec }: Service): string {
  const address = spec.loadBalancerIP ? `the address ${spec.loadBalancerIP}` : "an address of its families";
  const endpoint = spec.externalTrafficPolicy === "Local" ? " and an endpoint that is ready" : "";
  return `no node that is ready has ${address}${endpoint}`;
}

const portsOf = ({ spec }: Service): readonly string[] =>
  (spec.ports ?? []).map(({ port, protocol = "TCP" }) => `${port}/${protocol}`);

const nameOf = ({ metadata }: Service) => `Service ${metadata.namespace}/${metadata.name}`;

const ingressText = (service: Service) =>
  (service.status?.loadBalancer?.ingress ?? [])
    .map(({ ip = "", hostname = "" }) => ip || hostname)
    .join(", ");

/** Addresses that we did not give. */
function isAnothers(service: Service): boolean {
  const given = ingressText(service);
  const ours = conditionOf(service.status?.conditions, balancedCondition);
  return given !== "" && given !== (ours?.status === "True" ? ours.message : undefined);
}

function withoutOurs(service: Service, withAddresses: boolean): ServiceStatus {
  const { conditions, loadBalancer, ...rest } = service.status ?? {};
  if (conditionOf(conditions, balancedCondition) === undefined) return service.status ?? {};
  const others = without(conditions, balancedCondition);
  return {
    ...rest,
    loadBalancer: withAddresses ? {} : (loadBalancer ?? {}),
    ...(others.length > 0 && { conditions: others }),
  };
}

function statusOf({ status, metadata }: Service, verdict: Verdict, nowMs: number): ServiceStatus {
  const condition = {
    type: balancedCondition,
    status: verdict.ok ? "True" : "False",
    reason: verdict.ok ? (verdict.by === "pool" ? poolReason : nodesReason) : verdict.reason,
    message: verdict.ok ? verdict.addresses.join(", ") : verdict.why,
    lastTransitionTime: timeText(nowMs),
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
  };
  return {
    ...status,
    loadBalancer: verdict.ok ? { ingress: verdict.addresses.map((ip) => ({ ip, ipMode: "VIP" })) } : {},
    conditions: withCondition(status?.conditions, condition),
  };
}

function changed(
  service: Service,
  status: ServiceStatus,
  verdict: Verdict | undefined,
): readonly BalancerChange[] {
  const isSame = canonicalJson(status) === canonicalJson(service.status ?? {});
  return isSame ? [] : [{ service, status, verdict }];
}

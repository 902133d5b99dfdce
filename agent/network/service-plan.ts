import { familyNames } from "../../base/ip-range.ts";
import { inOrderOfAge } from "../../client/rules/service-order.ts";
import type { EndpointSlice, Service } from "../../client/types.ts";
import { type AddressFault, addressesOf, isPort, rangesOf } from "./parsed-input.ts";
import { type Endpoint, type EndpointChoice, endpointsOf, type NodeView } from "./service-endpoints.ts";

/** What a node must do for Services in one family, as plain values: each port of each Service, where it is reached, and the
 *  endpoints it leads to. Everything in it was parsed: whatever is not exactly an address, a range or a port is left out, and said.
 *  Pure; both proxies (nftables and user space) are made from it. */
export interface ServicePlan {
  readonly ports: readonly ServicePort[];
  readonly problems: readonly ServiceProblem[];
  readonly healthChecks: readonly HealthCheck[];
}

export interface ServicePort extends EndpointChoice {
  /** `namespace/name:port`, unique. */
  readonly id: string;
  readonly service: Service;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly clusterIps: readonly string[];
  readonly externalIps: readonly string[];
  /** Addresses that a load balancer sends on unchanged, and the ranges it serves; none: all. */
  readonly balancerIps: readonly string[];
  readonly balancerSources: readonly string[];
  readonly port: number;
  readonly nodePort: number | undefined;
  /** Set: the same client goes to the same endpoint for this long after its last connection. */
  readonly affinitySeconds: number | undefined;
  /** Traffic to cluster IPs keeps to endpoints on this node. */
  readonly internalLocal: boolean;
  /** Traffic from outside keeps to endpoints on this node, and keeps its source address. */
  readonly externalLocal: boolean;
}

/** Something of a Service that was left out. */
export interface ServiceProblem {
  readonly service: Service;
  readonly message: string;
}

/** Where a load balancer asks whether this node has endpoints of a Service. */
export interface HealthCheck {
  readonly service: Service;
  readonly port: number;
  readonly localEndpoints: number;
}

const affinityDefaultSeconds = 10_800;
const affinityMaxSeconds = 86_400;
const protocols = ["tcp", "udp", "sctp"] as const;
const serviceName = "kubernetes.io/service-name";
const otherProxyLabel = "service.kubernetes.io/service-proxy-name";

/** Another proxy looks after it. */
export const hasOtherProxy = ({ metadata }: Service): boolean =>
  metadata.labels?.[otherProxyLabel] !== undefined;

export function planServices(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: NodeView,
): ServicePlan {
  return new ServicePlanner().plan(services, slices, node);
}

/** What was planned of a Service, and what of. */
interface PlannedService {
  readonly slices: readonly EndpointSlice[];
  readonly ports: readonly ServicePort[];
  readonly problems: readonly ServiceProblem[];
  readonly healthCheck: HealthCheck | undefined;
}

/** Plans again only those Services that changed, or whose slices did, since the last time. It takes objects for unchanged that are
 *  the same: nobody changes one in its place. Ports that are the same as the last time are the same objects, too. */
export class ServicePlanner {
  #planned = new Map<Service, PlannedService>();
  #node = "";

  plan(services: readonly Service[], slices: readonly EndpointSlice[], node: NodeView): ServicePlan {
    const nodeText = JSON.stringify(node);
    const known = nodeText === this.#node ? this.#planned : new Map<Service, PlannedService>();
    const slicesOf = slicesByService(slices, familyNames[node.family ?? 4]);
    const planned = new Map<Service, PlannedService>();
    for (const service of inOrderOfAge(services)) {
      const own = slicesOf.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [];
      const before = known.get(service);
      const isSame =
        before?.slices.length === own.length && before.slices.every((slice, at) => slice === own[at]);
      planned.set(service, before !== undefined && isSame ? before : planOne(service, own, node));
    }
    this.#planned = planned;
    this.#node = nodeText;
    const all = [...planned.values()];
    const problems = all.flatMap((one) => one.problems);
    const ports = withoutDoubles(
      all.flatMap((one) => one.ports),
      problems,
    );
    return { ports, problems, healthChecks: all.flatMap((one) => one.healthCheck ?? []) };
  }
}

function planOne(service: Service, slices: readonly EndpointSlice[], node: NodeView): PlannedService {
  const problems: ServiceProblem[] = [];
  const ports = planService(service, slices, { node, problems });
  return { slices, ports, problems, healthCheck: healthCheck(service, ports, problems) };
}

function slicesByService(
  slices: readonly EndpointSlice[],
  addressType: string,
): ReadonlyMap<string, readonly EndpointSlice[]> {
  const slicesOf = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.[serviceName];
    if (name === undefined || slice.addressType !== addressType) continue;
    const key = `${slice.metadata.namespace}/${name}`;
    const list = slicesOf.get(key);
    if (list === undefined) slicesOf.set(key, [slice]);
    else list.push(slice);
  }
  return slicesOf;
}

function planService(
  service: Service,
  slices: readonly EndpointSlice[],
  { node, problems }: { readonly node: NodeView; readonly problems: ServiceProblem[] },
): readonly ServicePort[] {
  const { spec, metadata } = service;
  if (spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  if (hasOtherProxy(service)) return [];
  const fault: AddressFault = (field, value, why) =>
    problems.push({ service, message: `${field}: ${JSON.stringify(value)} ${why}; left out` });
  const { family = 4 } = node;
  const given = spec.clusterIPs ?? [spec.clusterIP];
  const allIps = addressesOf(family, "spec.clusterIPs", given, fault);
  // A Service of the other family alone is nothing of this one's, be it by its node ports.
  const elsewhere = addressesOf(family === 4 ? 6 : 4, "", given, () => undefined);
  if (allIps.length === 0 && elsewhere.length > 0) return [];
  const clusterIps = allIps.filter((address) => address !== node.dnsAddress);
  /** Nobody takes the cluster's DNS over. */
  const others = (field: string, addresses: readonly string[]) =>
    addresses.filter((address) => {
      if (address === node.dnsAddress) fault(field, address, "is the address of the cluster's DNS");
      return address !== node.dnsAddress;
    });
  const externalIps = others(
    "spec.externalIPs",
    addressesOf(family, "spec.externalIPs", spec.externalIPs ?? [], fault),
  );
  const ingress = (service.status?.loadBalancer?.ingress ?? []).filter(
    ({ ip, ipMode }) => ip !== undefined && ip !== "" && ipMode !== "Proxy",
  );
  const balanced = spec.type === "LoadBalancer";
  const sources = balanced ? (spec.loadBalancerSourceRanges ?? []) : [];
  const balancerSources = rangesOf(family, "spec.loadBalancerSourceRanges", sources, fault);
  const ingressIps = ingress.map(({ ip }) => ip ?? "");
  const balancerIps =
    // Ranges of which none is left would let everybody in.
    !balanced || (sources.length > 0 && balancerSources.length === 0)
      ? []
      : others(
          "status.loadBalancer.ingress",
          addressesOf(family, "status.loadBalancer.ingress", ingressIps, fault),
        );
  const affinitySeconds = affinityOf(spec, fault);
  const planned = (spec.ports ?? []).flatMap((port, at): ServicePort[] => {
    const field = `spec.ports[${at}]`;
    const protocol = protocols.find((one) => one === (port.protocol ?? "TCP").toLowerCase());
    if (protocol === undefined) fault(`${field}.protocol`, port.protocol, "is not a protocol of Services");
    if (!isPort(port.port)) fault(`${field}.port`, port.port, "is not a port");
    const nodePort = port.nodePort || undefined;
    if (nodePort !== undefined && !isPort(nodePort)) fault(`${field}.nodePort`, nodePort, "is not a port");
    if (protocol === undefined || !isPort(port.port)) return [];
    return [
      {
        id: `${metadata.namespace}/${metadata.name}:${port.name ?? port.port}`,
        service,
        protocol,
        clusterIps,
        externalIps,
        balancerIps,
        balancerSources,
        port: port.port,
        nodePort: isPort(nodePort) ? nodePort : undefined,
        affinitySeconds,
        internalLocal: spec.internalTrafficPolicy === "Local",
        externalLocal: spec.externalTrafficPolicy === "Local",
        ...endpointsOf(slices, { ...node, name: port.name ?? "", protocol }, fault),
      },
    ];
  });
  // What only the node itself answers is nobody's to proxy.
  return clusterIps.length < allIps.length && clusterIps.length === 0 ? planned.filter(isExternal) : planned;
}

function affinityOf(spec: Service["spec"], fault: AddressFault): number | undefined {
  if (spec.sessionAffinity !== "ClientIP") return undefined;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinityDefaultSeconds;
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= affinityMaxSeconds) return seconds;
  fault("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, "is not a time that can be kept");
  return affinityDefaultSeconds;
}

function healthCheck(
  service: Service,
  ports: readonly ServicePort[],
  problems: ServiceProblem[],
): HealthCheck | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort } = service.spec;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || !healthCheckNodePort) return undefined;
  if (!isPort(healthCheckNodePort)) {
    const message = `spec.healthCheckNodePort: ${JSON.stringify(healthCheckNodePort)} is not a port; left out`;
    problems.push({ service, message });
    return undefined;
  }
  const local = ports.flatMap((port) => port.readyEndpoints.filter(({ isLocal }) => isLocal));
  const localEndpoints = new Set(local.map(({ address }) => address)).size;
  return { service, port: healthCheckNodePort, localEndpoints };
}

/** Takes away addresses and node ports that another port has: a packet can go one way only. Cluster IPs come first: nobody
 *  takes one over by naming it as an external IP. */
function withoutDoubles(ports: readonly ServicePort[], problems: ServiceProblem[]): readonly ServicePort[] {
  const owners = new Map<string, Claim>();
  const mayHave = (claim: Claim, key: string, what: string): boolean => {
    const owner = owners.get(key) ?? claim;
    owners.set(key, owner);
    if (owner === claim) return true;
    problems.push({ service: claim.port.service, message: `${what} is taken by ${owner.port.id}; left out` });
    return false;
  };
  const free = (claim: Claim, addresses: readonly string[]) => {
    const { protocol, port } = claim.port;
    return addresses.filter((ip) => mayHave(claim, `${ip} ${protocol} ${port}`, `${ip}:${port}/${protocol}`));
  };
  // Before anything else of any port.
  const ofClusterIps = ports.map((port) => free({ port }, port.clusterIps));
  return ports.map((port, at) => {
    const { nodePort, protocol } = port;
    const claim = { port };
    const keepsNodePort =
      nodePort === undefined ||
      mayHave(claim, `${protocol} ${nodePort}`, `node port ${nodePort}/${protocol}`);
    const clusterIps = ofClusterIps[at] ?? [];
    const externalIps = free(claim, port.externalIps);
    const balancerIps = free(claim, port.balancerIps);
    const isWhole =
      keepsNodePort &&
      clusterIps.length === port.clusterIps.length &&
      externalIps.length === port.externalIps.length &&
      balancerIps.length === port.balancerIps.length;
    // The same port stays the same object.
    if (isWhole) return port;
    return { ...port, clusterIps, externalIps, balancerIps, nodePort: keepsNodePort ? nodePort : undefined };
  });
}

/** Of a port: for its cluster IPs, or for what leads to it from outside. */
interface Claim {
  readonly port: ServicePort;
}

export const isExternal = (port: ServicePort): boolean =>
  port.nodePort !== undefined || port.externalIps.length > 0 || port.balancerIps.length > 0;

/** What traffic to cluster IPs goes to. */
export const internalEndpoints = (port: ServicePort): readonly Endpoint[] =>
  port.internalLocal ? port.localEndpoints : port.clusterEndpoints;

/** What traffic from outside goes to. */
export const externalEndpoints = (port: ServicePort): readonly Endpoint[] =>
  port.externalLocal ? port.localEndpoints : port.clusterEndpoints;

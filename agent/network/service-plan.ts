import type { EndpointSlice, Service } from "../../client/types.ts";

/** What a node must do for Services, as plain values: each port of each Service, where it is reached, and the endpoints it
 *  leads to. Pure; both proxies (nftables and user space) are made from it. */
export interface ServicePort {
  /** `namespace/name:port`, unique. */
  readonly id: string;
  readonly protocol: "tcp" | "udp";
  readonly clusterIps: readonly string[];
  readonly externalIps: readonly string[];
  readonly port: number;
  readonly nodePort: number | undefined;
  /** Set: the same client goes to the same endpoint for this long after its last connection. */
  readonly affinitySeconds: number | undefined;
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
}

/** Endpoint slices of one Service are found by their kubernetes.io/service-name label. */
export function planServices(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServicePort[] {
  const slicesOf = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (name === undefined || slice.addressType !== "IPv4") continue;
    const key = `${slice.metadata.namespace}/${name}`;
    const list = slicesOf.get(key);
    if (list === undefined) slicesOf.set(key, [slice]);
    else list.push(slice);
  }
  return services.flatMap((service) =>
    servicePorts(
      service,
      slicesOf.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [],
      nodeName,
    ),
  );
}

function servicePorts(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServicePort[] {
  const { spec } = service;
  if (spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  const clusterIps = (spec.clusterIPs ?? [spec.clusterIP]).filter((address) => address.includes("."));
  const affinitySeconds =
    spec.sessionAffinity === "ClientIP"
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
      : undefined;
  return (spec.ports ?? []).flatMap((port): ServicePort[] => {
    const protocol = (port.protocol ?? "TCP").toLowerCase();
    if (protocol !== "tcp" && protocol !== "udp") return [];
    const all = endpointsOf(slices, port.name ?? "", nodeName);
    const local = spec.internalTrafficPolicy === "Local" ? all.filter((endpoint) => endpoint.isLocal) : all;
    return [
      {
        id: `${service.metadata.namespace}/${service.metadata.name}:${port.name ?? port.port}`,
        protocol,
        clusterIps,
        externalIps: spec.externalIPs ?? [],
        port: port.port,
        nodePort: port.nodePort || undefined,
        affinitySeconds,
        endpoints: local,
      },
    ];
  });
}

/** Ready endpoints; where there are none, those that still serve while they terminate (KEP-1669). */
function endpointsOf(slices: readonly EndpointSlice[], portName: string, nodeName: string): Endpoint[] {
  const ready = new Map<string, Endpoint>();
  const leaving = new Map<string, Endpoint>();
  for (const slice of slices) {
    const port = (slice.ports ?? []).find((candidate) => (candidate.name ?? "") === portName)?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, nodeName: node } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (address === undefined) continue;
      const endpoint = { address, port, isLocal: node === nodeName };
      if (conditions?.ready !== false) ready.set(`${address}:${port}`, endpoint);
      else if (conditions.serving && conditions.terminating) leaving.set(`${address}:${port}`, endpoint);
    }
  }
  const chosen = ready.size > 0 ? ready : leaving;
  return [...chosen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

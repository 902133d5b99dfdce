import type { EndpointSlice, Node, Pod, Service } from "../../../client/types.ts";
import { isFinished, isReady } from "../pod-state.ts";

export type ServicePort = NonNullable<Service["spec"]["ports"]>[number];
export type SlicePort = NonNullable<EndpointSlice["ports"]>[number];
export type Endpoint = NonNullable<EndpointSlice["endpoints"]>[number];
export type AddressType = "IPv4" | "IPv6";

/** A pod as a Service's backend: where its ports are. Pure. */
export interface Backend {
  readonly pod: Pod;
  readonly ports: readonly SlicePort[];
}

export function addressTypes(service: Service): readonly AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  const types = families.filter((family): family is AddressType => family === "IPv4" || family === "IPv6");
  return types.length > 0 ? types : ["IPv4"];
}

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === "None";

/** The pods that have an address and are not over, with the Service's ports as each one names them. */
export function backendsOf(service: Service, pods: readonly Pod[], type: AddressType): readonly Backend[] {
  return pods
    .filter((pod) => !isFinished(pod) && addressOf(pod, type) !== undefined)
    .map((pod) => ({ pod, ports: portsOf(service, pod) }))
    .filter(
      ({ ports }) => ports.length > 0 || (isHeadless(service) && (service.spec.ports ?? []).length === 0),
    )
    .sort((a, b) => (a.pod.metadata.name < b.pod.metadata.name ? -1 : 1));
}

export function addressOf(pod: Pod, type: AddressType): string | undefined {
  const listed = (pod.status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  const all = listed.length > 0 ? listed : pod.status?.podIP ? [pod.status.podIP] : [];
  return all.find((ip) => ip.includes(":") === (type === "IPv6"));
}

/** A named target port is looked up in the pod's containers; a pod that has no such port does not serve it. */
function portsOf(service: Service, pod: Pod): readonly SlicePort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { appProtocol } = port;
    return [
      {
        name: port.name ?? "",
        protocol: port.protocol ?? "TCP",
        port: number,
        ...(appProtocol !== undefined && { appProtocol }),
      },
    ];
  });
}

function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort;
  if (target === undefined || target === "" || target === 0) return port.port;
  if (typeof target === "number") return target;
  const { containers, initContainers = [] } = pod.spec;
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  const protocol = port.protocol ?? "TCP";
  return [...containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .find((one) => one.name === target && (one.protocol ?? "TCP") === protocol)?.containerPort;
}

export function endpointOf(
  service: Service,
  { pod }: Backend,
  type: AddressType,
  node: Node | undefined,
): Endpoint {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata.labels?.["topology.kubernetes.io/zone"];
  const hostname = hostnameOf(service, pod);
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [addressOf(pod, type) ?? ""],
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: "Pod", namespace: namespace ?? "", name, uid },
    ...(zone !== undefined && { zone }),
    ...(ready && hintsFor(service, { zone, nodeName: pod.spec.nodeName })),
  };
}

/** Who should rather take this endpoint, where the Service wants traffic to stay near (`trafficDistribution`). */
function hintsFor(
  { spec }: Service,
  { zone, nodeName }: { readonly zone: string | undefined; readonly nodeName: string | undefined },
): Pick<Endpoint, "hints"> {
  if (spec.trafficDistribution === undefined) return {};
  const hints = {
    ...(zone !== undefined && { forZones: [{ name: zone }] }),
    ...(spec.trafficDistribution === "PreferSameNode" &&
      nodeName !== undefined && { forNodes: [{ name: nodeName }] }),
  };
  return Object.keys(hints).length > 0 ? { hints } : {};
}

/** A pod that asks for a name under this Service gets it. */
export function hostnameOf(service: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

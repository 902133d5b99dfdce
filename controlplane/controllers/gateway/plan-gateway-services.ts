import { isIP } from "node:net";
import {
  gatewayKey,
  gatewayPortsOf,
  gatewayPortsText,
  nodeAddresses,
} from "../../../client/gateway/gateway-class.ts";
import type { Gateway } from "../../../client/gateway/gateway-types.ts";
import { type GatewayView, takesRequests } from "../../../client/gateway/listeners.ts";
import { answersIngresses } from "../../../client/rules/ingress-class.ts";
import { poolClass } from "../../../client/rules/load-balancer.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { isNodeReady } from "../node-state.ts";
import { controllerReference } from "../owners.ts";
import { fnv1a32, safeEncode } from "../template-hash.ts";

/** A Gateway has its address from a Service of type LoadBalancer, whose endpoints are ports of nodes that answer for it. Pure. */

/** On Services and EndpointSlices that are made here. */
export const gatewayLabel = "gateway.networking.k8s.io/gateway-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const manager = "gateway-controller.pintle.dev";
const serviceLabel = "kubernetes.io/service-name";

/** Names of Services begin with a letter and have 63 characters at most. */
export function serviceName(gateway: Pick<Gateway, "metadata">): string {
  const plain = gateway.metadata.name
    .replace(/[^-a-z0-9]/g, "-")
    .slice(0, 40)
    .replace(/-+$/, "");
  return `gw-${plain}-${hashOf(gatewayKey(gateway))}`;
}

/** A value of a label has 63 characters at most. */
const labelValue = (name: string) => name.slice(0, 63).replace(/[-.]+$/, "");

const hashOf = (text: string) => safeEncode(String(fnv1a32(new TextEncoder().encode(text))));

export type ServiceDraft = Pick<Service, "spec"> & {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly ownerReferences: NonNullable<Service["metadata"]["ownerReferences"]>;
  };
};

/** Undefined: it is served nowhere. @param hasPool Whether addresses of a pool are to be had. */
export function wantedService(
  { gateway, fault, listeners }: GatewayView,
  hasPool: boolean,
): ServiceDraft | undefined {
  const ports = [...new Set(listeners.filter(takesRequests).map(({ port }) => port))].sort((a, b) => a - b);
  if (fault !== undefined || ports.length === 0 || gateway.metadata.deletionTimestamp !== undefined)
    return undefined;
  const { infrastructure, addresses } = gateway.spec;
  const address = addresses?.[0]?.value;
  return {
    metadata: {
      name: serviceName(gateway),
      namespace: gateway.metadata.namespace ?? "",
      labels: { ...infrastructure?.labels, [gatewayLabel]: labelValue(gateway.metadata.name) },
      annotations: { ...infrastructure?.annotations },
      ownerReferences: [{ ...controllerReference(gateway), blockOwnerDeletion: false }],
    },
    spec: {
      type: "LoadBalancer",
      ipFamilyPolicy: "PreferDualStack",
      // Whoever answers hears from which address a client comes.
      externalTrafficPolicy: "Local",
      ports: ports.map((port) => ({ name: portName(port), port, protocol: "TCP", targetPort: port })),
      ...(address && { loadBalancerIP: address }),
      ...(hasPool && { loadBalancerClass: poolClass, allocateLoadBalancerNodePorts: false }),
    },
  };
}

const portName = (port: number) => `port-${port}`;

/** The Service, one of the Gateway's, as it is to be; undefined: it is so. */
export function changedService(current: Service, wanted: ServiceDraft): Service | undefined {
  const { labels, annotations } = wanted.metadata;
  const before = current.spec.ports ?? [];
  const ports = (wanted.spec.ports ?? []).map(
    (port) => before.find((one) => one.port === port.port && one.name === port.name) ?? port,
  );
  const next: Service = {
    ...current,
    metadata: { ...current.metadata, labels: { ...labels }, annotations: { ...annotations } },
    spec: {
      ...current.spec,
      ports,
      externalTrafficPolicy: "Local",
      // Of a cluster that got another family since.
      ...(current.spec.ipFamilyPolicy === "SingleStack" && { ipFamilyPolicy: "PreferDualStack" }),
    },
  };
  if (wanted.spec.loadBalancerIP === undefined) delete next.spec.loadBalancerIP;
  else next.spec.loadBalancerIP = wanted.spec.loadBalancerIP;
  return facts(next) === facts(current) ? undefined : next;
}

/** Whether the Service is the Gateway's that the draft is for. */
export const isOf = (service: Service, { metadata }: ServiceDraft): boolean =>
  service.metadata.ownerReferences?.some(({ uid }) => uid === metadata.ownerReferences[0]?.uid) ?? false;

const facts = ({ metadata, spec }: Service) =>
  JSON.stringify([
    sorted(metadata.labels),
    sorted(metadata.annotations),
    spec.ports?.map(({ name, port }) => [name, port]),
    spec.externalTrafficPolicy,
    spec.ipFamilyPolicy,
    spec.loadBalancerIP ?? "",
  ]);

const sorted = (map: Readonly<Record<string, string>> | undefined) =>
  Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** What of a node matters here. */
export const nodeFacts = (node: Node): string =>
  JSON.stringify([answersAt(node), gatewayPortsText(node.metadata.annotations)]);

/** At which addresses a node answers; none where it does not. */
function answersAt(node: Node): readonly string[] {
  const isOut =
    !isNodeReady(node) || !answersIngresses(node) || node.metadata.deletionTimestamp !== undefined;
  return isOut ? [] : nodeAddresses(node);
}

export type SliceDraft = Pick<EndpointSlice, "addressType" | "endpoints" | "ports"> & {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: NonNullable<EndpointSlice["metadata"]["ownerReferences"]>;
  };
};

/** For each node that answers for the Gateway of the Service, and each family of addresses that it does so by, with the ports. */
export function wantedSlices(
  gateway: Gateway,
  service: Service,
  nodes: readonly Node[],
): readonly SliceDraft[] {
  const ports = new Set((service.spec.ports ?? []).map(({ port }) => port));
  return nodes.flatMap((node) => {
    const open = Object.entries(gatewayPortsOf(node.metadata.annotations)[gatewayKey(gateway)] ?? {});
    const answered = open.filter(([port]) => ports.has(Number(port)));
    if (answered.length === 0) return [];
    const owner = controllerReference({ apiVersion: "v1", kind: "Service", metadata: service.metadata });
    return answersAt(node).map((address) => {
      const addressType = isIP(address) === 6 ? "IPv6" : "IPv4";
      const place = addressType === "IPv4" ? node.metadata.name : `${node.metadata.name} ${addressType}`;
      return {
        metadata: {
          name: `${service.metadata.name}-${hashOf(place)}`,
          namespace: service.metadata.namespace ?? "",
          labels: { [serviceLabel]: service.metadata.name, [managedByLabel]: manager },
          ownerReferences: [{ ...owner, blockOwnerDeletion: false }],
        },
        addressType,
        endpoints: [
          {
            addresses: [address],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: node.metadata.name,
          },
        ],
        ports: answered.map(([port, at]) => ({ name: portName(Number(port)), port: at, protocol: "TCP" })),
      };
    });
  });
}

export const sliceFacts = ({
  addressType,
  endpoints,
  ports,
}: Pick<EndpointSlice, "addressType" | "endpoints" | "ports">) =>
  JSON.stringify([
    addressType,
    endpoints?.map(({ addresses, nodeName }) => [addresses, nodeName]),
    ports?.map(({ name, port }) => [name, port]),
  ]);

/** Ports of the Gateway at which some node answers. */
export const answeredPorts = (slices: readonly Pick<EndpointSlice, "ports">[]): ReadonlySet<string> =>
  new Set(slices.flatMap(({ ports }) => (ports ?? []).map(({ name = "" }) => name)));

export const isAnswered = (answered: ReadonlySet<string>, port: number): boolean =>
  answered.has(portName(port));

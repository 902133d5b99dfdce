import type { Draft, Endpoints, Pod, Service } from "../../../client/types.ts";
import { canonicalJson } from "../template-hash.ts";
import {
  addressOf,
  addressTypes,
  backendsOf,
  endpointOf,
  hostnameOf,
  isHeadless,
  type SlicePort,
} from "./backends.ts";

const headlessLabel = "service.kubernetes.io/headless";
export const endpointsManagedByLabel = "endpoints.kubernetes.io/managed-by";
export const endpointsManagedBy = "endpoint-controller";
const overCapacity = "endpoints.kubernetes.io/over-capacity";
/** More addresses than this are left out; EndpointSlices hold them all. */
export const addressesMost = 1000;

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Address = NonNullable<Subset["addresses"]>[number];

/** The Endpoints object to write, or undefined when it stands already. Pure. */
export function planEndpoints(
  service: Service,
  pods: readonly Pod[],
  existing: Endpoints | undefined,
): Draft<Endpoints> | undefined {
  const { subsets, truncated } = subsetsOf(service, pods);
  const labels: Record<string, string> = {
    ...service.metadata.labels,
    [endpointsManagedByLabel]: endpointsManagedBy,
    ...(isHeadless(service) && { [headlessLabel]: "" }),
  };
  const { [overCapacity]: _, ...annotations } = existing?.metadata.annotations ?? {};
  if (truncated) annotations[overCapacity] = "truncated";
  const { name, namespace = "" } = service.metadata;
  const same =
    existing !== undefined &&
    canonicalJson(existing.subsets ?? []) === canonicalJson(subsets) &&
    canonicalJson(existing.metadata.labels) === canonicalJson(labels) &&
    canonicalJson(existing.metadata.annotations ?? {}) === canonicalJson(annotations);
  if (same) return undefined;
  return {
    metadata: { ...(existing?.metadata ?? { name, namespace }), labels, annotations },
    subsets,
  };
}

/** One subset for each set of ports, its addresses in order. */
function subsetsOf(
  service: Service,
  pods: readonly Pod[],
): { readonly subsets: Subset[]; readonly truncated: boolean } {
  const type = addressTypes(service)[0] ?? "IPv4";
  const backends = backendsOf(service, pods, type).filter(
    ({ pod }) =>
      pod.metadata.deletionTimestamp === undefined || service.spec.publishNotReadyAddresses === true,
  );
  const groups = new Map<string, { ports: readonly SlicePort[]; ready: Address[]; notReady: Address[] }>();
  for (const backend of backends.slice(0, addressesMost)) {
    const { pod, ports } = backend;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    const { conditions, targetRef } = endpointOf(service, backend, type, undefined);
    const hostname = hostnameOf(service, pod);
    const address: Address = {
      ip: addressOf(pod, type) ?? "",
      ...(hostname !== undefined && { hostname }),
      ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
      ...(targetRef !== undefined && { targetRef }),
    };
    (conditions?.ready === true ? group.ready : group.notReady).push(address);
  }
  const byIp = (a: Address, b: Address) => (a.ip < b.ip ? -1 : 1);
  const subsets = [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([, { ports, ready, notReady }]): Subset => ({
        ...(ready.length > 0 && { addresses: ready.sort(byIp) }),
        ...(notReady.length > 0 && { notReadyAddresses: notReady.sort(byIp) }),
        ...(ports.length > 0 && { ports: ports.map(endpointPort) }),
      }),
    );
  return { subsets, truncated: backends.length > addressesMost };
}

/** Endpoints leave the name of an only port out where slices give it as empty. */
function endpointPort({ name, port, protocol, appProtocol }: SlicePort) {
  return {
    ...(name && { name }),
    port: port ?? 0,
    protocol: protocol ?? "TCP",
    ...(appProtocol !== undefined && { appProtocol }),
  };
}

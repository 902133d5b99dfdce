import type { Draft, EndpointSlice, Node, Pod, Service } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { canonicalJson } from "../template-hash.ts";
import {
  type AddressType,
  addressTypes,
  backendsOf,
  type Endpoint,
  endpointOf,
  isHeadless,
  type SlicePort,
} from "./backends.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const managedBy = "endpointslice-controller.k8s.io";
const headlessLabel = "service.kubernetes.io/headless";

export type SliceAction =
  | { readonly action: "create"; readonly object: Omit<Draft<EndpointSlice>, "metadata"> & SliceMeta }
  | { readonly action: "update"; readonly object: EndpointSlice }
  | { readonly action: "delete"; readonly name: string };
/** Metadata of a new slice, without its name. */
interface SliceMeta {
  readonly metadata: {
    readonly namespace: string;
    readonly labels: Record<string, string>;
    readonly ownerReferences: ReturnType<typeof controllerReference>[];
  };
}

export interface SlicePlanning {
  readonly nodeOf: (name: string) => Node | undefined;
  readonly endpointsPerSliceMost: number;
}

/** Endpoints with the same ports and address family: what may share slices. */
interface Group {
  readonly addressType: AddressType;
  readonly ports: readonly SlicePort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** What brings the stored slices to what the pods are. `slices` are those this controller made for the Service. Pure. */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  slices: readonly EndpointSlice[],
  { nodeOf, endpointsPerSliceMost }: SlicePlanning,
): readonly SliceAction[] {
  const groups = groupsOf(service, pods, nodeOf);
  const actions: SliceAction[] = [];
  const byGroup = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = groupKey(slice.addressType, slice.ports ?? []);
    if (groups.has(key)) byGroup.set(key, [...(byGroup.get(key) ?? []), slice]);
    else actions.push({ action: "delete", name: slice.metadata.name });
  }
  for (const [key, group] of groups)
    actions.push(...planGroup(service, group, byGroup.get(key) ?? [], endpointsPerSliceMost));
  return actions;
}

function groupsOf(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const addressType of addressTypes(service)) {
    const backends = backendsOf(service, pods, addressType);
    for (const backend of backends) {
      const key = groupKey(addressType, backend.ports);
      const group = groups.get(key) ?? { addressType, ports: backend.ports, endpoints: new Map() };
      groups.set(key, group);
      const endpoint = endpointOf(service, backend, addressType, nodeOf(backend.pod.spec.nodeName ?? ""));
      group.endpoints.set(backend.pod.metadata.uid, endpoint);
    }
    // Nobody there: one empty slice says so.
    if (backends.length === 0)
      groups.set(groupKey(addressType, []), { addressType, ports: [], endpoints: new Map() });
  }
  return groups;
}

function groupKey(addressType: string, ports: readonly SlicePort[]): string {
  const sorted = ports.map((port) => canonicalJson(port)).sort();
  return `${addressType} ${sorted.join(" ")}`;
}

/** Endpoints that stay keep their slice; new ones fill the slices that change anyway, then those with room, then new
 *  ones; slices left empty go, but for one when nothing is there at all. */
function planGroup(
  service: Service,
  group: Group,
  slices: readonly EndpointSlice[],
  most: number,
): readonly SliceAction[] {
  const waiting = new Map(group.endpoints);
  const rows = slices.map((slice) => {
    const kept = (slice.endpoints ?? []).flatMap((endpoint) => {
      const uid = endpoint.targetRef?.uid ?? "";
      const next = waiting.get(uid);
      waiting.delete(uid); // an endpoint found a second time is a double and goes
      return next === undefined ? [] : [next];
    });
    return { slice, endpoints: kept };
  });
  const changes = (row: (typeof rows)[number]) => !sameEndpoints(row.slice.endpoints ?? [], row.endpoints);
  const fresh = [...waiting.values()];
  const roomy = [...rows]
    .filter(({ endpoints }) => endpoints.length < most)
    .sort((a, b) => Number(changes(b)) - Number(changes(a)) || b.endpoints.length - a.endpoints.length);
  for (const row of roomy) row.endpoints.push(...fresh.splice(0, Math.max(0, most - row.endpoints.length)));
  const labels = labelsFor(service);
  const nothing = group.endpoints.size === 0;
  const actions: SliceAction[] = [];
  for (const [at, { slice, endpoints }] of rows.entries()) {
    if (endpoints.length === 0 && !(nothing && at === 0))
      actions.push({ action: "delete", name: slice.metadata.name });
    else if (
      !sameEndpoints(slice.endpoints ?? [], endpoints) ||
      canonicalJson(slice.metadata.labels) !== canonicalJson(labels)
    )
      actions.push({
        action: "update",
        object: { ...slice, metadata: { ...slice.metadata, labels }, endpoints },
      });
  }
  if (nothing && rows.length === 0) actions.push(newSlice(service, group, []));
  while (fresh.length > 0) actions.push(newSlice(service, group, fresh.splice(0, most)));
  return actions;
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && canonicalJson(a) === canonicalJson(b);
}

function newSlice(service: Service, group: Group, endpoints: Endpoint[]): SliceAction {
  return {
    action: "create",
    object: {
      metadata: {
        namespace: service.metadata.namespace ?? "",
        labels: labelsFor(service),
        ownerReferences: [controllerReference(service)],
      },
      addressType: group.addressType,
      ports: [...group.ports],
      endpoints,
    },
  };
}

function labelsFor(service: Service): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    ...(isHeadless(service) && { [headlessLabel]: "" }),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  };
}

import { ipv4Text, parseIpv4 } from "../../../base/ipv4.ts";
import { isIpv6 } from "../../../base/ipv6.ts";
import type { Draft, EndpointSlice, Endpoints, Service } from "../../../client/types.ts";
import { controllerReference, isBeingDeleted } from "../owners.ts";
import { canonicalJson } from "../template-hash.ts";
import type { AddressType, Endpoint, SlicePort } from "./backends.ts";
import { managedByLabel, serviceNameLabel } from "./plan-slices.ts";

export const mirroredBy = "endpointslicemirroring-controller.k8s.io";
const skipMirrorLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
/** Of the Endpoints themselves; a slice gets neither. */
const ownAnnotations = [
  "endpoints.kubernetes.io/last-change-trigger-time",
  "kubectl.kubernetes.io/last-applied-configuration",
];

export type MirrorAction =
  | { readonly action: "create"; readonly object: Omit<Draft<EndpointSlice>, "metadata"> & MirrorMeta }
  | { readonly action: "update"; readonly object: EndpointSlice }
  | { readonly action: "delete"; readonly name: string };
interface MirrorMeta {
  readonly metadata: Pick<EndpointSlice["metadata"], "labels" | "annotations" | "ownerReferences"> & {
    readonly namespace: string;
  };
}

export interface MirrorPlan {
  readonly actions: readonly MirrorAction[];
  /** Addresses that are no IP addresses. */
  readonly invalid: number;
  /** Addresses left out, invalid ones among them. */
  readonly skipped: number;
}

interface Group {
  readonly addressType: AddressType;
  readonly ports: readonly SlicePort[];
  readonly endpoints: Endpoint[];
}

/** What makes the slices equal to Endpoints that somebody wrote by hand for a Service without selector; for all others,
 *  what removes the slices that were made. `slices` are those that mirror the Endpoints of this name. Pure. */
export function planMirror(
  endpoints: Endpoints | undefined,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  addressesPerSubsetMost: number,
): MirrorPlan {
  if (endpoints === undefined || !isMirrored(endpoints, service))
    return { actions: slices.map(removal), invalid: 0, skipped: 0 };
  const { groups, invalid, skipped } = groupsOf(endpoints, addressesPerSubsetMost);
  const byGroup = new Map<string, EndpointSlice[]>();
  const actions: MirrorAction[] = [];
  for (const slice of slices) {
    const key = groupKey(slice.addressType, slice.ports ?? []);
    if (groups.has(key)) byGroup.set(key, [...(byGroup.get(key) ?? []), slice]);
    else actions.push(removal(slice));
  }
  for (const [key, group] of groups)
    actions.push(
      ...planGroup(
        endpoints,
        { ...group, endpoints: group.endpoints.slice(0, addressesPerSubsetMost) },
        byGroup.get(key) ?? [],
      ),
    );
  return { actions, invalid, skipped };
}

function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (service === undefined || isBeingDeleted(service)) return false;
  return (
    metadata.deletionTimestamp === undefined &&
    metadata.labels?.[skipMirrorLabel] !== "true" &&
    metadata.annotations?.[leaderAnnotation] === undefined &&
    Object.keys(service.spec.selector ?? {}).length === 0
  );
}

const removal = ({ metadata }: EndpointSlice): MirrorAction => ({ action: "delete", name: metadata.name });

function groupsOf(
  { subsets = [] }: Endpoints,
  addressesPerSubsetMost: number,
): {
  readonly groups: ReadonlyMap<string, Group>;
  readonly invalid: number;
  readonly skipped: number;
} {
  const groups = new Map<string, Group>();
  let invalid = 0;
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    let added = 0;
    const slicePorts = ports.map(
      ({ name = "", port, protocol = "TCP", appProtocol }): SlicePort => ({
        name,
        port,
        protocol,
        ...(appProtocol !== undefined && { appProtocol }),
      }),
    );
    const all = [
      ...addresses.map((address) => ({ address, ready: true })),
      ...notReadyAddresses.map((address) => ({ address, ready: false })),
    ];
    for (const { address, ready } of all) {
      const known = canonicalAddress(address.ip);
      if (known === undefined) invalid++;
      if (known === undefined || added >= addressesPerSubsetMost) {
        skipped++;
        continue;
      }
      added++;
      const key = groupKey(known.type, slicePorts);
      const group = groups.get(key) ?? { addressType: known.type, ports: slicePorts, endpoints: [] };
      groups.set(key, group);
      const { nodeName, hostname, targetRef } = address;
      group.endpoints.push({
        addresses: [known.ip],
        conditions: { ready },
        ...(hostname && { hostname }),
        ...(nodeName !== undefined && { nodeName }),
        ...(targetRef !== undefined && { targetRef }),
      });
    }
  }
  return { groups, invalid, skipped };
}

function canonicalAddress(ip: string): { readonly type: AddressType; readonly ip: string } | undefined {
  const number = parseIpv4(ip);
  if (number !== undefined) return { type: "IPv4", ip: ipv4Text(number) };
  // As URLs write it, which is RFC 5952.
  return isIpv6(ip) ? { type: "IPv6", ip: new URL(`http://[${ip}]/`).hostname.slice(1, -1) } : undefined;
}

function groupKey(addressType: string, ports: readonly SlicePort[]): string {
  return `${addressType} ${ports
    .map((port) => canonicalJson(port))
    .sort()
    .join(" ")}`;
}

/** One slice for each set of ports. */
function planGroup(
  endpoints: Endpoints,
  group: Group,
  [first, ...others]: readonly EndpointSlice[],
): readonly MirrorAction[] {
  const metadata = mirrorMeta(endpoints);
  const wanted = group.endpoints;
  const removals = others.map(removal);
  if (first === undefined)
    return [
      {
        action: "create",
        object: { metadata, addressType: group.addressType, ports: [...group.ports], endpoints: wanted },
      },
      ...removals,
    ];
  // An owner of the same name may be another object by now.
  const { labels = {}, annotations = {}, ownerReferences = [] } = first.metadata;
  const shown = [first.endpoints ?? [], labels, annotations, ownerReferences];
  if (
    canonicalJson(shown) ===
    canonicalJson([wanted, metadata.labels, metadata.annotations, metadata.ownerReferences])
  )
    return removals;
  const object = { ...first, metadata: { ...first.metadata, ...metadata }, endpoints: wanted };
  return [{ action: "update", object }, ...removals];
}

function mirrorMeta(endpoints: Endpoints): MirrorMeta["metadata"] {
  const { name, namespace = "", labels, annotations } = endpoints.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !ownAnnotations.includes(key));
  return {
    namespace,
    labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: mirroredBy },
    annotations: Object.fromEntries(kept),
    ownerReferences: [controllerReference(endpoints)],
  };
}

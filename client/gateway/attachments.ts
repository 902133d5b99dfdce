import { matchesLabels, SelectorError, selectorFromLabelSelector } from "../../base/label-selector.ts";
import { type AnyRoute, gatewayGroup, type Listener, type ParentRef } from "./gateway-types.ts";
import { type Fault, type GatewayView, type ListenerView, takesRequests } from "./listeners.ts";
import { commonHost, commonHosts } from "./route-hosts.ts";

/** Which listeners take a route's requests. Pure. */

export interface Attachment {
  readonly parentRef: ParentRef;
  readonly gateway: GatewayView;
  /** Why none does. */
  readonly fault: Fault | undefined;
  readonly listeners: readonly { readonly listener: ListenerView; readonly hosts: readonly string[] }[];
}

export interface AttachmentWorld {
  /** By `namespace/name`; those of our classes. */
  readonly gateways: ReadonlyMap<string, GatewayView>;
  /** Undefined: there is no such namespace. */
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
}

export interface AttachedRoute {
  readonly of: AnyRoute;
  /** For each of its parents that is ours, in its order. */
  readonly attachments: readonly Attachment[];
}

/** All routes with the listeners that take them. Routes of one kind share a listener's hostname, those of two kinds do not: the
 *  older one has it. What is not served for another reason takes nothing from others. */
export function attachRoutes(
  routes: readonly AnyRoute[],
  world: AttachmentWorld & { readonly isServed: (of: AnyRoute) => boolean },
): readonly AttachedRoute[] {
  const attached = routes.map((of) => ({ of, attachments: attachmentsOf(of, world) }));
  if (new Set(routes.map(({ kind }) => kind)).size < 2) return attached;
  const taken = new Map<ListenerView, { readonly kind: string; readonly host: string }[]>();
  const settled = new Map<AnyRoute, readonly Attachment[]>();
  for (const { of, attachments } of [...attached].sort((a, b) => (age(a.of) < age(b.of) ? -1 : 1))) {
    const kept = attachments.map((one) => withoutTaken(one, of.kind, taken));
    settled.set(of, kept);
    if (!world.isServed(of)) continue;
    for (const { listener, hosts } of kept.flatMap(({ listeners }) => listeners)) {
      const ofListener = taken.get(listener) ?? [];
      taken.set(listener, [...ofListener, ...hosts.map((host) => ({ kind: of.kind, host }))]);
    }
  }
  return attached.map(({ of, attachments }) => ({ of, attachments: settled.get(of) ?? attachments }));
}

const age = ({ route: { metadata } }: AnyRoute) =>
  `${metadata.creationTimestamp ?? ""} ${metadata.namespace ?? ""}/${metadata.name}`;

function withoutTaken(
  attachment: Attachment,
  kind: AnyRoute["kind"],
  taken: ReadonlyMap<ListenerView, readonly { readonly kind: string; readonly host: string }[]>,
): Attachment {
  const isFree = ({ listener, hosts }: Attachment["listeners"][number]) =>
    !(taken.get(listener) ?? []).some(
      (other) => other.kind !== kind && hosts.some((host) => commonHost(host, other.host) !== undefined),
    );
  const listeners = attachment.listeners.filter(isFree);
  if (listeners.length > 0 || attachment.listeners.length === 0) return { ...attachment, listeners };
  const other = kind === "HTTPRoute" ? "GRPCRoute" : "HTTPRoute";
  const message = `an older ${other} has one of the hostnames at this listener`;
  return { ...attachment, listeners, fault: { reason: "HostnameConflict", message } };
}

/** For each of a route's parents that is ours, in its order. */
function attachmentsOf(of: AnyRoute, world: AttachmentWorld): readonly Attachment[] {
  const { route } = of;
  const namespace = route.metadata.namespace ?? "";
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    if ((parentRef.group ?? gatewayGroup) !== gatewayGroup || (parentRef.kind ?? "Gateway") !== "Gateway")
      return [];
    const gateway = world.gateways.get(`${parentRef.namespace ?? namespace}/${parentRef.name}`);
    return gateway === undefined ? [] : [attach(of, parentRef, gateway, world)];
  });
}

function attach(
  { kind, route }: AnyRoute,
  parentRef: ParentRef,
  gateway: GatewayView,
  { namespaceLabels }: AttachmentWorld,
): Attachment {
  const none = (reason: string, message: string): Attachment => ({
    parentRef,
    gateway,
    fault: { reason, message },
    listeners: [],
  });
  const named = gateway.listeners.filter(
    ({ name, port }) =>
      (parentRef.sectionName === undefined || parentRef.sectionName === name) &&
      (parentRef.port === undefined || parentRef.port === port),
  );
  if (named.length === 0)
    return none("NoMatchingParent", "the Gateway has no listener of this name and port");
  const namespace = route.metadata.namespace ?? "";
  const own = gateway.gateway.metadata.namespace ?? "";
  const allowing = named.filter(
    (one) =>
      takesRequests(one) &&
      one.kinds.some((each) => each.kind === kind) &&
      allows(one.listener, { namespace, own, labels: namespaceLabels(namespace) }),
  );
  if (allowing.length === 0)
    return none("NotAllowedByListeners", "no listener takes routes of this kind and namespace");
  const listeners = allowing.flatMap((listener) => {
    const hosts = commonHosts(listener.host, route.spec.hostnames);
    return hosts.length === 0 ? [] : [{ listener, hosts }];
  });
  if (listeners.length === 0)
    return none("NoMatchingListenerHostname", "no listener has a hostname in common with the route");
  return { parentRef, gateway, fault: undefined, listeners };
}

function allows(
  { allowedRoutes }: Listener,
  from: {
    readonly namespace: string;
    readonly own: string;
    readonly labels: Readonly<Record<string, string>> | undefined;
  },
): boolean {
  const allowed = allowedRoutes?.namespaces;
  switch (allowed?.from ?? "Same") {
    case "All":
      return true;
    case "Same":
      return from.namespace === from.own;
    case "Selector":
      return from.labels !== undefined && isSelected(allowed?.selector, from.labels);
    default:
      return false;
  }
}

function isSelected(
  selector: Parameters<typeof selectorFromLabelSelector>[0],
  labels: Readonly<Record<string, string>>,
): boolean {
  try {
    return matchesLabels(selectorFromLabelSelector(selector), labels);
  } catch (error) {
    if (error instanceof SelectorError) return false;
    throw error;
  }
}

import { matchesLabels, SelectorError, selectorFromLabelSelector } from "../../base/label-selector.ts";
import { type AnyRoute, gatewayGroup, type Listener, type ParentRef } from "./gateway-types.ts";
import { type Fault, type GatewayView, type ListenerView, takesRequests } from "./listeners.ts";
import { commonHosts } from "./route-hosts.ts";

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

/** For each of a route's parents that is ours, in its order. */
export function attachmentsOf(of: AnyRoute, world: AttachmentWorld): readonly Attachment[] {
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

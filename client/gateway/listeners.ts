import { isAcceptedClass } from "./gateway-class.ts";
import {
  type AnyRoute,
  type Gateway,
  type GatewayClass,
  gatewayGroup,
  type Listener,
  type ObjectRef,
  type ReferenceGrant,
  type RouteKind,
} from "./gateway-types.ts";
import { isGranted } from "./reference-grants.ts";

/** What can be said of Gateways by themselves, without what their certificates hold. Pure. */

export interface Fault {
  readonly reason: string;
  readonly message: string;
}

export interface CertificateView {
  /** `namespace/name`; undefined where the reference is none to follow. */
  readonly secret: string | undefined;
  readonly fault: Fault | undefined;
}

export interface ListenerView {
  readonly listener: Listener;
  readonly name: string;
  readonly port: number;
  readonly isTls: boolean;
  /** In lower case; "" for every host. */
  readonly host: string;
  readonly kinds: readonly RouteKind[];
  /** Why it takes no route. */
  readonly refused: Fault | undefined;
  /** Why it does not listen beside others of the Gateway. */
  readonly conflict: Fault | undefined;
  readonly kindFault: Fault | undefined;
  readonly certificates: readonly CertificateView[];
}

export interface GatewayView {
  readonly gateway: Gateway;
  /** Why the whole Gateway is not served. */
  readonly fault: Fault | undefined;
  readonly listeners: readonly ListenerView[];
}

/** Those of our classes, as they are served.
 *  @param grants All, or at least those of namespaces that certificates are in. */
export function ownGateways(
  gateways: readonly Gateway[],
  classes: readonly GatewayClass[],
  grants: readonly ReferenceGrant[],
): readonly GatewayView[] {
  const accepted = new Set(classes.filter(isAcceptedClass).map(({ metadata }) => metadata.name));
  return gateways
    .filter(({ spec }) => accepted.has(spec.gatewayClassName))
    .map((gateway) => gatewayView(gateway, grants));
}

export function gatewayView(gateway: Gateway, grants: readonly ReferenceGrant[]): GatewayView {
  const listeners = gateway.spec.listeners ?? [];
  return {
    gateway,
    fault: gatewayFault(gateway),
    listeners: listeners.map((listener) => listenerView(gateway, listener, grants)),
  };
}

function gatewayFault({ spec }: Gateway): Fault | undefined {
  if (spec.infrastructure?.parametersRef !== undefined)
    return {
      reason: "InvalidParameters",
      message: "infrastructure.parametersRef: parameters are not known here",
    };
  if (spec.tls !== undefined) return { reason: "UnsupportedValue", message: "spec.tls is not honoured here" };
  const from = spec.allowedListeners?.namespaces?.from ?? "None";
  if (from !== "None")
    return { reason: "UnsupportedValue", message: "spec.allowedListeners: ListenerSets are not served here" };
  const addresses = spec.addresses ?? [];
  if (addresses.length > 1)
    return { reason: "UnsupportedAddress", message: "spec.addresses: a Gateway has one address here" };
  const type = addresses[0]?.type ?? "IPAddress";
  if (type !== "IPAddress")
    return {
      reason: "UnsupportedAddress",
      message: `spec.addresses: type ${JSON.stringify(type)} is not known here`,
    };
  return undefined;
}

const protocols: Readonly<Record<string, readonly AnyRoute["kind"][]>> = {
  HTTP: ["HTTPRoute", "GRPCRoute"],
  HTTPS: ["HTTPRoute", "GRPCRoute"],
};

function listenerView(gateway: Gateway, listener: Listener, grants: readonly ReferenceGrant[]): ListenerView {
  const { name, port, protocol, hostname = "", allowedRoutes } = listener;
  const known = Object.hasOwn(protocols, protocol) ? (protocols[protocol] ?? []) : [];
  const wanted = allowedRoutes?.kinds;
  const isKnown = ({ group = gatewayGroup, kind }: RouteKind) =>
    group === gatewayGroup && known.some((one) => one === kind);
  const strange = (wanted ?? []).filter((one) => !isKnown(one));
  const kinds =
    wanted === undefined || wanted.length === 0
      ? known.map((kind) => ({ group: gatewayGroup, kind }))
      : wanted.filter(isKnown).map(({ kind }) => ({ group: gatewayGroup, kind }));
  return {
    listener,
    name,
    port,
    isTls: protocol === "HTTPS",
    host: hostname.toLowerCase(),
    kinds,
    refused: refusal(listener, known.length > 0),
    conflict: conflictOf(gateway, listener),
    kindFault:
      known.length === 0 || strange.length === 0
        ? undefined
        : {
            reason: "InvalidRouteKinds",
            message: `not served by this listener: ${strange.map(({ kind }) => kind).join(", ")}`,
          },
    certificates: protocol === "HTTPS" ? certificatesOf(gateway, listener, grants) : [],
  };
}

function refusal({ protocol, tls, allowedRoutes }: Listener, isKnown: boolean): Fault | undefined {
  if (!isKnown)
    return {
      reason: "UnsupportedProtocol",
      message: `protocol ${JSON.stringify(protocol)} is not served here`,
    };
  if (protocol === "HTTPS" && (tls?.mode ?? "Terminate") !== "Terminate")
    return { reason: "UnsupportedValue", message: "tls.mode: HTTPS ends here, or is none" };
  if ((tls?.certificateRefs?.length ?? 0) > 1)
    return {
      reason: "UnsupportedValue",
      message: "tls.certificateRefs: a listener has one certificate here",
    };
  const options = Object.keys(tls?.options ?? {});
  if (options.length > 0)
    return { reason: "UnsupportedValue", message: `tls.options: not honoured here: ${options.join(", ")}` };
  const from = allowedRoutes?.namespaces?.from ?? "Same";
  return ["All", "Same", "Selector", "None"].includes(from)
    ? undefined
    : {
        reason: "UnsupportedValue",
        message: `allowedRoutes.namespaces.from: ${JSON.stringify(from)} is not known here`,
      };
}

function conflictOf({ spec }: Gateway, listener: Listener): Fault | undefined {
  const others = (spec.listeners ?? []).filter((one) => one !== listener && one.port === listener.port);
  const another = others.find(({ protocol }) => protocol !== listener.protocol);
  if (another !== undefined)
    return {
      reason: "ProtocolConflict",
      message: `port ${listener.port} is ${another.protocol}'s by listener ${JSON.stringify(another.name)}`,
    };
  const host = (listener.hostname ?? "").toLowerCase();
  const same = others.find(({ hostname = "" }) => hostname.toLowerCase() === host);
  return same === undefined
    ? undefined
    : {
        reason: "HostnameConflict",
        message: `listener ${JSON.stringify(same.name)} is for the same port and hostname`,
      };
}

function certificatesOf(
  { metadata }: Gateway,
  { tls }: Listener,
  grants: readonly ReferenceGrant[],
): readonly CertificateView[] {
  const refs = tls?.certificateRefs ?? [];
  const namespace = metadata.namespace ?? "";
  if (refs.length === 0)
    return [
      {
        secret: undefined,
        fault: { reason: "InvalidCertificateRef", message: "tls.certificateRefs: there is none" },
      },
    ];
  return refs.map((ref) => certificateView(ref, namespace, grants));
}

function certificateView(
  ref: ObjectRef,
  fromNamespace: string,
  grants: readonly ReferenceGrant[],
): CertificateView {
  const to = { group: "", kind: "Secret", namespace: fromNamespace, ...ref };
  if (to.group !== "" || to.kind !== "Secret")
    return {
      secret: undefined,
      fault: { reason: "InvalidCertificateRef", message: `certificates are in Secrets, not in ${to.kind}` },
    };
  const secret = `${to.namespace}/${to.name}`;
  if (!isGranted({ fromKind: "Gateway", fromNamespace, to }, grants))
    return {
      secret: undefined,
      fault: {
        reason: "RefNotPermitted",
        message: `no ReferenceGrant allows secret ${JSON.stringify(secret)}`,
      },
    };
  return { secret, fault: undefined };
}

/** Whether requests may come in by it, were its certificates as they should be. */
export const takesRequests = ({ refused, conflict }: ListenerView): boolean =>
  refused === undefined && conflict === undefined;

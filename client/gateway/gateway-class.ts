import { isIP } from "node:net";
import type { Node } from "../types.ts";
import type { Gateway, GatewayClass, GatewayClassSpec } from "./gateway-types.ts";

/** Which Gateways the nodes answer for, and what of Gateway API they do. API server, controllers and agents decide alike. Pure. */

/** The controller of a class whose Gateways are the nodes' to answer for. */
export const gatewayController = "pintle.dev/gateway";

export const isOwnGatewayClass = ({ spec }: { readonly spec?: GatewayClassSpec }): boolean =>
  spec?.controllerName === gatewayController;

/** Parameters are none that we know. */
export const isAcceptedClass = (one: Pick<GatewayClass, "spec">): boolean =>
  isOwnGatewayClass(one) && one.spec.parametersRef === undefined;

/** In the order of the alphabet, as the specification wants them. */
export const supportedFeatures: readonly string[] = [
  "BackendTLSPolicy",
  "BackendTLSPolicySANValidation",
  "GRPCRoute",
  "GRPCRouteNamedRouteRule",
  "Gateway",
  "GatewayAddressEmpty",
  "GatewayHTTPListenerIsolation",
  "GatewayHTTPSListenerDetectMisdirectedRequests",
  "GatewayInfrastructurePropagation",
  "GatewayPort8080",
  "HTTPRoute",
  "HTTPRoute303RedirectStatusCode",
  "HTTPRoute307RedirectStatusCode",
  "HTTPRoute308RedirectStatusCode",
  "HTTPRouteBackendProtocolH2C",
  "HTTPRouteBackendProtocolWebSocket",
  "HTTPRouteBackendRequestHeaderModification",
  "HTTPRouteBackendTimeout",
  "HTTPRouteCORS",
  "HTTPRouteHostRewrite",
  "HTTPRouteMethodMatching",
  "HTTPRouteNamedRouteRule",
  "HTTPRouteParentRefPort",
  "HTTPRoutePathRedirect",
  "HTTPRoutePathRewrite",
  "HTTPRoutePortRedirect",
  "HTTPRouteQueryParamMatching",
  "HTTPRouteRequestMirror",
  "HTTPRouteRequestMultipleMirrors",
  "HTTPRouteRequestPercentageMirror",
  "HTTPRouteRequestTimeout",
  "HTTPRouteResponseHeaderModification",
  "HTTPRouteRetry",
  "HTTPRouteRetryBackendTimeout",
  "HTTPRouteRetryConnectionError",
  "HTTPRouteSchemeRedirect",
  "ReferenceGrant",
];

/** On a Node: `{"NAMESPACE/GATEWAY": {"PORT OF ITS LISTENERS": PORT OF THE NODE}}`, said by its agent while it listens. */
const gatewayPortsAnnotation = "pintle.dev/gateway-ports";
/** Larger texts are not read. */
const annotationCharsMax = 200_000;

export type GatewayPorts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export const gatewayPortsAnnotations = (ports: GatewayPorts): Readonly<Record<string, string | null>> => ({
  [gatewayPortsAnnotation]: Object.keys(ports).length === 0 ? null : JSON.stringify(ports),
});

export const gatewayPortsText = (annotations: Readonly<Record<string, string>> | undefined): string =>
  annotations?.[gatewayPortsAnnotation] ?? "";

/** What a Node says, as far as it can be read. */
export function gatewayPortsOf(annotations: Readonly<Record<string, string>> | undefined): GatewayPorts {
  const text = gatewayPortsText(annotations);
  if (text === "" || text.length > annotationCharsMax) return {};
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return {};
  }
  const found: Record<string, Record<string, number>> = {};
  for (const [gateway, ports] of Object.entries(objectOf(read)))
    found[gateway] = Object.fromEntries(
      Object.entries(objectOf(ports)).filter(
        (pair): pair is [string, number] => isPort(Number(pair[0])) && isPort(pair[1]),
      ),
    );
  return found;
}

const objectOf = (value: unknown): object => (typeof value === "object" && value !== null ? value : {});

const isPort = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;

/** The addresses of a node at which it answers for Gateways: one of each family that it has, at the same ports. */
export function nodeAddresses({ status }: Pick<Node, "status">): readonly string[] {
  const all = (status?.addresses ?? []).flatMap(({ type, address }) =>
    type === "InternalIP" && isIP(address) !== 0 ? [address] : [],
  );
  return all.filter((address, at) => all.findIndex((other) => isIP(other) === isIP(address)) === at);
}

export const gatewayKey = ({ metadata }: Pick<Gateway, "metadata">): string =>
  `${metadata.namespace ?? ""}/${metadata.name}`;

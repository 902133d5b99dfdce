import type {
  AnyRoute,
  BackendTlsPolicy,
  Gateway,
  GatewayClass,
  GatewaySpec,
  GrpcRoute,
  HttpRoute,
  ReferenceGrant,
} from "../gateway-types.ts";

/** Objects of Gateway API for tests, each of namespace `ns` unless it says otherwise. */

const meta = (name: string, namespace: string | undefined, more: object = {}) => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: "1",
  generation: 1,
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...(namespace !== undefined && { namespace }),
  ...more,
});
const apiVersion = "gateway.networking.k8s.io/v1";

export const gatewayClass = (name = "pintle", spec: Partial<GatewayClass["spec"]> = {}): GatewayClass => ({
  apiVersion,
  kind: "GatewayClass",
  metadata: meta(name, undefined),
  spec: { controllerName: "pintle.dev/gateway", ...spec },
});

export const gateway = (name: string, spec: Partial<GatewaySpec> = {}, namespace = "ns"): Gateway => ({
  apiVersion,
  kind: "Gateway",
  metadata: meta(name, namespace),
  spec: {
    gatewayClassName: "pintle",
    listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
    ...spec,
  },
});

type OfKind<K extends AnyRoute["kind"]> = Extract<AnyRoute, { kind: K }>;

export const httpRoute = (
  name: string,
  spec: Partial<HttpRoute["spec"]> = {},
  { namespace = "ns", ...more }: { readonly namespace?: string; readonly creationTimestamp?: string } = {},
): OfKind<"HTTPRoute"> => ({
  kind: "HTTPRoute",
  route: {
    apiVersion,
    kind: "HTTPRoute",
    metadata: meta(name, namespace, more),
    spec: { parentRefs: [{ name: "gw" }], ...spec },
  },
});

export const grpcRoute = (name: string, spec: Partial<GrpcRoute["spec"]> = {}): OfKind<"GRPCRoute"> => ({
  kind: "GRPCRoute",
  route: {
    apiVersion,
    kind: "GRPCRoute",
    metadata: meta(name, "ns"),
    spec: { parentRefs: [{ name: "gw" }], ...spec },
  },
});

export const tlsPolicy = (
  name: string,
  spec: Partial<BackendTlsPolicy["spec"]> & Pick<BackendTlsPolicy["spec"], "validation">,
  more: object = {},
): BackendTlsPolicy => ({
  apiVersion,
  kind: "BackendTLSPolicy",
  metadata: meta(name, "ns", more),
  spec: { targetRefs: [{ group: "", kind: "Service", name: "web" }], ...spec },
});

export const grant = (
  namespace: string,
  from: { readonly kind: string; readonly namespace: string },
  to: { readonly kind: string; readonly name?: string },
): ReferenceGrant => ({
  apiVersion: "gateway.networking.k8s.io/v1beta1",
  kind: "ReferenceGrant",
  metadata: meta(`grant-${namespace}`, namespace),
  spec: { from: [{ group: "gateway.networking.k8s.io", ...from }], to: [{ group: "", ...to }] },
});

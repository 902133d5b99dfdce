import type { Condition, LabelSelector, Meta, Resource } from "../types.ts";

/** The kinds of Gateway API (gateway.networking.k8s.io) as they stand in JSON, as far as they are looked at here. */

export const gatewayGroup = "gateway.networking.k8s.io";

interface Stored<Spec, Status> {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  spec: Spec;
  status?: Status;
}

export interface GatewayClassSpec {
  readonly controllerName: string;
  readonly parametersRef?: object;
}
export interface GatewayClassStatus {
  readonly conditions?: readonly Condition[];
  readonly supportedFeatures?: readonly { readonly name: string }[];
}
export type GatewayClass = Stored<GatewayClassSpec, GatewayClassStatus>;

export interface ObjectRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface RouteKind {
  readonly group?: string;
  readonly kind: string;
}

export interface Listener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly tls?: {
    readonly mode?: string;
    readonly certificateRefs?: readonly ObjectRef[];
    readonly options?: Readonly<Record<string, string>>;
  };
  readonly allowedRoutes?: {
    readonly namespaces?: { readonly from?: string; readonly selector?: LabelSelector };
    readonly kinds?: readonly RouteKind[];
  };
}

export interface GatewaySpec {
  readonly gatewayClassName: string;
  readonly listeners?: readonly Listener[];
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[];
  readonly infrastructure?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly parametersRef?: object;
  };
  readonly tls?: object;
  readonly allowedListeners?: { readonly namespaces?: { readonly from?: string } };
}
export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly RouteKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}
export interface GatewayStatus {
  readonly addresses?: readonly { readonly type?: string; readonly value: string }[];
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly ListenerStatus[];
}
export type Gateway = Stored<GatewaySpec, GatewayStatus>;

export interface ParentRef extends ObjectRef {
  readonly sectionName?: string;
  readonly port?: number;
}
export interface RouteParentStatus {
  readonly parentRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}
export interface RouteStatus {
  readonly parents: readonly RouteParentStatus[];
}

export interface HeaderValue {
  readonly name: string;
  readonly value: string;
}
export interface HeaderModifier {
  readonly set?: readonly HeaderValue[];
  readonly add?: readonly HeaderValue[];
  readonly remove?: readonly string[];
}
export interface PathModifier {
  readonly type: string;
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}
export interface RouteFilter {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderModifier;
  readonly responseHeaderModifier?: HeaderModifier;
  readonly requestRedirect?: {
    readonly scheme?: string;
    readonly hostname?: string;
    readonly path?: PathModifier;
    readonly port?: number;
    readonly statusCode?: number;
  };
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier };
  readonly requestMirror?: {
    readonly backendRef: BackendRef;
    readonly percent?: number;
    readonly fraction?: { readonly numerator: number; readonly denominator?: number };
  };
  readonly cors?: {
    readonly allowOrigins?: readonly string[];
    readonly allowCredentials?: boolean;
    readonly allowMethods?: readonly string[];
    readonly allowHeaders?: readonly string[];
    readonly exposeHeaders?: readonly string[];
    readonly maxAge?: number;
  };
}
export interface BackendRef extends ObjectRef {
  readonly port?: number;
  readonly weight?: number;
  readonly filters?: readonly RouteFilter[];
}
export interface NamedMatch {
  readonly type?: string;
  readonly name: string;
  readonly value: string;
}
export interface HttpMatch {
  readonly path?: { readonly type?: string; readonly value?: string };
  readonly headers?: readonly NamedMatch[];
  readonly queryParams?: readonly NamedMatch[];
  readonly method?: string;
}
export interface GrpcMatch {
  readonly method?: { readonly type?: string; readonly service?: string; readonly method?: string };
  readonly headers?: readonly NamedMatch[];
}
export interface RouteRule<Match> {
  readonly name?: string;
  readonly matches?: readonly Match[];
  readonly filters?: readonly RouteFilter[];
  readonly backendRefs?: readonly BackendRef[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
  readonly retry?: {
    readonly codes?: readonly number[];
    readonly attempts?: number;
    readonly backoff?: string;
  };
  readonly sessionPersistence?: {
    readonly sessionName?: string;
    readonly absoluteTimeout?: string;
    readonly type?: string;
    readonly cookieConfig?: { readonly lifetimeType?: string };
  };
}
export interface RouteSpec<Match> {
  readonly parentRefs?: readonly ParentRef[];
  readonly hostnames?: readonly string[];
  readonly rules?: readonly RouteRule<Match>[];
}
export type HttpRoute = Stored<RouteSpec<HttpMatch>, RouteStatus>;
export type GrpcRoute = Stored<RouteSpec<GrpcMatch>, RouteStatus>;
export type AnyRoute =
  | { readonly kind: "HTTPRoute"; readonly route: HttpRoute }
  | { readonly kind: "GRPCRoute"; readonly route: GrpcRoute };

export type ReferenceGrant = Stored<
  {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  },
  never
>;

export interface PolicyAncestorStatus {
  readonly ancestorRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}
export type BackendTlsPolicy = Stored<
  {
    readonly targetRefs: readonly (ObjectRef & { readonly sectionName?: string })[];
    readonly validation: {
      readonly caCertificateRefs?: readonly ObjectRef[];
      readonly wellKnownCACertificates?: string;
      readonly hostname: string;
      readonly subjectAltNames?: readonly {
        readonly type: string;
        readonly hostname?: string;
        readonly uri?: string;
      }[];
    };
    readonly options?: Readonly<Record<string, string>>;
  },
  { readonly ancestors: readonly PolicyAncestorStatus[] }
>;

const row = <T>(kind: string, plural: string, version = "v1", namespaced = true): Resource<T> => ({
  group: gatewayGroup,
  version,
  kind,
  plural,
  namespaced,
});

export const gatewayResources = {
  gatewayclasses: row<GatewayClass>("GatewayClass", "gatewayclasses", "v1", false),
  gateways: row<Gateway>("Gateway", "gateways"),
  httproutes: row<HttpRoute>("HTTPRoute", "httproutes"),
  grpcroutes: row<GrpcRoute>("GRPCRoute", "grpcroutes"),
  // Every release of the definitions serves this version; newer ones v1, too.
  referencegrants: row<ReferenceGrant>("ReferenceGrant", "referencegrants", "v1beta1"),
  backendtlspolicies: row<BackendTlsPolicy>("BackendTLSPolicy", "backendtlspolicies"),
} as const;

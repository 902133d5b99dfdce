import type { Service } from "../types.ts";
import type { PolicyView, TlsPolicies } from "./backend-tls.ts";
import type { AnyRoute, BackendRef, ReferenceGrant } from "./gateway-types.ts";
import type { Fault } from "./listeners.ts";
import { isGranted } from "./reference-grants.ts";

/** Where routes lead. Pure. */

export type BackendView =
  | {
      readonly namespace: string;
      readonly service: string;
      readonly port: number;
      /** What the Service says that is spoken there. */
      readonly isHttp2: boolean;
      /** The policy by which it is spoken to by TLS. */
      readonly policy: PolicyView | undefined;
    }
  | { readonly fault: Fault };

export interface BackendWorld {
  readonly service: (key: string) => Service | undefined;
  readonly grants: readonly ReferenceGrant[];
  readonly policies: TlsPolicies;
}

export function backendOf(
  of: AnyRoute,
  ref: BackendRef,
  { service, grants, policies }: BackendWorld,
): BackendView {
  const fromNamespace = of.route.metadata.namespace ?? "";
  const to = {
    group: ref.group ?? "",
    kind: ref.kind ?? "Service",
    namespace: ref.namespace ?? fromNamespace,
    name: ref.name,
  };
  const fault = (reason: string, message: string): BackendView => ({ fault: { reason, message } });
  if (to.group !== "" || to.kind !== "Service")
    return fault("InvalidKind", `backends are Services, not ${to.kind} of ${JSON.stringify(to.group)}`);
  const key = `${to.namespace}/${to.name}`;
  if (!isGranted({ fromKind: of.kind, fromNamespace, to }, grants))
    return fault("RefNotPermitted", `no ReferenceGrant allows service ${JSON.stringify(key)}`);
  const found = service(key);
  if (found === undefined) return fault("BackendNotFound", `service ${JSON.stringify(key)}: there is none`);
  // Whatever it names, the node would ask it as itself.
  if (found.spec.type === "ExternalName")
    return fault(
      "UnsupportedValue",
      `service ${JSON.stringify(key)}: of type ExternalName, which is not served`,
    );
  const port = found.spec.ports?.find((one) => one.port === ref.port);
  if (port === undefined)
    return fault("BackendNotFound", `service ${JSON.stringify(key)}: has no port ${ref.port}`);
  if ((port.protocol ?? "TCP") !== "TCP")
    return fault("UnsupportedProtocol", `service ${JSON.stringify(key)}: port ${ref.port} is not TCP`);
  const policy = policies.of(to.namespace, to.name, port.name);
  if (policy === undefined && (port.appProtocol === "https" || port.appProtocol === "kubernetes.io/wss"))
    return fault(
      "UnsupportedProtocol",
      `service ${JSON.stringify(key)}: port ${ref.port} is of ${port.appProtocol}, and no BackendTLSPolicy says whom to trust`,
    );
  return {
    namespace: to.namespace,
    service: to.name,
    port: port.port,
    isHttp2: of.kind === "GRPCRoute" || port.appProtocol === "kubernetes.io/h2c",
    policy,
  };
}

/** What is wrong with any of its backends, and of those that are sent copies: the first such thing. */
export function backendsFault(of: AnyRoute, world: BackendWorld): Fault | undefined {
  for (const ref of backendRefsOf(of)) {
    const found = backendOf(of, ref, world);
    if ("fault" in found) return found.fault;
  }
  return undefined;
}

export const backendRefsOf = ({ route }: AnyRoute): readonly BackendRef[] =>
  (route.spec.rules ?? []).flatMap(({ backendRefs = [], filters = [] }) => [
    ...backendRefs,
    ...filters.flatMap(({ requestMirror }) => requestMirror?.backendRef ?? []),
  ]);

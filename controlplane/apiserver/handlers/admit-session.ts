import type { Cancellation } from "../../../base/cancellation.ts";
import type { Requester } from "../admission/admission.ts";
import type { User } from "../filters/authentication.ts";
import type { ResourceInfo } from "../filters/request-info.ts";
import type { JsonObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import type { HandlerDeps } from "./call.ts";

/** What begins a session: exec, attach, portforward, proxy. */
export interface SessionRequest {
  readonly target: ResourceInfo;
  readonly served: ServedKind;
  readonly query: URLSearchParams;
  readonly user: User;
  readonly cancellation: Cancellation;
  warn(text: string): void;
  annotate(key: string, value: string): void;
}

/** Lets admission see a session before it begins, as Kubernetes does: operation CONNECT, with the options of the session as
 *  the object. Fails as admission says. */
export async function admitSession(
  deps: Pick<HandlerDeps, "admission">,
  request: SessionRequest,
  options: JsonObject,
): Promise<void> {
  const { target, served, user, cancellation } = request;
  const by: Requester = {
    user,
    verb: target.verb,
    subresource: target.subresource,
    name: target.name,
    served,
    cancellation,
    options: () => undefined,
    warn: (text) => request.warn(text),
    annotate: (key, value) => request.annotate(key, value),
  };
  const connection = { kind: served.kind, by, namespace: target.namespace, options };
  await deps.admission.mutateConnect(connection);
  await deps.admission.validateConnect(connection);
}

type Reader = (query: URLSearchParams, name: string) => unknown;

const text: Reader = (query, name) => query.get(name) || undefined;
const texts: Reader = (query, name) => (query.has(name) ? query.getAll(name) : undefined);
/** What Go takes for true. */
const flag: Reader = (query, name) =>
  ["1", "t", "T", "true", "TRUE", "True"].includes(query.get(name) ?? "") || undefined;
const numbers: Reader = (query, name) =>
  query.has(name)
    ? query.getAll(name).flatMap((list) => list.split(",").map(Number).filter(Number.isInteger))
    : undefined;

type Fields = readonly (readonly [name: string, read: Reader])[];
const streams: Fields = [
  ["stdin", flag],
  ["stdout", flag],
  ["stderr", flag],
  ["tty", flag],
  ["container", text],
];
const kinds: Readonly<Record<string, { readonly kind: string; readonly fields: Fields }>> = {
  exec: { kind: "PodExecOptions", fields: [...streams, ["command", texts]] },
  attach: { kind: "PodAttachOptions", fields: streams },
  portforward: { kind: "PodPortForwardOptions", fields: [["ports", numbers]] },
};

/** PodExecOptions and the like, as a query says them. Pure. */
export function sessionOptions(
  subresource: "exec" | "attach" | "portforward",
  query: URLSearchParams,
): JsonObject {
  const { kind, fields = [] } = kinds[subresource] ?? {};
  const said = fields.map(([name, read]) => [name, read(query, name)] as const);
  return {
    kind,
    apiVersion: "v1",
    ...Object.fromEntries(said.filter(([, value]) => value !== undefined)),
  };
}

/** PodProxyOptions and the like. @param path What follows `proxy` in the URL, with its slash. Pure. */
export function proxyOptions(kind: "Pod" | "Service" | "Node", path: string): JsonObject {
  return { kind: `${kind}ProxyOptions`, apiVersion: "v1", ...(path !== "" && { path }) };
}

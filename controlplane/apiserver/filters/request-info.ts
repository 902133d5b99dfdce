import type { IncomingHttpHeaders } from "node:http";
import { goQuery } from "./go-query.ts";

/** What a request asks for, read from method, path and query. Pure. Rules: Kubernetes' RequestInfoFactory. */
export interface RequestInfo {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Absent for paths that name no resource: /version, /healthz, discovery. */
  readonly resource: ResourceInfo | undefined;
  /** For access rules: the resource verb, or the method in lower case. */
  readonly verb: string;
  /** Why nothing can be made of it. */
  readonly flaw?: string;
}

export interface ResourceInfo {
  readonly verb: ResourceVerb;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  /** A namespace is in itself. */
  readonly namespace: string;
  readonly name: string;
  /** Whether the path goes on after the subresource. Access rules do not look there; only proxies and other servers serve it. */
  readonly hasTail: boolean;
}

/** Empty: a method that is none of the API's, such as OPTIONS. */
export type ResourceVerb =
  | ""
  | "create"
  | "get"
  | "list"
  | "watch"
  | "update"
  | "patch"
  | "delete"
  | "deletecollection";

/** Subresources of a namespace itself; anything else after `namespaces/NAME/` is a resource inside it. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

export function requestInfo(method: string, url: string): RequestInfo {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = goQuery(mark < 0 ? "" : url.slice(mark + 1));
  const resource = resourceInfo(method, path, query);
  const verb = resource?.verb ?? method.toLowerCase();
  if (resource === undefined || !saysVerbAlone(resource)) return { method, path, query, resource, verb };
  const flaw = `unable to determine kind and namespace from url, ${url}`;
  return { method, path, query, resource, verb, flaw };
}

function resourceInfo(method: string, path: string, query: URLSearchParams): ResourceInfo | undefined {
  const parts = decodedParts(path);
  const isNamed = parts[0] === "apis";
  if (!isNamed && parts[0] !== "api") return undefined;
  const group = isNamed ? (parts[1] ?? "") : "";
  const versionAt = isNamed ? 2 : 1;
  const version = parts[versionAt];
  let at = versionAt + 1;
  const left = () => parts.length - at;
  if (version === undefined || left() === 0) return undefined;
  const oldWatch = parts[at] === "watch" && left() > 1;
  if (oldWatch) at++;
  let namespace = "";
  if (parts[at] === "namespaces" && left() > 1) {
    namespace = parts[at + 1] ?? "";
    if (left() > 2 && !namespaceSubresources.has(parts[at + 2] ?? "")) at += 2;
  }
  const name = parts[at + 1] ?? "";
  const verb = verbOf(method, name, query);
  return {
    verb: oldWatch && verb !== "" ? "watch" : verb,
    group,
    version,
    plural: parts[at] ?? "",
    subresource: parts[at + 2] ?? "",
    namespace,
    name,
    hasTail: left() > 3,
  };
}

/** A path of old, in which the verb comes first, with nothing behind the verb. */
function saysVerbAlone({ plural, name, namespace }: ResourceInfo): boolean {
  return (plural === "watch" || plural === "proxy") && name === "" && namespace === "";
}

function decodedParts(path: string): string[] {
  // An escaped slash divides, as in Kubernetes.
  const parts = (path.includes("%") ? decodedPath(path) : path).split("/").slice(1);
  while (parts.at(-1) === "") parts.pop();
  return parts;
}

/** Bytes that are no UTF-8 are in no name. */
function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    const bytes = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(bytes, "latin1").toString("utf8");
  }
}

function verbOf(method: string, name: string, query: URLSearchParams): ResourceVerb {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === "" ? "deletecollection" : "delete";
    case "GET":
    case "HEAD": {
      if (name !== "") return "get";
      return truthy(query.get("watch")) ? "watch" : "list";
    }
    default:
      return "";
  }
}

/** Kubernetes' reading of a boolean query parameter: present and neither `false`, in whichever case, nor `0`. */
export function truthy(value: string | null): boolean {
  return value !== null && value.toLowerCase() !== "false" && value !== "0";
}

const sessions: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy"]);

/** Requests that stay open and so do not count against the number in flight. */
export function isLongRunning(info: RequestInfo): boolean {
  const { resource } = info;
  if (resource === undefined) return false;
  if (resource.verb === "watch") return true;
  if (resource.group === "logs.pintle.dev") return true;
  if (resource.subresource === "log") return truthy(info.query.get("follow"));
  return sessions.has(resource.subresource);
}

/** One value of a header that may come several times. */
export function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

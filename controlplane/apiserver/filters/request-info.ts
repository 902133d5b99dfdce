import type { IncomingHttpHeaders } from "node:http";

/** What a request asks for, read from method, path and query. Pure. Rules: Kubernetes' RequestInfoFactory. */
export interface RequestInfo {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Absent for paths that name no resource: /version, /healthz, discovery. */
  readonly resource: ResourceInfo | undefined;
  /** For access rules: the resource verb, or the method in lower case. */
  readonly verb: string;
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
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  const resource = resourceInfo(method, path, query);
  return { method, path, query, resource, verb: resource?.verb ?? method.toLowerCase() };
}

function resourceInfo(method: string, path: string, query: URLSearchParams): ResourceInfo | undefined {
  const parts = decodedParts(path);
  if (parts === undefined) return undefined;
  const [root, ...rest] = parts;
  let group = "";
  if (root === "apis") group = rest.shift() ?? "";
  else if (root !== "api") return undefined;
  const version = rest.shift();
  if (version === undefined || rest.length === 0) return undefined;
  const oldWatch = rest[0] === "watch" && rest.length > 1;
  if (oldWatch) rest.shift();
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 1) {
    namespace = rest[1] ?? "";
    if (rest.length > 2 && !namespaceSubresources.has(rest[2] ?? "")) rest.splice(0, 2);
  }
  const [plural = "", name = "", subresource = ""] = rest;
  const info = { group, version, plural, subresource, namespace, name, hasTail: rest.length > 3 };
  const verb = verbOf(method, info, query);
  return { verb: oldWatch && verb !== "" ? "watch" : verb, ...info };
}

function decodedParts(path: string): string[] | undefined {
  try {
    // An escaped slash divides, as in Kubernetes.
    const parts = (path.includes("%") ? decodeURIComponent(path) : path).split("/").slice(1);
    while (parts.at(-1) === "") parts.pop();
    return parts;
  } catch {
    return undefined; // a malformed escape names no resource
  }
}

function verbOf(method: string, info: { readonly name: string }, query: URLSearchParams): ResourceVerb {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return info.name === "" ? "deletecollection" : "delete";
    case "GET":
    case "HEAD": {
      if (info.name !== "") return "get";
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

/** Requests that stay open and so do not count against the number in flight. */
export function isLongRunning(info: RequestInfo): boolean {
  const { resource } = info;
  if (resource === undefined) return false;
  if (resource.verb === "watch") return true;
  if (resource.subresource === "log") return truthy(info.query.get("follow"));
  return ["exec", "attach", "portforward", "proxy"].includes(resource.subresource);
}

/** One value of a header that may come several times. */
export function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

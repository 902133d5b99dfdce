import { healthPaths } from "../discovery/health.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { RequestInfo, ResourceInfo } from "./request-info.ts";

export interface MetricLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: "" | "cluster" | "namespace" | "resource";
  readonly component: "" | "apiserver";
}

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const sessions: ReadonlySet<string> = new Set(["log", "exec", "portforward", "attach", "proxy"]);
const applyType = "application/apply-patch+yaml";
/** Paths that are no resource, as Kubernetes counts them. */
const plainPaths: ReadonlySet<string> = new Set(healthPaths.map((path) => `/${path}`));

/** How a request is counted, in Kubernetes' words. Only names of what is served become labels: whatever else a client writes
 *  into a path or method would grow the metrics for ever. Pure. */
export function metricLabels(
  { method, path, resource }: Pick<RequestInfo, "method" | "path" | "resource">,
  kinds: Kinds,
  contentType = "",
): MetricLabels {
  const subresource = plainPaths.has(path) ? path : "";
  const unknown: MetricLabels = {
    verb: methods.has(method) ? (method === "HEAD" ? "GET" : method) : "other",
    group: "",
    version: "",
    resource: "",
    subresource,
    scope: "",
    component: subresource === "" ? "apiserver" : "",
  };
  if (resource === undefined || !isServed(resource, kinds)) return unknown;
  const { group, version, plural } = resource;
  const scope = scopeOf(resource);
  const verb = verbOf(resource, unknown.verb, contentType);
  return {
    verb,
    group,
    version,
    resource: plural,
    subresource: resource.subresource,
    scope,
    component: "apiserver",
  };
}

function scopeOf({ name, verb, namespace }: ResourceInfo): MetricLabels["scope"] {
  if (name !== "" || verb === "create") return "resource";
  return namespace === "" ? "cluster" : "namespace";
}

function verbOf({ verb, subresource }: ResourceInfo, method: string, contentType: string): string {
  if (sessions.has(subresource)) return "CONNECT";
  if (verb === "watch") return "WATCH";
  if (verb === "list") return "LIST";
  return verb === "patch" && contentType.startsWith(applyType) ? "APPLY" : method;
}

function isServed({ group, version, plural, subresource }: ResourceInfo, kinds: Kinds): boolean {
  if (plural === "bindings" && group === "" && version === "v1") return subresource === "";
  const subresources = kinds.byResource(group, version, plural)?.subresources;
  if (subresources === undefined) return false;
  const { status, scale, parts = {}, special = [] } = subresources;
  return (
    subresource === "" ||
    (subresource === "status" && status) ||
    (subresource === "scale" && scale !== undefined) ||
    Object.hasOwn(parts, subresource) ||
    special.includes(subresource)
  );
}

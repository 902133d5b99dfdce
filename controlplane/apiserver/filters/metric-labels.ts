import type { Kinds } from "../registry/kind-table.ts";
import type { RequestInfo } from "./request-info.ts";

export interface MetricLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
}

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** How a request is counted. Only names of what is served become labels: whatever else a client writes into a path or
 *  method would grow the metrics for ever. Pure. */
export function metricLabels({ method, resource }: RequestInfo, kinds: Kinds): MetricLabels {
  const unknown = {
    verb: methods.has(method) ? method : "other",
    group: "",
    version: "",
    resource: "",
    subresource: "",
  };
  if (resource === undefined) return unknown;
  const { verb, group, version, plural, subresource } = resource;
  if (plural === "bindings" && group === "" && version === "v1")
    return { verb: verb.toUpperCase(), group, version, resource: plural, subresource: "" };
  const subresources = kinds.byResource(group, version, plural)?.kind.subresources;
  if (subresources === undefined) return unknown;
  const { status, scale, parts = {}, special = [] } = subresources;
  const known =
    subresource === "" ||
    (subresource === "status" && status) ||
    (subresource === "scale" && scale !== undefined) ||
    Object.hasOwn(parts, subresource) ||
    special.includes(subresource);
  if (!known) return unknown;
  return { verb: verb.toUpperCase(), group, version, resource: plural, subresource };
}

import type { RequestInfo, ResourceInfo } from "./request-info.ts";

export const logsGroup = "logs.pintle.dev";

/** Whether what is asked for is the search of logs, in one namespace or in all. */
export function isSearch({ group, version, plural, subresource, name }: ResourceInfo): boolean {
  return group === logsGroup && version === "v1" && plural === "entries" && subresource === "" && name === "";
}

export interface SearchRight {
  readonly verb: string;
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** What whoever searches must be allowed: what it takes to read the same otherwise. Undefined: the request's own attributes say it.
 *  Pure. */
export function searchRights({
  resource,
  query,
  method,
}: Pick<RequestInfo, "resource" | "query" | "method">): SearchRight | undefined {
  if (resource === undefined || method !== "GET" || !isSearch(resource)) return undefined;
  const wanted = { verb: "get", group: "", subresource: "log", name: "" };
  switch (query.get("source") || "containers") {
    case "containers":
      return { ...wanted, plural: "pods", namespace: resource.namespace };
    case "components":
      return { ...wanted, plural: "nodes", namespace: "" };
    case "events":
      return { ...wanted, verb: "list", subresource: "", plural: "events", namespace: resource.namespace };
    case "audit":
      return { ...wanted, group: logsGroup, subresource: "", plural: "audit", namespace: "" };
    default:
      // Refused when it is read; nobody learns more by it.
      return { ...wanted, plural: "pods", namespace: resource.namespace };
  }
}

import type { JsonObject } from "../json.ts";
import type { Delegate } from "../server.ts";
import type { RuledUsages } from "./ruled-usages.ts";

/** Groups whose resources are no kinds, but come of a rule file and what is measured. */
export interface RuledGroups {
  readonly versions: readonly RuledVersion[];
  /** The rows of `/apis/GROUP/VERSION`; undefined: no version of these. */
  resources(group: string, version: string): readonly RuledResource[] | undefined;
  readonly delegate: Delegate;
  /** Absent: nodes say what they use. */
  readonly usages: RuledUsages | undefined;
  close(): void;
}

export interface RuledVersion {
  readonly group: string;
  readonly version: string;
}

export interface RuledResource {
  /** `pods/http_requests`, `queue_length`. */
  readonly name: string;
  readonly namespaced: boolean;
  readonly kind: string;
}

export function ruledResourceList(
  { group, version }: RuledVersion,
  resources: readonly RuledResource[],
): JsonObject {
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: `${group}/${version}`,
    resources: resources.map((one) => ({ ...one, singularName: "", verbs: ["get"] })),
  };
}

/** The same as aggregated discovery has it: what is of a resource hangs on one that is there for that alone. */
export function ruledDiscovery(
  { group, version }: RuledVersion,
  resources: readonly RuledResource[],
): JsonObject {
  const rows = new Map<string, JsonObject & { subresources?: JsonObject[] }>();
  const kindOf = (kind: string) => ({ group, version, kind });
  for (const { name, namespaced, kind } of resources) {
    const [resource = "", ...rest] = name.split("/");
    const row = rows.get(resource) ?? {
      resource,
      responseKind: rest.length === 0 ? kindOf(kind) : { group: "", version: "", kind: "" },
      scope: namespaced ? "Namespaced" : "Cluster",
      singularResource: "",
      verbs: rest.length === 0 ? ["get"] : [],
    };
    rows.set(resource, row);
    if (rest.length === 0) continue;
    row.subresources ??= [];
    row.subresources.push({ subresource: rest.join("/"), responseKind: kindOf(kind), verbs: ["get"] });
  }
  return { version, resources: [...rows.values()], freshness: "Current" };
}

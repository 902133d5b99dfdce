import type { Elsewhere } from "../aggregation/elsewhere.ts";
import { mediaRanges } from "../handlers/accept-header.ts";
import type { JsonObject } from "../json.ts";
import type { Kinds } from "../registry/kind-table.ts";
import { type ResourceRow, resourceRows } from "./resource-lists.ts";

/** Whole discovery in two answers: /api and /apis as APIGroupDiscoveryList (apidiscovery.k8s.io). Pure. */
export type AggregatedVersion = "v2" | "v2beta1";

/** The version to answer with, or `undefined` for a client that wants the old form. */
export function wantsAggregated(accept: string): AggregatedVersion | undefined {
  for (const { type, parameters } of mediaRanges(accept)) {
    if (type !== "application/json") continue;
    const as = parameters.get("as");
    if (as === undefined) return undefined;
    const version = parameters.get("v");
    const known = parameters.get("g") === "apidiscovery.k8s.io" && as === "APIGroupDiscoveryList";
    if (known && (version === "v2" || version === "v2beta1")) return version;
  }
  return undefined;
}

export function aggregatedType(version: AggregatedVersion): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
}

/** Groups that other servers serve are among them. @param core /api, else /apis. */
export function groupDiscoveryList(
  kinds: Kinds,
  elsewhere: Pick<Elsewhere, "groups" | "discovered">,
  { core, version }: { readonly core: boolean; readonly version: AggregatedVersion },
): JsonObject {
  const groups = [...elsewhere.groups(kinds.groups())].filter(([group]) => (group === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: { ...(group !== "" && { name: group }), creationTimestamp: null },
      versions: versions.map(
        (one) =>
          elsewhere.discovered(group, one) ?? {
            version: one,
            resources: resourceRows(kinds, group, one).map((row) => resource(row, { group, version: one })),
            freshness: "Current",
          },
      ),
    })),
  };
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function resource(row: ResourceRow, own: GroupVersion): JsonObject {
  return {
    resource: row.plural,
    responseKind: responseKind(row, own, { ...own, kind: row.kind }),
    scope: row.namespaced ? "Namespaced" : "Cluster",
    singularResource: row.singular,
    verbs: row.verbs,
    ...(row.shortNames.length > 0 && { shortNames: row.shortNames }),
    ...(row.categories.length > 0 && { categories: row.categories }),
    ...(row.subresources.length > 0 && {
      subresources: row.subresources.map((sub) => ({
        subresource: sub.name,
        responseKind: responseKind(row, own, sub),
        verbs: sub.verbs,
      })),
    }),
  };
}

/** Of built-in kinds Kubernetes says group and version only where they are not those of the list; of custom ones always. */
function responseKind(
  row: ResourceRow,
  own: GroupVersion,
  { group, version, kind }: GroupVersion & { readonly kind: string },
): JsonObject {
  const isImplied = !row.isCustom && group === own.group && version === own.version;
  return isImplied ? { group: "", version: "", kind } : { group, version, kind };
}

import type { Elsewhere } from "../aggregation/elsewhere.ts";
import { mediaRanges } from "../handlers/accept-header.ts";
import { type Format, mediaTypes } from "../handlers/negotiate.ts";
import type { JsonObject } from "../json.ts";
import type { Kinds } from "../registry/kind-table.ts";
import { type ResourceRow, resourceRows } from "./resource-lists.ts";

/** Whole discovery in two answers: /api and /apis as APIGroupDiscoveryList (apidiscovery.k8s.io). Pure. */
const formats = Object.entries(mediaTypes) as readonly (readonly [Format, string])[];

/** The form to answer in, or `undefined` for a client that does not ask for it: whoever names it gets it, whatever else it
 *  would take. */
export function wantsAggregated(accept: string): Format | undefined {
  for (const { type, parameters } of mediaRanges(accept)) {
    const format = formats.find(([, mediaType]) => mediaType === type)?.[0];
    const isAsked =
      parameters.get("g") === "apidiscovery.k8s.io" &&
      parameters.get("v") === "v2" &&
      parameters.get("as") === "APIGroupDiscoveryList";
    if (isAsked && format !== undefined) return format;
  }
  return undefined;
}

export function aggregatedType(format: Format): string {
  return `${mediaTypes[format]};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
}

/** Groups that other servers serve are among them. @param core /api, else /apis. */
export function groupDiscoveryList(
  kinds: Kinds,
  elsewhere: Pick<Elsewhere, "groups" | "discovered">,
  { core }: { readonly core: boolean },
): JsonObject {
  const groups = [...elsewhere.groups(kinds.groups())].filter(([group]) => (group === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: group === "" ? {} : { name: group },
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

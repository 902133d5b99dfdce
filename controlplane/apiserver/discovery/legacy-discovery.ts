import type { JsonObject } from "../json.ts";
import { apiVersionOf, type Kinds } from "../registry/kind-table.ts";
import { resourceRows } from "./resource-lists.ts";

/** /api, /apis, /api/v1, /apis/GROUP, /apis/GROUP/VERSION as older clients ask for them. Pure. */

export function apiVersions(address: string): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }],
  };
}

/** Groups with their versions, in the order in which they are to be shown. */
type Groups = ReadonlyMap<string, readonly string[]>;

export function apiGroupList(all: Groups): JsonObject {
  const groups = [...all].filter(([group]) => group !== "");
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: groups.map(([group, versions]) => groupBody(group, versions)),
  };
}

export function apiGroup(all: Groups, group: string): JsonObject | undefined {
  const versions = group === "" ? undefined : all.get(group);
  return versions === undefined
    ? undefined
    : { kind: "APIGroup", apiVersion: "v1", ...groupBody(group, versions) };
}

function groupBody(group: string, versions: readonly string[]): JsonObject {
  const listed = versions.map((version) => ({ groupVersion: apiVersionOf(group, version), version }));
  return { name: group, versions: listed, preferredVersion: listed[0] };
}

export function apiResourceList(kinds: Kinds, group: string, version: string): JsonObject | undefined {
  if (!kinds.groups().get(group)?.includes(version)) return undefined;
  const resources = resourceRows(kinds, group, version).flatMap((row) => [
    {
      name: row.plural,
      singularName: row.singular,
      namespaced: row.namespaced,
      kind: row.kind,
      verbs: row.verbs,
      ...(row.shortNames.length > 0 && { shortNames: row.shortNames }),
      ...(row.categories.length > 0 && { categories: row.categories }),
      ...(row.storageVersionHash !== undefined && { storageVersionHash: row.storageVersionHash }),
    },
    ...row.subresources.map((sub) => ({
      name: `${row.plural}/${sub.name}`,
      singularName: "",
      namespaced: row.namespaced,
      ...((sub.group !== group || sub.version !== version) && { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ]);
  const groupVersion = apiVersionOf(group, version);
  // Of the oldest group Kubernetes says no version of the list itself.
  return { kind: "APIResourceList", ...(group !== "" && { apiVersion: "v1" }), groupVersion, resources };
}

import { createHash } from "node:crypto";
import type { Kind } from "../registry/kind.ts";
import { allVerbs, isStored, type Kinds, type ServedKind } from "../registry/kind-table.ts";

/** What a group and version serves, in the terms of both forms of discovery. Pure. */
export interface ResourceRow {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** A definition of custom resources brought it. */
  readonly isCustom: boolean;
  /** Changes with the group and version that objects are stored in; absent where none are. */
  readonly storageVersionHash?: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceRow[];
}
export interface SubresourceRow {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export interface SpecialRow {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}
/** Subresources that are more than another view of the object. Only those served are listed. */
const specialRows: Readonly<Record<string, SpecialRow>> = {
  binding: { group: "", version: "v1", kind: "Binding", verbs: ["create"] },
  eviction: { group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] },
  log: { group: "", version: "v1", kind: "Pod", verbs: ["get"] },
  exec: { group: "", version: "v1", kind: "PodExecOptions", verbs: ["create", "get"] },
  attach: { group: "", version: "v1", kind: "PodAttachOptions", verbs: ["create", "get"] },
  portforward: { group: "", version: "v1", kind: "PodPortForwardOptions", verbs: ["create", "get"] },
  token: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", verbs: ["create"] },
  finalize: { group: "", version: "v1", kind: "Namespace", verbs: ["update"] },
};

export function servedSpecials(kind: Kind): readonly string[] {
  return (kind.subresources.special ?? []).filter(
    (name) => name === "proxy" || Object.hasOwn(specialRows, name),
  );
}

export function resourceRows(kinds: Kinds, group: string, version: string): readonly ResourceRow[] {
  const own = kinds.served.filter((one) => one.group === group && one.version === version).map(kindRow);
  const bindings: ResourceRow[] =
    group === "" && version === "v1"
      ? [
          {
            plural: "bindings",
            singular: "binding",
            kind: "Binding",
            namespaced: true,
            isCustom: false,
            verbs: ["create"],
            shortNames: [],
            categories: [],
            subresources: [],
          },
        ]
      : [];
  return [...bindings, ...own].sort((a, b) => (a.plural < b.plural ? -1 : 1));
}

/** A proxy's options are a kind of each resource's own. */
export function specialRow(kind: Kind, name: string): SpecialRow | undefined {
  if (name !== "proxy") return specialRows[name];
  const verbs = ["create", "delete", "get", "patch", "update"];
  return { group: "", version: "v1", kind: `${kind.kind}ProxyOptions`, verbs };
}

function kindRow({ kind, group, version, subresources: own }: ServedKind): ResourceRow {
  const subresources: SubresourceRow[] = [];
  const change = ["get", "patch", "update"];
  if (own.status) subresources.push({ name: "status", group, version, kind: kind.kind, verbs: change });
  if (own.scale)
    subresources.push({ name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: change });
  for (const name of Object.keys(own.parts ?? {}))
    subresources.push({ name, group, version, kind: kind.kind, verbs: change });
  for (const name of servedSpecials(kind)) {
    const row = specialRow(kind, name);
    if (row !== undefined) subresources.push({ name, ...row });
  }
  return {
    plural: kind.plural,
    singular: kind.singular,
    kind: kind.kind,
    namespaced: kind.namespaced,
    isCustom: kind.schema !== undefined,
    ...(isStored(kind) && { storageVersionHash: storageVersionHash(kind) }),
    verbs: kind.verbs ?? allVerbs,
    shortNames: kind.shortNames,
    categories: kind.categories,
    subresources: subresources.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const hashBytes = 8;

function storageVersionHash({ group, version: own, kind, hashedVersion: version = own }: Kind): string {
  const digest = createHash("sha256").update(`${group}/${version}/${kind}`).digest();
  return digest.subarray(0, hashBytes).toString("base64");
}

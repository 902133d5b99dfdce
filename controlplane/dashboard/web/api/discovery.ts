import { computed, signal } from "@preact/signals";
import { callJson } from "./session.ts";

/** A kind that the cluster serves, in its preferred version. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly subresources: readonly string[];
}

interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string; readonly group?: string };
        readonly scope: string;
        readonly verbs?: readonly string[];
        readonly shortNames?: readonly string[];
        readonly subresources?: readonly { readonly subresource: string }[];
      }[];
    }[];
  }[];
}

const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

export const kinds = signal<readonly Kind[]>([]);
const byKey = computed(() => new Map(kinds.value.map((kind) => [kindKey(kind), kind])));

/** `apps/deployments`, `core/pods`: how addresses of views name a kind. */
export const kindKey = ({ group, plural }: Pick<Kind, "group" | "plural">): string =>
  `${group || "core"}/${plural}`;

export const kindOf = (key: string): Kind | undefined => byKey.value.get(key);

/** By what objects say of themselves, such as an owner reference. */
export function kindNamed(apiVersion: string, kind: string): Kind | undefined {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return kinds.value.find((one) => one.kind === kind && one.group === group);
}

/** Asks what the cluster serves. Rejects with Refusal. */
export async function discover(): Promise<void> {
  const lists = await Promise.all(["/api", "/apis"].map((path) => callJson<DiscoveryList>(path, { accept })));
  const found = lists.flatMap(kindsIn);
  // The same again changes nothing that is shown.
  if (JSON.stringify(found) !== JSON.stringify(kinds.value)) kinds.value = found;
}

/** The kinds of a list, each in the first version that has it. Pure. */
export function kindsIn(list: DiscoveryList): readonly Kind[] {
  return (list.items ?? []).flatMap(({ metadata, versions = [] }) => {
    const found = new Map<string, Kind>();
    for (const { version, resources = [] } of versions)
      for (const {
        resource,
        responseKind,
        scope,
        verbs = [],
        shortNames = [],
        subresources = [],
      } of resources) {
        if (found.has(resource) || responseKind?.kind === undefined) continue;
        found.set(resource, {
          group: metadata?.name ?? "",
          version,
          plural: resource,
          kind: responseKind.kind,
          namespaced: scope === "Namespaced",
          verbs,
          shortNames,
          subresources: subresources.map(({ subresource }) => subresource),
        });
      }
    return [...found.values()];
  });
}

export const kindPath = ({ group, version, plural, namespaced }: Kind, namespace?: string): string => {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ""}/${plural}`;
};

export const objectPath = (kind: Kind, name: string, namespace?: string): string =>
  `${kindPath(kind, namespace)}/${encodeURIComponent(name)}`;

import { forbidden, notFound } from "../api-error.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import { objectOf, stringOf } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import type { KindTable } from "../registry/kind-table.ts";
import type { Storage } from "../registry/storage.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";
import type { Admission, Attributes } from "./admission.ts";

export interface LifecycleDeps {
  readonly kinds: KindTable;
  readonly hub: CacheHub;
  readonly storage: Storage;
}

/** Namespaces that every cluster has. */
export const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;
const immortalNamespaces: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** Kubernetes' NamespaceLifecycle: nothing new in a namespace that is missing (404) or being deleted (403), and the
 *  namespaces that the cluster cannot do without stay. */
export function namespaceLifecycle(deps: LifecycleDeps): Admission {
  return async (attributes) => {
    const { kind, operation } = attributes;
    if (operation === "create" && kind.namespaced) await requireNamespace(deps, attributes);
    if (operation === "delete") keepImmortal(kind, attributes.old.metadata.name);
  };
}

async function requireNamespace(
  deps: LifecycleDeps,
  { kind, object }: Attributes & { readonly operation: "create" },
): Promise<void> {
  const { name, namespace = "" } = object.metadata;
  const namespaces = deps.kinds.named("", "namespaces")?.kind;
  if (namespaces === undefined) return;
  const key = objectKey(namespaces, "", namespace);
  let found = deps.hub.peek(namespaces)?.get(key)?.object;
  if (found === undefined) {
    // The cache may lag behind a namespace made a moment ago.
    const { entry } = await deps.storage.get(key);
    if (entry === undefined) throw notFound(namespaces, namespace);
    found = decodeStored(namespaces, entry.value, entry.modRevision);
  }
  const terminating = stringOf(objectOf(found.status).phase) === "Terminating";
  if (!terminating && found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(kind, name, why, [
    {
      reason: "NamespaceTerminating",
      message: `namespace ${namespace} is being terminated`,
      field: "metadata.namespace",
    },
  ]);
}

function keepImmortal(kind: Kind, name: string): void {
  if (kind.kind === "Namespace" && kind.group === "" && immortalNamespaces.has(name))
    throw forbidden(kind, name, "this namespace may not be deleted");
}

import type { KubeObject } from "../../../client/types.ts";
import { forbidden, notFound } from "../api-error.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import { objectOf, stringOf } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import type { KindTable } from "../registry/kind-table.ts";
import type { Storage } from "../registry/storage.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";

export interface AdmissionDeps {
  readonly kinds: KindTable;
  readonly hub: CacheHub;
  readonly storage: Storage;
}

/** What every new object must pass beyond its kind's own rules: NamespaceLifecycle and a thin ServiceAccount. */
export function admitCreate(deps: AdmissionDeps): (kind: Kind, object: KubeObject) => Promise<void> {
  return async (kind, object) => {
    if (!kind.namespaced) return;
    if (kind.kind === "Pod" && kind.group === "") fillServiceAccount(object);
    await requireNamespace(deps, kind, object);
  };
}

/** Fails with 404 where the namespace is missing and with 403 where it is being deleted. */
async function requireNamespace(deps: AdmissionDeps, kind: Kind, object: KubeObject): Promise<void> {
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

function fillServiceAccount(pod: KubeObject): void {
  const spec = objectOf(pod.spec);
  const name = stringOf(spec.serviceAccountName) || stringOf(spec.serviceAccount) || "default";
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** Namespaces that every cluster has and nobody may delete. */
export const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;
const immortalNamespaces: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** Fails with 403 for what the cluster cannot do without. */
export function admitDelete(kind: Kind, name: string): void {
  if (kind.kind === "Namespace" && kind.group === "" && immortalNamespaces.has(name))
    throw forbidden(kind, name, "this namespace may not be deleted");
}

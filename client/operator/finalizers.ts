import { isNotFound } from "../api-error.ts";
import type { Kind } from "../kube/define-kind.ts";
import type { KubeClient } from "../kube/kube-client.ts";
import type { Stored } from "../object-cache.ts";

type Api = Pick<KubeClient, "patch">;

export function hasFinalizer(object: Stored, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** The object with the finalizer. Rejects with a conflict where somebody changed the object meanwhile, for finalizers are a
 *  list that many write. */
export async function addFinalizer<T extends Stored>(
  api: Api,
  kind: Kind<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  return writeFinalizers(api, kind, object, [...(object.metadata.finalizers ?? []), finalizer], signal);
}

/** Takes the finalizer away; an object without others is gone then. Fine where it is gone already. */
export async function removeFinalizer<T extends Stored>(
  api: Api,
  kind: Kind<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!hasFinalizer(object, finalizer)) return;
  const left = (object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
  try {
    await writeFinalizers(api, kind, object, left, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function writeFinalizers<T extends Stored>(
  api: Api,
  kind: Kind<T>,
  { metadata: { name, namespace, uid, resourceVersion } }: T,
  finalizers: readonly string[],
  signal?: AbortSignal,
): Promise<T> {
  const body = { metadata: { uid, resourceVersion, finalizers } };
  return api.patch(kind, { name, namespace }, body, { type: "merge", ...(signal && { signal }) });
}

import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "./kind.ts";
import { objectText } from "./object-text.ts";
import { putValue, type RegistryDeps } from "./registry-deps.ts";
import type { CommitResult, Write } from "./storage.ts";
import { encodeText } from "./stored-object.ts";

/** The object as it is stored, which is the cache's too: read-only. Or why it is not. */
export type Storing =
  | { readonly ok: true; readonly object: KubeObject; readonly revision: number }
  | Extract<CommitResult, { readonly ok: false }>;

/** Stores an object by a transaction that has the given write in it. Nobody may change the object from here on.
 *  Fails as the transaction does. */
export async function storeObject(
  { hub }: Pick<RegistryDeps, "hub">,
  { kind, key, object }: { readonly kind: Kind; readonly key: string; readonly object: KubeObject },
  commit: (put: Write) => Promise<CommitResult>,
): Promise<Storing> {
  // As reading it will: what is stored is then what is shown.
  kind.applyDefaults(object);
  const text = objectText(object);
  const put = putValue(kind, key, encodeText(text));
  const own = hub.own.begin({ kind, key, value: put.value, object, text });
  let isStored = false;
  try {
    const result = await commit(put);
    if (!result.ok) return result;
    isStored = true;
    return { ok: true, object: hub.own.succeeded(own, result.revision), revision: result.revision };
  } finally {
    if (!isStored) hub.own.withdraw(own);
  }
}

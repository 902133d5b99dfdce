import type { KubeObject } from "../../../client/types.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { Storage } from "../registry/storage.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";

export interface LookupDeps {
  readonly kinds: Kinds;
  readonly hub: CacheHub;
  readonly storage: Storage;
}

export interface Address {
  readonly group: string;
  readonly plural: string;
  /** Empty for kinds without namespaces. */
  readonly namespace: string;
  readonly name: string;
}

/** An object that another one names: from the cache, or from the store, since the cache may lag behind one made a moment
 *  ago. Undefined: there is none, or its kind is not served. */
export async function storedObject(deps: LookupDeps, address: Address): Promise<KubeObject | undefined> {
  const kind = deps.kinds.named(address.group, address.plural)?.kind;
  if (kind === undefined) return undefined;
  const key = objectKey(kind, address.namespace, address.name);
  const cached = deps.hub.peek(kind)?.get(key)?.object;
  if (cached !== undefined) return cached;
  const { entry } = await deps.storage.get(key);
  return entry && decodeStored(kind, entry.value, entry.modRevision);
}

import type { KubeObject } from "../../../client/types.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import type { Kind } from "../registry/kind.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { Storage } from "../registry/storage.ts";
import { decodeStored, listPrefix, namedKey } from "../registry/stored-object.ts";

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

/** All objects of a kind in a namespace, or in none: from the cache where it has them. */
export async function storedObjects(
  deps: LookupDeps,
  { group, plural, namespace }: Omit<Address, "name">,
): Promise<readonly KubeObject[]> {
  const kind = deps.kinds.named(group, plural)?.kind;
  if (kind === undefined) return [];
  const prefix = listPrefix(kind, namespace);
  const cached = cacheOf(deps, kind)?.list(prefix);
  if (cached !== undefined) return cached.map(({ object }) => object);
  const { entries } = await deps.storage.list(prefix);
  return entries.map(({ value, modRevision }) => decodeStored(kind, value, modRevision));
}

/** The kind's cache where it is loaded. Who asks once asks with every write of its sort: where it is not, it will be. */
function cacheOf({ hub }: LookupDeps, kind: Kind): KindCache | undefined {
  const cache = hub.peek(kind);
  if (cache === undefined) void hub.cache(kind).catch(() => undefined); // the store is asked meanwhile, and says why
  return cache;
}

/** An object that another one names: from the cache, or from the store, since the cache may lag behind one made a moment
 *  ago. Undefined: there is none, or its kind is not served. */
export async function storedObject(deps: LookupDeps, address: Address): Promise<KubeObject | undefined> {
  const kind = deps.kinds.named(address.group, address.plural)?.kind;
  if (kind === undefined) return undefined;
  const key = namedKey(kind, address.namespace, address.name);
  if (key === undefined) return undefined;
  const cached = cacheOf(deps, kind)?.get(key)?.object;
  if (cached !== undefined) return cached;
  const { entry } = await deps.storage.get(key);
  return entry && decodeStored(kind, entry.value, entry.modRevision);
}

import type { Log } from "../../../base/os/log.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { decodeStored, namedKey } from "../registry/stored-object.ts";

export interface BoundAddress {
  /** Empty for kinds without namespaces. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface BoundObject {
  readonly object: KubeObject;
  /** Has this server seen that it is as it was, and heard of no change since? */
  isUnchanged(): boolean;
}

/** The object that a token is bound to, as it is now: from the cache where that has this very one, else from the store. */
export type BoundObjects = (plural: string, address: BoundAddress) => Promise<BoundObject | undefined>;

export function boundObjects({ kinds, hub, storage, log }: LookupDeps & { readonly log: Log }): BoundObjects {
  return async (plural, { namespace, name, uid }) => {
    const kind = kinds.named("", plural)?.kind;
    if (kind === undefined || name === "" || (kind.namespaced && namespace === "")) return undefined;
    const key = namedKey(kind, namespace, name);
    if (key === undefined) return undefined;
    const cache = hub.peek(kind);
    // From the next token on it is at hand; where it cannot be loaded now, the next token tries again.
    if (cache === undefined) hub.cache(kind).catch((error: unknown) => log.debug("cannot load", { error }));
    const at = (revision: number, object: KubeObject): BoundObject => ({
      object,
      isUnchanged: () => hub.peek(kind)?.get(key)?.revision === revision,
    });
    const cached = cache?.get(key);
    if (cached?.object.metadata.uid === uid) return at(cached.revision, cached.object);
    const { entry } = await storage.get(key);
    return entry && at(entry.modRevision, decodeStored(kind, entry.value, entry.modRevision));
  };
}

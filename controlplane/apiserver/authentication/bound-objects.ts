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

/** The object that a token is bound to, as it is now: from the cache where that has this very one, else from the store. */
export type BoundObjects = (plural: string, address: BoundAddress) => Promise<KubeObject | undefined>;

export function boundObjects({ kinds, hub, storage, log }: LookupDeps & { readonly log: Log }): BoundObjects {
  return async (plural, { namespace, name, uid }) => {
    const kind = kinds.named("", plural)?.kind;
    if (kind === undefined || name === "" || (kind.namespaced && namespace === "")) return undefined;
    const key = namedKey(kind, namespace, name);
    if (key === undefined) return undefined;
    const cache = hub.peek(kind);
    // From the next token on it is at hand; where it cannot be loaded now, the next token tries again.
    if (cache === undefined) hub.cache(kind).catch((error: unknown) => log.debug("cannot load", { error }));
    const cached = cache?.get(key)?.object;
    if (cached?.metadata.uid === uid) return cached;
    const { entry } = await storage.get(key);
    return entry && decodeStored(kind, entry.value, entry.modRevision);
  };
}

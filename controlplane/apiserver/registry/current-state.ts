import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "./kind.ts";
import type { RegistryDeps } from "./registry-deps.ts";
import type { StoredEntry } from "./storage.ts";
import { decodeStored } from "./stored-object.ts";

/** An object to be changed, as it was found. Read-only: it may be the cache's own. */
export interface CurrentState {
  readonly object: KubeObject;
  readonly modRevision: number;
  /** Read from the store for this very request. Otherwise it may be old, which a write's comparison finds out; a
   *  refusal, or the news that there is nothing to write, must not rest on it. */
  readonly isLive: boolean;
  /** It is encrypted otherwise than it would be now. */
  readonly isStale?: true;
}

/** The cache's state where it has one: most writes then need no read. */
export async function firstState(
  deps: Pick<RegistryDeps, "hub" | "storage">,
  kind: Kind,
  key: string,
): Promise<CurrentState | undefined> {
  const cache = deps.hub.peek(kind);
  if (cache === undefined) deps.hub.noteSingleRead(kind);
  const cached = cache?.get(key);
  if (cached === undefined) return liveState(deps, kind, key);
  return { object: cached.object, modRevision: cached.revision, isLive: false };
}

export async function liveState(
  deps: Pick<RegistryDeps, "storage">,
  kind: Kind,
  key: string,
): Promise<CurrentState | undefined> {
  return stateOf(kind, (await deps.storage.get(key)).entry);
}

/** What a transaction that did not hold found under the object's key. */
export function stateOf(kind: Kind, entry: StoredEntry | undefined): CurrentState | undefined {
  if (entry === undefined) return undefined;
  const object = decodeStored(kind, entry.value, entry.modRevision);
  const state = { object, modRevision: entry.modRevision, isLive: true };
  return entry.isStale ? { ...state, isStale: true } : state;
}

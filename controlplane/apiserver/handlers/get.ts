import { ApiError, notFound } from "../api-error.ts";
import type { Kind } from "../registry/kind.ts";
import { objectKey, StoredObject } from "../registry/stored-object.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { revisionOf } from "./list-options.ts";

/** GET of one object: the newest state, or with a resourceVersion whatever the cache has at it or later. */
export async function get(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { target, served } = call;
  const { kind } = served;
  const key = objectKey(kind, target.namespace, target.name);
  const revision = revisionOf(call.query.get("resourceVersion"), false);
  if (revision !== undefined) {
    const found = (await deps.hub.notOlderThan(kind, revision)).get(key);
    if (found === undefined) throw notFound(served, target.name);
    return { type: "object", code: 200, object: found.object, stored: found };
  }
  const found = await newest(deps, kind, key);
  if (found === undefined) throw notFound(served, target.name);
  return { type: "object", code: 200, object: found.object, stored: found };
}

/** From the cache where the kind is in use: asking the store how far it is serves all who ask at the same time. A cache
 *  that does not keep up is passed by. */
async function newest(deps: HandlerDeps, kind: Kind, key: string): Promise<StoredObject | undefined> {
  if (deps.hub.peek(kind) !== undefined) {
    try {
      return (await deps.hub.consistent(kind)).get(key);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  } else deps.hub.noteSingleRead(kind);
  const { entry } = await deps.storage.get(key);
  return entry && new StoredObject(kind, entry);
}

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
    return answerWith(found);
  }
  const found = await newest(deps, kind, key);
  if (found === undefined) throw notFound(served, target.name);
  return answerWith(found);
}

/** The bytes at hand suffice where nobody asks for the object. */
function answerWith(stored: StoredObject): Answer {
  return {
    type: "object",
    code: 200,
    get object() {
      return stored.object;
    },
    stored,
  };
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

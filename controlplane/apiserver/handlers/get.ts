import { notFound } from "../api-error.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { revisionOf } from "./list-options.ts";

/** GET of one object: the newest state, or with a resourceVersion whatever the cache has at it or later. */
export async function get(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { target, served } = call;
  const { kind } = served;
  const key = objectKey(kind, target.namespace, target.name);
  const revision = revisionOf(call.query.get("resourceVersion"));
  if (revision !== undefined) {
    const found = (await deps.hub.notOlderThan(kind, revision)).get(key);
    if (found === undefined) throw notFound(served, target.name);
    return { type: "object", code: 200, object: found.object };
  }
  const { entry } = await deps.storage.get(key);
  if (entry === undefined) throw notFound(served, target.name);
  return { type: "object", code: 200, object: decodeStored(kind, entry.value, entry.modRevision) };
}

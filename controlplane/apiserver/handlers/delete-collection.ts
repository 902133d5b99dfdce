import { ApiError } from "../api-error.ts";
import { removeObject } from "../registry/remove-object.ts";
import { selectShown } from "../registry/shown-selection.ts";
import { StorageError } from "../registry/storage.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { listOptions, scopeOf } from "./list-options.ts";
import { removeOptions, shownOptions } from "./write-options.ts";

/** DELETE of a collection: each object that the selectors choose. Answers with those it deleted. */
export async function deleteCollection(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served, target } = call;
  const { limit } = listOptions(call.query, false);
  const scope = scopeOf(served, target, call.query);
  const asked = await removeOptions(call, deps.schemas);
  const by = { ...requesterOf(call, shownOptions(asked)), isCollection: true } as const;
  const options = { ...asked, by };
  const cache = await deps.hub.consistent(served.kind);
  const { revision } = cache;
  const { items: found, known } = await selectShown(served, scope.shown, cache.select(scope));
  const chosen = limit > 0 ? found.slice(0, limit) : found;
  let removed = 0;
  for (const { object } of chosen) {
    const { name, namespace = "" } = object.metadata;
    try {
      await removeObject(deps, served.kind, { name, namespace }, options);
      removed += 1;
    } catch (error) {
      // "Nothing was done, ask again" would not be true of the whole.
      if (error instanceof StorageError && error.code === "unavailable" && removed > 0)
        throw new StorageError(
          "unknown",
          `after ${removed} of ${chosen.length} deletions: ${error.message}`,
          error,
        );
      // Somebody else deleted it: that is what was wanted.
      if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    }
  }
  return {
    type: "list",
    list: { items: chosen, revision, continue: "", remaining: undefined, known },
  };
}

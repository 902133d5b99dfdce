import { ApiError } from "../api-error.ts";
import { removeObject } from "../registry/remove-object.ts";
import { StorageError } from "../registry/storage.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { chosenPage } from "./list.ts";
import { removeOptions, shownOptions } from "./write-options.ts";

/** DELETE of a collection: each object that the query chooses, as in a list. Answers with those it deleted. */
export async function deleteCollection(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served } = call;
  const asked = await removeOptions(call, deps.schemas);
  const by = { ...requesterOf(call, shownOptions(asked)), isCollection: true } as const;
  const options = { ...asked, by };
  const list = await chosenPage(call, deps);
  let removed = 0;
  for (const { object } of list.items) {
    const { name, namespace = "" } = object.metadata;
    try {
      await removeObject(deps, served.kind, { name, namespace }, options);
      removed += 1;
    } catch (error) {
      // "Nothing was done, ask again" would not be true of the whole.
      if (error instanceof StorageError && error.code === "unavailable" && removed > 0)
        throw new StorageError(
          "unknown",
          `after ${removed} of ${list.items.length} deletions: ${error.message}`,
          error,
        );
      // Somebody else deleted it: that is what was wanted.
      if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    }
  }
  return { type: "list", list };
}

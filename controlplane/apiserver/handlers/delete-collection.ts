import { ApiError } from "../api-error.ts";
import { removeObject } from "../registry/remove-object.ts";
import { StorageError } from "../registry/storage.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { chosenPage } from "./list.ts";
import { removeOptions, shownOptions } from "./write-options.ts";

/** A store writes together what it is asked together. */
const deletionsAtOnce = 8;

/** DELETE of a collection: each object that the query chooses, as in a list. Answers with those it deleted. After a failure no
 *  further deletion begins. */
export async function deleteCollection(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served } = call;
  const asked = await removeOptions(call, deps.schemas);
  const by = { ...requesterOf(call, shownOptions(asked)), isCollection: true } as const;
  const options = { ...asked, by };
  const list = await chosenPage(call, deps);
  const todo = list.items.values();
  const failures: unknown[] = [];
  let removed = 0;
  const removeNext = async () => {
    for (const { object } of todo) {
      if (failures.length > 0) return;
      const { name, namespace = "" } = object.metadata;
      try {
        await removeObject(deps, served.kind, { name, namespace }, options);
        removed += 1;
      } catch (error) {
        // Somebody else deleted it: that is what was wanted.
        if (!(error instanceof ApiError) || error.reason !== "NotFound") failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: deletionsAtOnce }, removeNext));
  const [failure] = failures;
  // "Nothing was done, ask again" would not be true of the whole.
  if (failure instanceof StorageError && failure.code === "unavailable" && removed > 0)
    throw new StorageError(
      "unknown",
      `after ${removed} of ${list.items.length} deletions: ${failure.message}`,
      failure,
    );
  if (failures.length > 0) throw failure;
  return { type: "list", list };
}

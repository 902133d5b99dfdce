import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { type ApiError, invalid } from "../api-error.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { Part } from "../registry/kind.ts";
import { shownIn } from "../registry/slow-conversion.ts";
import { updateObject } from "../registry/update-object.ts";
import { writtenForm } from "../schema/written-form.ts";
import { apply } from "./apply.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { acceptObject, type DecodedBody, noTypeText } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { type Patch, patchReader, patchTypeOf } from "./patch-forms.ts";
import { isDryRun } from "./write-options.ts";
import { UndecodableError } from "./wrong-kind.ts";

export interface PatchRoute {
  readonly via: "object" | "status" | Part;
  /** What of the patched object may be stored. */
  readonly keep?: (current: KubeObject, patched: KubeObject) => KubeObject;
}

/** PATCH in any of the four forms. */
export function patch(call: Call, deps: HandlerDeps): Promise<Answer> {
  return patchThrough(call, deps, { via: "object" });
}

export async function patchThrough(call: Call, deps: HandlerDeps, route: PatchRoute): Promise<Answer> {
  if (patchTypeOf(call) === "application/apply-patch+yaml") return apply(call, deps, route);
  const dryRun = isDryRun(call.query, "PatchOptions");
  const patchOf = patchReader(call, deps);
  const { keep } = route;
  const change = async (current: KubeObject): Promise<KubeObject> => {
    // What is made of it is pruned in place by a schema of its own.
    const own = () => (call.served.schema === undefined ? current : cloneJson(current));
    const shown = async () => writtenForm(await shownIn(call.served, own()));
    const patched = await acceptPatched(patchOf(), shown, (body) => acceptObject(call, deps.schemas, body));
    return keep === undefined ? patched : keep(current, patched);
  };
  const options = {
    dryRun,
    via: route.via,
    by: requesterOf(call),
    patches: true,
    record: recorderOf(call, deps),
  } as const;
  const object = await updateObject(deps, call.served.kind, call.target, change, options);
  return { type: "object", code: 200, object };
}

/** What `accept` makes of a patched object. One that cannot be decoded is the patch's fault: 422. It is then made again to be
 *  shown, as what was accepted of it has been pruned. */
export async function acceptPatched<T>(
  patch: Patch,
  current: () => JsonObject | Promise<JsonObject>,
  accept: (body: DecodedBody) => T | Promise<T>,
): Promise<T> {
  const object = patch.apply(await current());
  if (!isObject(object)) throw undecodable(patch, object, noTypeText(object));
  const why = patch.restore?.(object);
  if (why !== undefined) throw undecodable(patch, object, why);
  try {
    patch.requireVersion?.(object);
    return await accept({ object, flaws: patch.flaws });
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    throw undecodable(patch, patch.apply(await current()), error.why);
  }
}

function undecodable(patch: Patch, patched: unknown, why: string): ApiError {
  const message = `Invalid value: ${JSON.stringify(patch.shown(patched))}: ${why}`;
  return invalid({ group: "", kind: "" }, "", [{ reason: "FieldValueInvalid", field: "patch", message }]);
}

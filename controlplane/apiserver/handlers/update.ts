import type { KubeObject } from "../../../client/types.ts";
import { updateObject } from "../registry/update-object.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { isDryRun } from "./write-options.ts";

/** PUT of a whole object. */
export async function update(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query);
  const object = await readObject(call, deps.schemas);
  const replace = (current: KubeObject) => withManagers(structuredClone(object), current);
  const updated = await updateObject(deps, call.served.kind, call.target, replace, { dryRun, via: "object" });
  return { type: "object", code: 200, object: updated };
}

/** A client that knows nothing of field managers does not drop them; an empty list does. */
function withManagers(next: KubeObject, current: KubeObject): KubeObject {
  const { managedFields } = next.metadata;
  if (managedFields === undefined && current.metadata.managedFields !== undefined)
    next.metadata.managedFields = current.metadata.managedFields;
  if (managedFields?.length === 0) delete next.metadata.managedFields;
  return next;
}

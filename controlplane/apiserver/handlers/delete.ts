import { removeObject } from "../registry/remove-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { removeOptions, shownOptions } from "./write-options.ts";

/** DELETE of one object. What is gone at once answers with a Status (pods: their last state, as in Kubernetes); what
 *  waits for a grace period or finalizers answers with its present state. */
export async function remove(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served, target } = call;
  const options = await removeOptions(call, deps.schemas);
  const { object, removed } = await removeObject(deps, served.kind, target, {
    ...options,
    by: requesterOf(call, shownOptions(options)),
  });
  if (!removed || served.kind.returnsDeleted === true) return { type: "object", code: 200, object };
  const { name, uid } = object.metadata;
  const details = { name, ...(served.group !== "" && { group: served.group }), kind: served.plural, uid };
  const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
  return { type: "json", code: 200, body };
}

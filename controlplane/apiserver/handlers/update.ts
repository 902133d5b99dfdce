import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { updateObject } from "../registry/update-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { recordManager } from "./field-manager.ts";
import { isDryRun } from "./write-options.ts";

/** PUT of a whole object. */
export async function update(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query, "UpdateOptions");
  const object = await readObject(call, deps.schemas);
  const replace = (current: KubeObject) => recordManager(call, deps, { current, next: cloneJson(object) });
  const options = { dryRun, via: "object", by: requesterOf(call) } as const;
  const updated = await updateObject(deps, call.served.kind, call.target, replace, options);
  return { type: "object", code: 200, object: updated };
}

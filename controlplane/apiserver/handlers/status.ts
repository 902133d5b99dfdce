import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { keepFields } from "../registry/object-meta.ts";
import { updateObject } from "../registry/update-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { get } from "./get.ts";
import { patchThrough } from "./patch.ts";
import { isDryRun } from "./write-options.ts";

/** …/status: the same object, of which only status and metadata can be changed. */
export const getStatus = get;

export async function updateStatus(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query, "UpdateOptions");
  const object = await readObject(call, deps.schemas);
  const change = (current: KubeObject) => onlyStatus(call.served.kind, current, cloneJson(object));
  const options = { dryRun, via: "status", by: requesterOf(call), record: recorderOf(call, deps) } as const;
  const updated = await updateObject(deps, call.served.kind, call.target, change, options);
  return { type: "object", code: 200, object: updated };
}

export function patchStatus(call: Call, deps: HandlerDeps): Promise<Answer> {
  const keep = (current: KubeObject, patched: KubeObject) => onlyStatus(call.served.kind, current, patched);
  return patchThrough(call, deps, { via: "status", keep });
}

/** The current object with the status and metadata of `wanted`, but for what the kind keeps from who reports on it. */
function onlyStatus({ statusKeeps = [] }: Kind, current: KubeObject, wanted: KubeObject): KubeObject {
  const metadata = { ...wanted.metadata };
  keepFields(metadata, current.metadata, statusKeeps);
  const next: KubeObject = { ...current, metadata };
  if (wanted.status === undefined) delete next.status;
  else next.status = wanted.status;
  return next;
}

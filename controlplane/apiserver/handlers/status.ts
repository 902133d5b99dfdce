import type { KubeObject } from "../../../client/types.ts";
import { updateObject } from "../registry/update-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { recordManager } from "./field-manager.ts";
import { get } from "./get.ts";
import { patchThrough } from "./patch.ts";
import { isDryRun } from "./write-options.ts";

/** …/status: the same object, of which only status and metadata can be changed. */
export const getStatus = get;

export async function updateStatus(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query, "UpdateOptions");
  const object = await readObject(call, deps.schemas);
  const change = (current: KubeObject) =>
    recordManager(call, deps, { current, next: onlyStatus(current, structuredClone(object)) });
  const options = { dryRun, via: "status", by: requesterOf(call) } as const;
  const updated = await updateObject(deps, call.served.kind, call.target, change, options);
  return { type: "object", code: 200, object: updated };
}

export function patchStatus(call: Call, deps: HandlerDeps): Promise<Answer> {
  return patchThrough(call, deps, { via: "status", keep: onlyStatus });
}

/** The current object with the status and metadata of `wanted`. */
function onlyStatus(current: KubeObject, wanted: KubeObject): KubeObject {
  const metadata = { ...wanted.metadata };
  // Who owns an object is not for those who report on it.
  restore(metadata, current.metadata, "ownerReferences");
  const next: KubeObject = { ...current, metadata };
  if (wanted.status === undefined) delete next.status;
  else next.status = wanted.status;
  return next;
}

type Meta = KubeObject["metadata"];
function restore(to: Meta, from: Meta, field: "ownerReferences"): void {
  const value = from[field];
  if (value === undefined) delete to[field];
  else Object.assign(to, { [field]: value });
}

import { cloneJson } from "../../../base/clone-json.ts";
import { ApiError } from "../api-error.ts";
import type { Part } from "../registry/kind.ts";
import { objectKey } from "../registry/stored-object.ts";
import { checkUid, checkVersionText, updateObject } from "../registry/update-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { createFrom, requireCreateRight } from "./create.ts";
import { readObject } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { isDryRun } from "./write-options.ts";

/** PUT of a whole object through one of its subresources: only that part of it counts. */
export async function updateThrough(call: Call, deps: HandlerDeps, part: Part): Promise<Answer> {
  const dryRun = isDryRun(call.query, "UpdateOptions");
  const object = await readObject(call, deps.schemas);
  const options = { dryRun, via: part, by: requesterOf(call), record: recorderOf(call, deps) };
  const replace = () => cloneJson(object);
  const updated = await updateObject(deps, call.served.kind, call.target, replace, options);
  return { type: "object", code: 200, object: updated };
}

/** PUT of a whole object. Creates what is absent, where the kind allows that. */
export async function update(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served, target } = call;
  const dryRun = isDryRun(call.query, "UpdateOptions");
  const object = await readObject(call, deps.schemas);
  const replace = () => cloneJson(object);
  const by = requesterOf(call);
  try {
    const options = { dryRun, via: "object", by, record: recorderOf(call, deps) } as const;
    const updated = await updateObject(deps, served.kind, target, replace, options);
    return { type: "object", code: 200, object: updated };
  } catch (error) {
    const isAbsent = error instanceof ApiError && error.reason === "NotFound";
    if (!isAbsent || served.kind.createsOnUpdate !== true) throw error;
  }
  await requireCreateRight(call, deps);
  const { name, uid } = object.metadata;
  const key = objectKey(served.kind, target.namespace, target.name);
  checkUid(served, name, { key, wanted: uid, found: "" });
  if (object.metadata.resourceVersion !== "") checkVersionText(object.metadata.resourceVersion);
  return createFrom(call, deps, object, { dryRun, inPlaceOfUpdate: true });
}

import { createObject } from "../registry/create-object.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { recordCreate } from "../schema/apply.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { isDryRun } from "./write-options.ts";

/** POST to a collection. */
export async function create(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query);
  const object = await readObject(call, deps.schemas);
  // Nobody brings a record along; kubectl's apply gets one, which a later server-side apply takes over.
  delete object.metadata.managedFields;
  const manager = call.query.get("fieldManager") ?? "unknown";
  recordCreate(object, manager, rfc3339(deps.clock.wallMs()));
  const created = await createObject(deps, call.served.kind, object, { dryRun, by: requesterOf(call) });
  if (dryRun) Reflect.deleteProperty(created.metadata, "resourceVersion");
  return { type: "object", code: 201, object: created };
}

import { createObject } from "../registry/create-object.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { isDryRun } from "./write-options.ts";

/** POST to a collection. */
export async function create(call: Call, deps: HandlerDeps): Promise<Answer> {
  const dryRun = isDryRun(call.query);
  const object = await readObject(call, deps.schemas);
  // Field managers are recorded by apply only.
  delete object.metadata.managedFields;
  const created = await createObject(deps, call.served.kind, object, { dryRun });
  return { type: "object", code: 201, object: created };
}

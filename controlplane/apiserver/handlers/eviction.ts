import { badRequest } from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { isObject, objectOf, stringOf } from "../json.ts";
import { removeObject } from "../registry/remove-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { decodeBody } from "./decode-body.ts";
import { graceSecondsOf } from "./whole-numbers.ts";
import { isDryRun } from "./write-options.ts";

/** POST pods/NAME/eviction: a deletion that disruption budgets could refuse. There are none in this release. */
export async function evict(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { object } = decodeBody(call.body, header(call.headers, "content-type"), deps.schemas);
  const name = stringOf(objectOf(object.metadata).name);
  if (name !== "" && name !== call.target.name)
    throw badRequest("name in URL does not match name in Eviction object");
  const options = objectOf(object.deleteOptions);
  const grace = graceSecondsOf(options.gracePeriodSeconds);
  const { uid, resourceVersion } = objectOf(
    isObject(options.preconditions) ? options.preconditions : undefined,
  );
  await removeObject(deps, call.served.kind, call.target, {
    by: requesterOf(call),
    dryRun: isDryRun(call.query) || (Array.isArray(options.dryRun) && options.dryRun.includes("All")),
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    preconditions: {
      ...(typeof uid === "string" && { uid }),
      ...(typeof resourceVersion === "string" && { resourceVersion }),
    },
  });
  return {
    type: "json",
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

import type { KubeObject } from "../../../client/types.ts";
import { ApiError, badRequest, invalid, notFound } from "../api-error.ts";
import { truthy } from "../filters/request-info.ts";
import { createObject } from "../registry/create-object.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { updateObject } from "../registry/update-object.ts";
import type { ApplyConflict } from "../schemas.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { requireCreateRight } from "./create.ts";
import { acceptObject, acceptPart, parseYaml } from "./decode-body.ts";
import type { PatchRoute } from "./patch.ts";
import { isDryRun } from "./write-options.ts";

/** Server-side apply: the fields a manager gives become its own; those it no longer gives go. Creates what is missing. */
export async function apply(call: Call, deps: HandlerDeps, route: PatchRoute): Promise<Answer> {
  const manager = call.query.get("fieldManager") ?? "";
  if (manager === "")
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      {
        reason: "FieldValueRequired",
        field: "fieldManager",
        message: "Required value: is required for apply patch",
      },
    ]);
  const how = { dryRun: isDryRun(call.query, "PatchOptions"), by: requesterOf(call) };
  const body = parseYaml(call.body);
  const given = acceptPart(call, deps.schemas, body);
  if (given.metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const merge = (current: KubeObject | undefined): KubeObject => {
    const outcome = deps.schemas.serverSideApply({
      current,
      patch: structuredClone(body.object),
      manager,
      force: truthy(call.query.get("force")),
      subresource: call.target.subresource,
      now: rfc3339(deps.clock.wallMs()),
    });
    if (!outcome.ok) throw applyConflict(outcome.conflicts);
    return acceptObject(call, deps.schemas, { object: outcome.object, text: undefined });
  };
  const { kind } = call.served;
  const change = (current: KubeObject) => {
    const merged = merge(current);
    return route.keep === undefined ? merged : route.keep(current, merged);
  };
  try {
    const object = await updateObject(deps, kind, call.target, change, {
      ...how,
      via: route.via,
      patches: true,
    });
    return { type: "object", code: 200, object };
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    if (route.via === "status") throw notFound(kind, call.target.name);
  }
  await requireCreateRight(call, deps);
  const object = await createObject(deps, kind, merge(undefined), how);
  if (how.dryRun) Reflect.deleteProperty(object.metadata, "resourceVersion");
  return { type: "object", code: 201, object };
}

function applyConflict(conflicts: readonly ApplyConflict[]): ApiError {
  const lines = conflicts.map(({ manager, field }) => `conflict with ${JSON.stringify(manager)}: ${field}`);
  const text =
    lines.length === 1
      ? `Apply failed with 1 conflict: ${lines[0]}`
      : `Apply failed with ${lines.length} conflicts: ${lines.map((line) => `- ${line}`).join("\n")}`;
  const causes = conflicts.map(({ manager, field }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${JSON.stringify(manager)}`,
    field,
  }));
  return new ApiError(409, "Conflict", text, { causes });
}

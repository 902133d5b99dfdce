import { invalid } from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { isObject, type JsonObject, listOf, objectOf } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import type { RemoveOptions } from "../registry/remove-object.ts";

type AskedOptions = Omit<RemoveOptions, "by">;

import type { Schemas } from "../schemas.ts";
import type { Call } from "./call.ts";
import { decodeBody } from "./decode-body.ts";

/** `dryRun=All` in the query. Fails with Invalid for any other value. */
export function isDryRun(query: URLSearchParams): boolean {
  return checkDryRun(query.getAll("dryRun"), "CreateOptions");
}

function checkDryRun(values: readonly unknown[], kind: string): boolean {
  if (values.every((value) => value === "All")) return values.length > 0;
  const problem: FieldError = {
    reason: "FieldValueNotSupported",
    field: "dryRun",
    message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
  };
  throw invalid({ group: "meta.k8s.io", kind }, "", [problem]);
}

/** DeleteOptions from the body, or from the query where there is no body. Fails with BadRequest and Invalid. */
export async function removeOptions(call: Call, schemas: Schemas): Promise<AskedOptions> {
  const bytes = call.body;
  const fromBody =
    bytes.length > 0 ? decodeBody(bytes, header(call.headers, "content-type"), schemas).object : {};
  const said: JsonObject = { ...queryOptions(call.query), ...fromBody };
  const policy = said.propagationPolicy;
  const orphans = said.orphanDependents;
  if (typeof policy === "string" && typeof orphans === "boolean")
    throw refused(
      "FieldValueInvalid",
      "propagationPolicy",
      `Invalid value: "${policy}": orphanDependents and deletionPropagation cannot be both set`,
    );
  const chosen = typeof orphans === "boolean" ? (orphans ? "Orphan" : "Background") : policy;
  if (
    chosen !== undefined &&
    chosen !== null &&
    chosen !== "Orphan" &&
    chosen !== "Background" &&
    chosen !== "Foreground"
  )
    throw refused(
      "FieldValueNotSupported",
      "propagationPolicy",
      `Unsupported value: ${JSON.stringify(chosen)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    );
  const grace = said.gracePeriodSeconds;
  const preconditions = isObject(said.preconditions) ? preconditionsOf(said.preconditions) : undefined;
  return {
    dryRun: checkDryRun(listOf(said.dryRun), "DeleteOptions"),
    // Negative means the default.
    ...(typeof grace === "number" && grace >= 0 && { gracePeriodSeconds: grace }),
    ...(typeof chosen === "string" && { propagationPolicy: chosen }),
    ...(preconditions && { preconditions }),
  };
}

function queryOptions(query: URLSearchParams): JsonObject {
  const grace = query.get("gracePeriodSeconds");
  const orphans = query.get("orphanDependents");
  return {
    ...(query.has("dryRun") && { dryRun: query.getAll("dryRun") }),
    ...(grace !== null && /^-?\d+$/.test(grace) && { gracePeriodSeconds: Number(grace) }),
    ...(query.has("propagationPolicy") && { propagationPolicy: query.get("propagationPolicy") }),
    ...(orphans !== null && { orphanDependents: orphans === "true" }),
  };
}

function preconditionsOf(value: JsonObject): { uid?: string; resourceVersion?: string } {
  const { uid, resourceVersion } = objectOf(value);
  return {
    ...(typeof uid === "string" && { uid }),
    ...(typeof resourceVersion === "string" && { resourceVersion }),
  };
}

function refused(reason: FieldError["reason"], field: string, message: string) {
  return invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [{ reason, field, message }]);
}

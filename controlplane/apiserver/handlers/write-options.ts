import { goQuoted } from "../../../base/go-text.ts";
import { badRequest, invalid } from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { isObject, type JsonObject, listOf, objectOf } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import type { RemoveOptions } from "../registry/remove-object.ts";

type AskedOptions = Omit<RemoveOptions, "by" | "mark">;

import type { Schemas } from "../schemas.ts";
import type { Call } from "./call.ts";
import { type DecodedBody, decodeBody } from "./decode-body.ts";
import { graceSecondsOf, queryInt64 } from "./whole-numbers.ts";
import { UndecodableError, unregisteredText } from "./wrong-kind.ts";

type WriteOptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";
const fieldManagerBytesMax = 128;

/** `dryRun=All` in the query. Fails with Invalid for any other value, for a field manager that is no name, and for a way to
 *  check fields that there is not; all at once. */
export function isDryRun(query: URLSearchParams, kind: WriteOptionsKind = "CreateOptions"): boolean {
  const dryRun = query.getAll("dryRun");
  const problems = [
    ...managerProblems(query.get("fieldManager") ?? ""),
    ...dryRunProblems(dryRun),
    ...validationProblems(query.get("fieldValidation") ?? ""),
  ];
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", problems);
  return dryRun.length > 0;
}

function validationProblems(asked: string): readonly FieldError[] {
  if (["", "Strict", "Warn", "Ignore"].includes(asked)) return [];
  return [
    {
      reason: "FieldValueNotSupported",
      field: "fieldValidation",
      message: `Unsupported value: ${JSON.stringify(asked)}: supported values: "", "Ignore", "Strict", "Warn"`,
    },
  ];
}

function managerProblems(manager: string): readonly FieldError[] {
  if (manager === "") return [];
  const field = "fieldManager";
  const problems: FieldError[] = [];
  if (Buffer.byteLength(manager) > fieldManagerBytesMax)
    problems.push({
      reason: "FieldValueTooLong",
      field,
      message: `Too long: may not be more than ${fieldManagerBytesMax} bytes`,
    });
  for (const { 0: character, index } of manager.matchAll(/(?! )[\p{C}\p{Z}]/gu)) {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const position = Buffer.byteLength(manager.slice(0, index));
    problems.push({
      reason: "FieldValueInvalid",
      field,
      message: `Invalid value: ${goQuoted(manager)}: invalid character U+${code} (at position ${position})`,
    });
  }
  return problems;
}

/** Only server-side apply takes fields from others by force. Fails with Invalid where another patch wants to. */
export function checkNoForce(query: URLSearchParams): void {
  if (!query.has("force")) return;
  throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
    {
      reason: "FieldValueForbidden",
      field: "force",
      message: "Forbidden: may not be specified for non-apply patch",
    },
  ]);
}

function dryRunProblems(values: readonly unknown[]): readonly FieldError[] {
  if (values.every((value) => value === "All")) return [];
  const message = `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`;
  return [{ reason: "FieldValueNotSupported", field: "dryRun", message }];
}

/** DeleteOptions from the body, or from the query where there is no body: beside one the query says nothing, as in Kubernetes.
 *  Fails with BadRequest and Invalid. Warns where the kind has something to say to whoever leaves the dependents' fate open. */
export async function removeOptions(call: Call, schemas: Schemas): Promise<AskedOptions> {
  const said = call.body.length > 0 ? optionsInBody(call, schemas) : queryOptions(call.query);
  const options = removeOptionsOf(said);
  const { deletionWarning } = call.served.kind;
  if (deletionWarning !== undefined && options.propagationPolicy === undefined) call.warn(deletionWarning);
  return options;
}

function optionsInBody(call: Call, schemas: Schemas): JsonObject {
  const { object } = readOptions(call, schemas);
  const kind = object.kind || "DeleteOptions";
  if (kind !== "DeleteOptions")
    throw badRequest(unregisteredText(String(kind), String(object.apiVersion || "meta.k8s.io/v1")));
  // An option that cannot be read would be one that is not heeded.
  const [problem] = schemas.checkFields({ group: "", version: "v1", kind }, object).typeErrors;
  if (problem !== undefined) throw badRequest(problem);
  return object;
}

/** Options that are undecodable are told as such, whatever was to be deleted. */
function readOptions(call: Call, schemas: Schemas): DecodedBody {
  const wanted = { group: "meta.k8s.io", version: "v1", kind: "DeleteOptions" };
  try {
    return decodeBody(call.body, header(call.headers, "content-type"), schemas, wanted);
  } catch (error) {
    throw error instanceof UndecodableError ? badRequest(error.why) : error;
  }
}

/** DeleteOptions that somebody wrote down. Fails with BadRequest and Invalid. */
export function removeOptionsOf(said: JsonObject): AskedOptions {
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
  const grace = graceSecondsOf(said.gracePeriodSeconds);
  const dryRun = listOf(said.dryRun);
  const [dryRunProblem] = dryRunProblems(dryRun);
  if (dryRunProblem !== undefined)
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [dryRunProblem]);
  const preconditions = isObject(said.preconditions) ? preconditionsOf(said.preconditions) : undefined;
  return {
    dryRun: dryRun.length > 0,
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    ...(typeof chosen === "string" && { propagationPolicy: chosen }),
    ...(preconditions && { preconditions }),
  };
}

/** The DeleteOptions that were understood, as Kubernetes shows them to whoever is asked about the deletion. */
export function shownOptions(asked: AskedOptions): JsonObject {
  const { dryRun, gracePeriodSeconds, preconditions, propagationPolicy } = asked;
  return {
    kind: "DeleteOptions",
    apiVersion: "meta.k8s.io/v1",
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(preconditions && { preconditions }),
    ...(propagationPolicy !== undefined && { propagationPolicy }),
    ...(dryRun && { dryRun: ["All"] }),
  };
}

function queryOptions(query: URLSearchParams): JsonObject {
  const grace = queryInt64(query, "gracePeriodSeconds");
  const orphans = query.get("orphanDependents");
  return {
    ...(query.has("dryRun") && { dryRun: query.getAll("dryRun") }),
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
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

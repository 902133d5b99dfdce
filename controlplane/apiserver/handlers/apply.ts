import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { ApiError, badRequest, conflict, invalid, notFound, unknownError } from "../api-error.ts";
import { truthy } from "../filters/request-info.ts";
import { goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, objectOf, stringOf } from "../json.ts";
import { createObject } from "../registry/create-object.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { shownIn } from "../registry/slow-conversion.ts";
import { checkVersionText, updateObject } from "../registry/update-object.ts";
import { duplicatesInYaml } from "../schema/duplicate-fields.ts";
import type { ApplyConflict } from "../schemas.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { requireCreateRight } from "./create.ts";
import { acceptObject, bodyText, yamlValue } from "./decode-body.ts";
import { resetsOf } from "./field-manager.ts";
import { formsOfServed, typeOfServed } from "./managed-forms.ts";
import type { PatchRoute } from "./patch.ts";
import { isDryRun } from "./write-options.ts";
import { UndecodableError } from "./wrong-kind.ts";

/** What a request applies. */
export interface Applied {
  readonly patch: JsonObject;
  /** The object with it applied, as the called kind serves it: undefined is one that is not there. Fails with Conflict. */
  readonly mergeServed: (current: JsonObject | undefined) => JsonObject;
}

/** Reads what is to be applied. Fails as Kubernetes does where it cannot be. */
export function readApplied(call: Call, deps: HandlerDeps): Applied {
  const manager = call.query.get("fieldManager") ?? "";
  if (manager === "")
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      {
        reason: "FieldValueRequired",
        field: "fieldManager",
        message: "Required value: is required for apply patch",
      },
    ]);
  isDryRun(call.query, "PatchOptions");
  const patch = readPatch(call, deps);
  const mergeServed = (current: JsonObject | undefined) => {
    const outcome = deps.schemas.serverSideApply({
      current: current as unknown as KubeObject | undefined,
      patch: cloneJson(patch),
      manager,
      force: truthy(call.query.get("force")),
      subresource: call.target.subresource,
      resets: resetsOf(call.served, call.target.subresource),
      now: rfc3339(deps.clock.wallMs()),
      type: typeOfServed(call.served),
      forms: formsOfServed(call.served),
    });
    if (!outcome.ok) throw applyConflict(outcome.conflicts);
    checkDuplicates(call);
    // What was applied is converted in memory, where no number is too large.
    deps.schemas.narrowIntegers(outcome.object);
    return outcome.object;
  };
  return { patch, mergeServed };
}

/** Server-side apply: the fields a manager gives become its own; those it no longer gives go. Creates what is missing. */
export async function apply(call: Call, deps: HandlerDeps, route: PatchRoute): Promise<Answer> {
  const { patch, mergeServed } = readApplied(call, deps);
  const how = { dryRun: isDryRun(call.query, "PatchOptions"), by: requesterOf(call) };
  const merge = async (current: KubeObject | undefined): Promise<KubeObject> => {
    const object = mergeServed(current && { ...(await shownIn(call.served, current)) });
    try {
      return await acceptObject(call, deps.schemas, { object });
    } catch (error) {
      throw error instanceof UndecodableError ? unconvertible(patch, error) : error;
    }
  };
  const { kind } = call.served;
  const change = async (current: KubeObject) => {
    const merged = await merge(current);
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
    if (route.via !== "object") throw notFound(call.served, call.target.name);
  }
  await requireCreateRight(call, deps);
  const uid = stringOf(objectOf(patch.metadata).uid);
  if (uid !== "")
    throw conflict(
      call.served,
      call.target.name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  const wanted = await merge(undefined);
  if (wanted.metadata.resourceVersion !== "") checkVersionText(wanted.metadata.resourceVersion);
  const object = await createObject(deps, kind, wanted, { ...how, inPlaceOfUpdate: true });
  return { type: "object", code: 201, object };
}

/** What is to be applied. Fails as Kubernetes does where it cannot be. */
function readPatch(call: Call, deps: HandlerDeps): JsonObject {
  const object = decoded(call.body);
  const { served } = call;
  const said = stringOf(object.apiVersion);
  // Go makes nothing at all of a version that is none.
  const isVersion = said.split("/").length <= 2;
  const [apiVersion, kind] = isVersion ? [said.replace(/^\/(?=.)/, ""), stringOf(object.kind)] : ["", ""];
  if (apiVersion !== served.apiVersion || kind !== served.kind.kind)
    throw badRequest(`invalid object type: ${typeText(apiVersion, kind)}`);
  object.apiVersion = apiVersion;
  const { name, namespace, managedFields } = objectOf(object.metadata);
  if (managedFields !== undefined && managedFields !== null)
    throw badRequest("metadata.managedFields must be nil");
  // Of nothing nobody becomes an owner.
  if (object.metadata === null) object.metadata = {};
  const problem = deps.schemas.applyErrors(object, served.schema?.type);
  if (problem !== "")
    throw unknownError(
      `failed to create typed patch object (${stringOf(namespace)}/${stringOf(name)}; ${typeText(apiVersion, kind)}): ${problem}`,
    );
  return object;
}

/** As Kubernetes fails where what was applied fits its schema, but not its type. */
function unconvertible(patch: JsonObject, error: UndecodableError): ApiError {
  const { why } = error;
  // Ours alone: Kubernetes has no number that it cannot keep.
  if (why.includes("cannot be kept exactly")) return error;
  const { name, namespace } = objectOf(patch.metadata);
  const type = typeText(stringOf(patch.apiVersion), stringOf(patch.kind));
  // It is converted in memory there, not read as text, but for values that read themselves.
  const asConverted = why
    .replace(
      /^json: cannot unmarshal number \S+ into Go struct field \S+ of type (u?int\d+)$/,
      "cannot convert float64 to $1",
    )
    .replace(/ into Go struct field \S+ of type /, " into Go value of type ");
  return unknownError(
    `failed to convert new object (${stringOf(namespace)}/${stringOf(name)}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${asConverted}`,
  );
}

/** Told of what can be applied only, as in Kubernetes. */
function checkDuplicates({ query, body, warn }: Call): void {
  const asked = query.get("fieldValidation");
  if (asked !== "Strict" && asked !== "Warn") return;
  const found = duplicatesInYaml(bodyText(body));
  if (found.length === 0) return;
  if (asked === "Warn") {
    for (const line of found) warn(line);
    return;
  }
  const lines = found.map((line) => `\n  ${line}`).join("");
  throw badRequest(
    `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:${lines}`,
  );
}

/** As Go prints a group, version and kind. */
function typeText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

function decoded(body: Uint8Array): JsonObject {
  const value = readable(body);
  if (isObject(value)) return value;
  throw badRequest(
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goKindOf(value)} into Go value of type map[string]interface {}`,
  );
}

function readable(body: Uint8Array): unknown {
  try {
    return yamlValue(bodyText(body));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error;
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
}

function applyConflict(conflicts: readonly ApplyConflict[]): ApiError {
  const causes = conflicts.map(({ manager, field }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(manager)}`,
    field,
  }));
  return new ApiError(409, "Conflict", conflictText(conflicts), { causes });
}

function conflictText(conflicts: readonly ApplyConflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${managerText(first.manager)}: ${first.field}`;
  const lines: string[] = [];
  let last = "";
  for (const { manager, field } of conflicts) {
    const who = managerText(manager);
    if (who !== last) lines.push(`conflicts with ${who}:`);
    last = who;
    lines.push(`- ${field}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

function managerText({ manager, operation, apiVersion, subresource }: ApplyConflict["manager"]): string {
  const name =
    JSON.stringify(manager) + (subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

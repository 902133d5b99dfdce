import { parseExactJson } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import {
  type ApiError,
  badRequest,
  invalid,
  unroutableMediaType,
  unsupportedMediaType,
} from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { goJsonError, goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, jsonText, objectOf } from "../json.ts";
import { checkNesting } from "../nesting.ts";
import type { Part } from "../registry/kind.ts";
import { shownIn } from "../registry/slow-conversion.ts";
import { updateObject } from "../registry/update-object.ts";
import { writtenForm } from "../schema/written-form.ts";
import { apply } from "./apply.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { acceptObject, bodyText, schemaOf } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { jsonPatcher } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { checkNoForce, isDryRun } from "./write-options.ts";
import { UndecodableError } from "./wrong-kind.ts";

const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
] as const;
export interface PatchRoute {
  readonly via: "object" | "status" | Part;
  /** What of the patched object may be stored. */
  readonly keep?: (current: KubeObject, patched: KubeObject) => KubeObject;
}

/** PATCH in any of the four forms. */
export function patch(call: Call, deps: HandlerDeps): Promise<Answer> {
  return patchThrough(call, deps, { via: "object" });
}

export async function patchThrough(call: Call, deps: HandlerDeps, route: PatchRoute): Promise<Answer> {
  const type = (header(call.headers, "content-type").split(";")[0] ?? "").trim();
  if (type === "application/apply-patch+yaml") return apply(call, deps, route);
  const dryRun = isDryRun(call.query, "PatchOptions");
  const patcher = patcherFor(type, call, deps, call.body);
  const { keep } = route;
  const change = async (current: KubeObject): Promise<KubeObject> => {
    const makePatched = async () =>
      patcher(writtenForm(await shownIn(call.served, structuredClone(current))));
    const patched = await acceptPatched(makePatched, (object) =>
      acceptObject(call, deps.schemas, { object }),
    );
    return keep === undefined ? patched : keep(current, patched);
  };
  const options = {
    dryRun,
    via: route.via,
    by: requesterOf(call),
    patches: true,
    record: recorderOf(call, deps),
  } as const;
  const object = await updateObject(deps, call.served.kind, call.target, change, options);
  return { type: "object", code: 200, object };
}

/** What `accept` makes of a patched object. One that cannot be decoded is the patch's fault: 422. It is then made again to be
 *  shown, as what was accepted of it has been pruned. */
export async function acceptPatched<T>(
  makePatched: () => JsonObject | Promise<JsonObject>,
  accept: (object: JsonObject) => T | Promise<T>,
): Promise<T> {
  try {
    return await accept(await makePatched());
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    const message = `Invalid value: ${JSON.stringify(jsonText(inGoOrder(await makePatched())))}: ${error.why}`;
    throw invalid({ group: "", kind: "" }, "", [{ reason: "FieldValueInvalid", field: "patch", message }]);
  }
}

const metadataOrder = ["name", "generateName", "namespace", "uid", "resourceVersion", "generation"];

/** As Kubernetes prints it: without the record of managers, top fields by name, metadata as its type declares it. */
function inGoOrder(object: JsonObject): JsonObject {
  const { managedFields: _, ...metadata } = objectOf(object.metadata);
  const known = [...metadataOrder, "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];
  const names = [...known, ...Object.keys(metadata).filter((name) => !known.includes(name))];
  const ordered = Object.fromEntries(
    names.flatMap((name) => (name in metadata ? [[name, metadata[name]]] : [])),
  );
  const shown: JsonObject = isObject(object.metadata) ? { ...object, metadata: ordered } : object;
  return Object.fromEntries(Object.entries(shown).sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Patcher = (current: JsonObject) => JsonObject;

/** Reads the patch once; what comes back applies it as often as needed. Fails with 400 and 415. */
export function patcherFor(type: string, call: Call, deps: HandlerDeps, bytes: Uint8Array): Patcher {
  if (!patchTypes.some((one) => one === type)) throw unpatchable(call);
  checkNoForce(call.query);
  const patch = parse(bytes);
  switch (type) {
    case "application/json-patch+json":
      return jsonPatcher(patch);
    case "application/merge-patch+json": {
      const object = requireObject(patch);
      return (current) => objectOf(mergePatch(current, object));
    }
    default: {
      const object = requireObject(patch);
      const schema = schemaOf(call.served, deps.schemas);
      if (schema.strategicMerge === undefined) throw unsupportedMediaType(customPatchTypes);
      return (current) => objectOf(schema.strategicMerge?.(current, object));
    }
  }
}

/** Kubernetes looks for a route that takes the type, but has one route for all custom resources. */
function unpatchable({ served }: Call): ApiError {
  return served.schema === undefined ? unroutableMediaType() : unsupportedMediaType(customPatchTypes);
}
const customPatchTypes = patchTypes.filter((type) => !type.includes("strategic"));

function parse(bytes: Uint8Array): unknown {
  const patch = parsed(bodyText(bytes));
  checkNesting(patch);
  return patch;
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw badRequest(`error decoding patch: ${goJsonError(text) ?? String(error)}`);
  }
}

function requireObject(patch: unknown): JsonObject {
  if (isObject(patch)) return patch;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${goKindOf(patch)} into Go value of type map[string]interface {}`,
  );
}

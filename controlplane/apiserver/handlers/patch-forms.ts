import { parseExactJson } from "../../../base/exact-json.ts";
import {
  ApiError,
  badRequest,
  unknownError,
  unroutableMediaType,
  unsupportedMediaType,
} from "../api-error.ts";
import { goJsonError, goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, jsonText, objectOf } from "../json.ts";
import { checkNesting } from "../nesting.ts";
import { duplicatesInJson } from "../schema/duplicate-fields.ts";
import { goPrinted } from "../schema/go-printed.ts";
import { rootType } from "../schema/load.ts";
import { PatchError } from "../schema/patch-error.ts";
import { inGoOrder, type Touched, touchedByMerge, touchedByOperations } from "../schema/patched-text.ts";
import type { Call, HandlerDeps } from "./call.ts";
import { bodyText, schemaOf } from "./decode-body.ts";
import { jsonPatcher, operationFlaws } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { checkNoForce } from "./write-options.ts";

/** A patch in one of its forms, read once. */
export interface Patch {
  /** What becomes of `current`, which it may change. May be asked as often as needed. */
  readonly apply: (current: JsonObject) => JsonObject;
  /** What the patch says twice, or beside the point, for those who ask. */
  readonly flaws: readonly string[];
  /** How Kubernetes shows what the patch made where that cannot be decoded. */
  readonly shown: (patched: JsonObject) => string;
  /** Why it cannot be decoded, where Kubernetes has words of its own for that. */
  readonly undecodable?: (patched: JsonObject) => string | undefined;
}

const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
] as const;

/** Reads the patch. Fails with 400 and 415. */
export function readPatch(type: string, call: Call, deps: HandlerDeps): Patch {
  if (!patchTypes.some((one) => one === type)) throw unpatchable(call);
  checkNoForce(call.query);
  switch (type) {
    case "application/json-patch+json":
      return jsonForm(call);
    case "application/merge-patch+json":
      return mergeForm(call);
    default:
      return strategicForm(call, deps);
  }
}

function jsonForm(call: Call): Patch {
  const { value, text } = parse(call, isChecked(call) ? "error decoding patch: " : "");
  const { apply, operations } = jsonPatcher(value, isChecked(call));
  const flaws = isChecked(call) ? operationFlaws(operations, text) : [];
  return { apply, flaws, shown: (patched) => shownJson(call, patched, touchedByOperations(operations)) };
}

function mergeForm(call: Call): Patch {
  const { value: patch, text } = readMerge(call);
  const apply = (current: JsonObject) => objectOf(mergePatch(current, patch));
  const flaws = isChecked(call) ? duplicatesInJson(text) : [];
  return { apply, flaws, shown: (patched) => shownJson(call, patched, touchedByMerge(patch)) };
}

/** Where nobody looks for fields that are none, Kubernetes reads the patch by other words. */
function readMerge(call: Call): { readonly value: JsonObject; readonly text: string } {
  const bad = "Invalid JSON Patch";
  if (!isChecked(call)) {
    const text = bodyText(call.body);
    const value: unknown = goJsonError(text) === undefined ? parse(call, "").value : undefined;
    if (isObject(value)) return { value, text };
    throw badRequest(bad);
  }
  const { value, text } = parse(call, "error decoding patch: ");
  if (value === null) throw badRequest(bad);
  return { value: requireObject(value, "error decoding patch: "), text };
}

function strategicForm(call: Call, deps: HandlerDeps): Patch {
  const { value, text } = parse(call, "");
  const patch = requireObject(value, "");
  const { strategicMerge, conversionError } = schemaOf(call.served, deps.schemas);
  if (strategicMerge === undefined) throw unsupportedMediaType(customPatchTypes);
  let left: JsonObject = patch;
  const { apiVersion, kind } = call.served;
  return {
    flaws: isChecked(call) ? duplicatesInJson(text) : [],
    apply(current) {
      const merged = inTerms(() => strategicMerge(current, patch));
      left = merged.patch;
      // Whatever the patch says of them.
      return { ...merged.object, apiVersion, kind: kind.kind };
    },
    shown: () => goPrinted(left),
    ...(conversionError && { undecodable: conversionError }),
  };
}

/** Flaws of a patch as refusals. */
function inTerms<T>(merge: () => T): T {
  try {
    return merge();
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.code === 400) throw badRequest(error.message);
    throw error.code === 500 ? unknownError(error.message) : new ApiError(422, "Invalid", error.message, {});
  }
}

function shownJson({ served }: Call, patched: JsonObject, touched: Touched): string {
  const type = served.schema === undefined ? rootType(patched) : undefined;
  return jsonText(inGoOrder(patched, touched, type));
}

const isChecked = ({ query }: Call) => query.get("fieldValidation") !== "Ignore";

/** Kubernetes looks for a route that takes the type, but has one route for all custom resources. */
function unpatchable({ served }: Call): ApiError {
  return served.schema === undefined ? unroutableMediaType() : unsupportedMediaType(customPatchTypes);
}
const customPatchTypes = patchTypes.filter((type) => !type.includes("strategic"));

function parse({ body }: Call, before: string): { readonly value: unknown; readonly text: string } {
  const text = bodyText(body);
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    throw badRequest(`${before}${goJsonError(text) ?? String(error)}`);
  }
  checkNesting(value);
  return { value, text };
}

/** Go reads nothing at all out of a null. */
function requireObject(value: unknown, before: string): JsonObject {
  if (value === null) return {};
  if (isObject(value)) return value;
  throw badRequest(
    `${before}json: cannot unmarshal ${goKindOf(value)} into Go value of type map[string]interface {}`,
  );
}

import { cloneJson } from "../../../base/clone-json.ts";
import { parseExactJson } from "../../../base/exact-json.ts";
import {
  ApiError,
  badRequest,
  unknownError,
  unroutableMediaType,
  unsupportedMediaType,
} from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { goJsonError, goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, jsonText, stringOf } from "../json.ts";
import { checkNesting } from "../nesting.ts";
import { duplicatesInJson, mayHaveDuplicates } from "../schema/duplicate-fields.ts";
import { goPrinted } from "../schema/go-printed.ts";
import { PatchError } from "../schema/patch-error.ts";
import { inGoOrder, type Touched, touchedByMerge, touchedByOperations } from "../schema/patched-text.ts";
import type { Call, HandlerDeps } from "./call.ts";
import { bodyText, schemaOf } from "./decode-body.ts";
import { jsonPatcher, operationFlaws } from "./json-patch.ts";
import { typeOfServed } from "./managed-forms.ts";
import { mergePatch } from "./merge-patch.ts";
import { checkNoForce } from "./write-options.ts";
import { UndecodableError } from "./wrong-kind.ts";

/** A patch in one of its forms, read once. */
export interface Patch {
  /** What becomes of `current`, which it leaves as it is and may share with: no object where the patch says so. May be asked as
   *  often as needed. */
  readonly apply: (current: JsonObject) => unknown;
  /** What the patch says twice, or beside the point, for those who ask. */
  readonly flaws: readonly string[];
  /** How Kubernetes shows what the patch made where that cannot be decoded. */
  readonly shown: (patched: unknown) => string;
  /** Fails where what the patch made says no version, which its text needs. */
  readonly requireVersion?: (patched: JsonObject) => void;
  /** Set where Kubernetes takes what the patch made over by other means than text: gives what is wrong with it. Mutates. */
  readonly restore?: (patched: JsonObject) => string | undefined;
}

const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
] as const;

export function patchTypeOf({ headers }: Call): string {
  return (header(headers, "content-type").split(";")[0] ?? "").trim();
}

/** Gives the patch, which is read where it is first asked for: what is not there is told before what is wrong with the patch.
 *  Fails with 415, what it gives with 400. */
export function patchReader(call: Call, deps: HandlerDeps): () => Patch {
  const type = patchTypeOf(call);
  if (!patchTypes.some((one) => one === type)) throw unpatchable(call);
  checkNoForce(call.query);
  let patch: Patch | undefined;
  return () => {
    patch ??= readPatch(type, call, deps);
    return patch;
  };
}

function readPatch(type: string, call: Call, deps: HandlerDeps): Patch {
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
  const { apply: change, operations } = jsonPatcher(value, isChecked(call));
  const apply = (current: JsonObject) => change(cloneJson(current));
  const flaws = isChecked(call) ? operationFlaws(text) : [];
  return {
    ...{ apply, flaws, requireVersion: versionRequired(call, flaws) },
    shown: (patched) => shownJson(call, patched, touchedByOperations(operations)),
  };
}

function mergeForm(call: Call): Patch {
  const parsed = readMerge(call);
  const { value: patch } = parsed;
  const apply = (current: JsonObject) => mergePatch(current, patch);
  const flaws = isChecked(call) ? duplicatesIn(parsed) : [];
  return {
    ...{ apply, flaws, requireVersion: versionRequired(call, flaws) },
    shown: (patched) => shownJson(call, patched, touchedByMerge(patch)),
  };
}

/** Kubernetes reads a text without a version as a form of its own, whose fields have other names: it finds no name in it. */
function versionRequired(call: Call, flaws: readonly string[]): (patched: JsonObject) => void {
  const { served, target, query, warn } = call;
  return (patched) => {
    const { apiVersion, kind, ...fields } = patched;
    if (served.schema !== undefined || (apiVersion !== undefined && apiVersion !== null && apiVersion !== ""))
      return;
    const unknown = Object.keys(fields).map((name) => `unknown field ${JSON.stringify(name)}`);
    const problems = isChecked(call) ? [...flaws, ...unknown].sort() : [];
    if (query.get("fieldValidation") === "Strict") {
      const said = { kind: stringOf(kind), version: "" };
      throw new UndecodableError(said, served.kind.kind, `strict decoding error: ${problems.join(", ")}`);
    }
    for (const problem of problems) warn(problem);
    throw badRequest(
      `the name of the object (${target.name} based on URL) was undeterminable: name must be provided`,
    );
  };
}

/** Where nobody looks for fields that are none, Kubernetes reads the patch by other words; a list then takes the object's place. */
function readMerge(call: Call): ParsedPatch {
  const bad = "Invalid JSON Patch";
  if (!isChecked(call)) {
    const parsed = goJsonError(bodyText(call.body)) === undefined ? parse(call, "") : undefined;
    if (parsed !== undefined && (isObject(parsed.value) || Array.isArray(parsed.value))) return parsed;
    throw badRequest(bad);
  }
  const parsed = parse(call, "error decoding patch: ");
  if (parsed.value === null) throw badRequest(bad);
  return { ...parsed, value: requireObject(parsed.value, "error decoding patch: ") };
}

function strategicForm(call: Call, deps: HandlerDeps): Patch {
  const parsed = parse(call, "");
  const patch = requireObject(parsed.value, "");
  const { strategicMerge, restore } = schemaOf(call.served, deps.schemas);
  if (strategicMerge === undefined) throw unsupportedMediaType(customPatchTypes);
  let left: JsonObject = patch;
  return {
    flaws: isChecked(call) ? duplicatesIn(parsed) : [],
    apply(current) {
      const merged = inTerms(() => strategicMerge(current, patch));
      left = merged.patch;
      return merged.object;
    },
    shown: () => goPrinted(left),
    ...(restore && { restore }),
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

function shownJson({ served }: Call, patched: unknown, touched: Touched): string {
  const type = served.schema === undefined ? typeOfServed(served) : undefined;
  return jsonText(inGoOrder(patched, touched, type));
}

const isChecked = ({ query }: Call) => query.get("fieldValidation") !== "Ignore";

/** Kubernetes looks for a route that takes the type, but has one route for all custom resources. */
function unpatchable({ served }: Call): ApiError {
  return served.schema === undefined ? unroutableMediaType() : unsupportedMediaType(customPatchTypes);
}
const customPatchTypes = patchTypes.filter((type) => !type.includes("strategic"));

interface ParsedPatch {
  readonly value: unknown;
  readonly text: string;
  /** How many there are in all its objects. */
  readonly names: number;
}

const duplicatesIn = ({ text, names }: ParsedPatch) =>
  mayHaveDuplicates(text, names) ? duplicatesInJson(text) : [];

function parse({ body }: Call, before: string): ParsedPatch {
  const text = bodyText(body);
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    throw badRequest(`${before}${goJsonError(text) ?? String(error)}`);
  }
  return { value, text, names: checkNesting(value) };
}

/** Go reads nothing at all out of a null. */
function requireObject(value: unknown, before: string): JsonObject {
  if (value === null) return {};
  if (isObject(value)) return value;
  throw badRequest(
    `${before}json: cannot unmarshal ${goKindOf(value)} into Go value of type map[string]interface {}`,
  );
}

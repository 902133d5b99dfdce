import { ApiError, badRequest } from "../api-error.ts";
import { goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject } from "../json.ts";
import { duplicatesInJson } from "../schema/duplicate-fields.ts";
import { applyOperations, jsonPatchLimits, PatchFailure } from "./json-operations.ts";

/** JSON patch (RFC 6902) as a request brings it. */
export interface JsonPatcher {
  readonly operations: readonly JsonObject[];
  readonly apply: (current: JsonObject) => unknown;
}

/** Read once and applied as often as needed. Fails with 400, 413, and with 422 where it does not fit the object: Kubernetes'
 *  text does not say why.
 *  @param isChecked Kubernetes reads a patch otherwise where it is to look for fields that are none. */
export function jsonPatcher(patch: unknown, isChecked: boolean): JsonPatcher {
  const operations = operationsOf(patch, isChecked);
  const { operationsMax } = jsonPatchLimits;
  if (operations.length > operationsMax)
    throw new ApiError(
      413,
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${operationsMax}, got ${operations.length}`,
    );
  const apply = (current: JsonObject) => {
    try {
      return applyOperations(current, operations);
    } catch (error) {
      if (!(error instanceof PatchFailure)) throw error;
      throw new ApiError(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
        {},
      );
    }
  };
  return { operations, apply };
}

function operationsOf(patch: unknown, isChecked: boolean): readonly JsonObject[] {
  const [all, one, before] = isChecked
    ? ["[]handlers.jsonPatchOp", "handlers.jsonPatchOp", "error decoding patch: "]
    : ["jsonpatch.Patch", "jsonpatch.Operation", ""];
  // Go reads nothing at all out of a null.
  if (patch === null) return [];
  const refuse = (value: unknown, place: string) =>
    badRequest(`${before}json: cannot unmarshal ${goKindOf(value)} into Go ${place}`);
  if (!Array.isArray(patch)) throw refuse(patch, `value of type ${all}`);
  return patch.map((operation: unknown) => {
    if (operation === null) return {};
    if (!isObject(operation)) throw refuse(operation, `value of type ${one}`);
    for (const name of ["op", "path", "from"]) {
      const value = operation[name];
      if (isChecked && value !== undefined && value !== null && typeof value !== "string")
        throw refuse(value, `struct field jsonPatchOp.${name} of type string`);
    }
    return operation;
  });
}

const known = new Set(["op", "path", "from", "value"]);

/** What operations say twice, or beside the point. */
export function operationFlaws(text: string): readonly string[] {
  const isUnknown = (path: string, key: string) => /^\[\d+\]$/.test(path) && !known.has(key);
  return duplicatesInJson(text, isUnknown).map((flaw) => `json patch ${flaw}`);
}

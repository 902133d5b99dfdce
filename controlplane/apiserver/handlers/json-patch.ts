import jsonPatch, { type Operation } from "fast-json-patch";
import { cloneJson } from "../../../base/clone-json.ts";
import { exactJsonText } from "../../../base/exact-json.ts";
import { ApiError, badRequest } from "../api-error.ts";
import { goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, objectOf } from "../json.ts";

/** As in Kubernetes. */
export const jsonPatchLimits = {
  operationsMax: 10_000,
  /** By so much may all `copy` operations together make an object grow. */
  copiedBytesMax: 3 * 1024 * 1024,
} as const;

/** JSON patch (RFC 6902), read once and applied as often as needed. Fails with 400, 413, and with 422 where it does not
 *  fit the object: Kubernetes' text does not say why. */
export function jsonPatcher(patch: unknown): (current: JsonObject) => JsonObject {
  if (!Array.isArray(patch) || !patch.every(isObject))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${goKindOf(patch)} into Go value of type []handlers.jsonPatchOp`,
    );
  const { operationsMax } = jsonPatchLimits;
  if (patch.length > operationsMax)
    throw new ApiError(
      413,
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${operationsMax}, got ${patch.length}`,
    );
  return (current) => {
    try {
      return objectOf(applyOperations(current, patch));
    } catch {
      throw new ApiError(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
        {},
      );
    }
  };
}

/** An operation that gives no value gives null. */
function asGoReadsIt(operation: JsonObject): JsonObject {
  const takesValue = ["add", "replace", "test"].includes(String(operation.op));
  return takesValue && operation.value === undefined ? { ...operation, value: null } : operation;
}

/** The operation in those that the library does without copying values: it copies by way of a text that rounds numbers. */
function asPlain(document: unknown, operation: Operation): readonly Operation[] {
  const { op, path } = operation;
  if (op === "replace") return [asAddition(document, operation)];
  if ((op !== "copy" && op !== "move") || path === "" || operation.from === "") return [operation];
  const { from } = operation;
  const value = valueAt(document, from);
  // What is not there is the library's to refuse.
  if (value === undefined) return [operation];
  if (op === "copy") return [{ op: "add", path, value: cloneJson(value) }];
  return [
    { op: "remove", path: from },
    { op: "add", path, value },
  ];
}

/** Replacing a field that is not there sets it, as in the library that Kubernetes uses. */
function asAddition(document: unknown, operation: Operation): Operation {
  const cut = operation.path.lastIndexOf("/");
  const parent = cut < 0 ? undefined : valueAt(document, operation.path.slice(0, cut));
  return isObject(parent) ? ({ ...operation, op: "add" } as Operation) : operation;
}

function valueAt(document: unknown, pointer: string): unknown {
  return jsonPatch.getValueByPointer(document, pointer);
}

/** Which operation did not fit. */
export class PatchFailure extends Error {
  readonly operation: JsonObject;
  constructor(operation: JsonObject, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.operation = operation;
  }
}

/** The document with all operations applied; `current` may be changed. Fails with PatchFailure. */
export function applyOperations(current: unknown, patch: readonly JsonObject[]): unknown {
  let document: unknown = current;
  let copiedBytes = 0;
  for (const [at, given] of structuredClone(patch).entries()) {
    try {
      const operation = asGoReadsIt(given) as unknown as Operation;
      if (operation.op === "copy") {
        copiedBytes += jsonBytes(valueAt(document, operation.from));
        if (copiedBytes > jsonPatchLimits.copiedBytesMax)
          throw new Error(
            `Unable to complete the copy, the accumulated size increase of copy is ${copiedBytes}, exceeding the limit ${jsonPatchLimits.copiedBytesMax}`,
          );
      }
      for (const one of asPlain(document, operation))
        document = jsonPatch.applyOperation(document, one, true, true, true, at).newDocument;
    } catch (error) {
      throw new PatchFailure(given, error);
    }
  }
  return document;
}

function jsonBytes(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(exactJsonText(value));
}

import type { KubeObject } from "../../../client/types.ts";
import { objectIn, type RequestForm } from "../admission/matching/asked-request.ts";
import { internalError } from "../api-error.ts";
import { applyOperations, jsonPatchLimits, PatchFailure } from "../handlers/json-operations.ts";
import { isObject, type JsonObject, stringOf, toKubeObject } from "../json.ts";
import { checkNesting } from "../nesting.ts";
import { apiVersionOf } from "../registry/kind-table.ts";
import { storedFrom } from "../registry/slow-conversion.ts";
import type { Schemas } from "../schemas.ts";

/** The object as it is stored, with the operations applied to the form that a webhook saw. What the patch makes of it is read
 *  like any object of a client: unknown fields vanish, values of another type are refused. Fails with 500 where the patch does
 *  not fit, in the words of the library that Kubernetes uses. */
export async function patchedObject(
  schemas: Schemas,
  form: RequestForm,
  { object, operations }: { readonly object: KubeObject; readonly operations: readonly JsonObject[] },
): Promise<KubeObject> {
  const { operationsMax } = jsonPatchLimits;
  if (operations.length > operationsMax)
    throw internalError(
      `the patch has ${operations.length} operations, and may have ${operationsMax} at most`,
    );
  const patched = applied(structuredClone(objectIn(form, object)), operations);
  return readPatched(schemas, form, patched);
}

/** What a patch made of the form of an object, as it is stored. Fails with 500 where it is none.
 *  @param isStrict Unknown fields are refused; else they vanish. */
export async function readPatched(
  schemas: Schemas,
  form: RequestForm,
  patched: JsonObject,
  isStrict = false,
): Promise<KubeObject> {
  checkNesting(patched);
  const { type, schema = schemas.of(type) } = form;
  const apiVersion = apiVersionOf(type.group, type.version);
  if (patched.kind !== type.kind || patched.apiVersion !== apiVersion)
    throw internalError(
      `no kind ${JSON.stringify(stringOf(patched.kind))} is registered for version ${JSON.stringify(stringOf(patched.apiVersion))} in scheme "pkg/runtime/scheme.go:111"`,
    );
  const { typeErrors, unknown } = schema.accept(patched);
  if (typeErrors[0] !== undefined) throw internalError(typeErrors[0]);
  if (isStrict && unknown.length > 0) {
    throw internalError(`strict decoding error: ${unknown.join(", ")}`);
  }
  return toKubeObject({ ...(await storedFrom(form, patched)) });
}

function applied(document: unknown, operations: readonly JsonObject[]): JsonObject {
  let patched: unknown;
  try {
    patched = applyOperations(document, operations);
  } catch (error) {
    if (!(error instanceof PatchFailure)) throw error;
    throw internalError(error.message);
  }
  if (isObject(patched)) return patched;
  throw internalError("replace operation value must be object or array: %!w(<nil>)");
}

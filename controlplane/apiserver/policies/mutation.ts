import type { KubeObject } from "../../../client/types.ts";
import { costLimits } from "../../cel/environment.ts";
import { CelError, CelList, type Value } from "../../cel/values.ts";
import { objectIn, type RequestForm } from "../admission/matching/asked-request.ts";
import { applyOperations, PatchFailure } from "../handlers/json-operations.ts";
import { isObject, type JsonObject, objectOf } from "../json.ts";
import { apiVersionOf } from "../registry/kind-table.ts";
import type { Schemas } from "../schemas.ts";
import { readPatched } from "../webhooks/patched-object.ts";
import { type Evaluation, OutOfBudget } from "./expressions.ts";
import { checkTypeNames, jsonOf } from "./patch-messages.ts";
import type { CompiledMutation } from "./policy.ts";

/** A mutation that cannot be made; whether that refuses the request is for the policy to say. */
export class MutationFault extends Error {}

/** The object as the mutation makes it. Fails with MutationFault, and with an ApiError where what it makes is no object of the
 *  kind. (Kubernetes' patch.Patcher, in its words.) */
export async function mutated(
  schemas: Schemas,
  { patchType, text, expression }: CompiledMutation,
  about: { readonly object: KubeObject; readonly form: RequestForm; readonly evaluation: Evaluation },
): Promise<KubeObject> {
  const { object, form, evaluation } = about;
  const value = await resultOf(() => evaluation.run(expression, text, { left: costLimits.objectMax }));
  const served = structuredClone(objectOf(objectIn(form, object)));
  if (patchType === "JSONPatch") {
    const patched = patchedBy(
      served,
      saying(() => operationsOf(value)),
    );
    return patched === undefined ? object : await readPatched(schemas, form, patched, true);
  }
  const patch = saying(() => {
    checkTypeNames(value);
    return objectOf(jsonOf(value));
  });
  return readPatched(schemas, form, merged(schemas, form, served, patch));
}

async function resultOf(run: () => ReturnType<Evaluation["run"]>): Promise<Value> {
  try {
    const result = await run();
    if ("value" in result) return result.value;
    throw new MutationFault(result.error.replace(/^compilation error: /, ""));
  } catch (error) {
    throw error instanceof OutOfBudget ? new MutationFault(error.message) : error;
  }
}

function saying<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof CelError ? new MutationFault(error.message) : error;
  }
}

function merged(schemas: Schemas, { type }: RequestForm, served: JsonObject, given: JsonObject): JsonObject {
  const patch = { ...given, apiVersion: apiVersionOf(type.group, type.version), kind: type.kind };
  const problem = schemas.applyErrors(patch);
  const failed = (why: string) => new MutationFault(`error applying patch: ${why}`);
  if (problem !== "") throw failed(`failed to convert patch object to typed object: ${problem}`);
  const atomic = schemas.atomicParts(patch);
  if (atomic.length > 0)
    throw failed(
      `invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(", ")}`,
    );
  const object = schemas.merge(served, patch);
  // What is merged is converted in memory, where no number is too large.
  schemas.narrowIntegers(object);
  return object;
}

function operationsOf(value: Value): readonly JsonObject[] {
  const items = value instanceof CelList ? value.items : [];
  return items.map((item) => {
    const { op, path, from, value: given } = objectOf(jsonOf(item));
    return {
      op: op ?? "",
      path: path ?? "",
      ...(from !== undefined && from !== "" && { from }),
      ...(given !== undefined && { value: given }),
    };
  });
}

/** Undefined where a test of the patch fails: the object stays as it is. */
function patchedBy(served: JsonObject, operations: readonly JsonObject[]): JsonObject | undefined {
  try {
    const patched = applyOperations(served, operations);
    if (isObject(patched)) return patched;
    throw new MutationFault("JSON Patch: what it makes is no object");
  } catch (error) {
    if (!(error instanceof PatchFailure)) throw error;
    if (error.isFailedTest) return undefined;
    throw new MutationFault(`JSON Patch: ${error.message}`);
  }
}

import { compile } from "../cel/compile.ts";
import type { Environment } from "../cel/environment.ts";
import { kubernetesFunctions } from "../cel/library.ts";
import { type CelType, mapOf, opaque, types, typeText } from "../cel/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { listProblems } from "./device-rules.ts";
import { invalid, required, tooLong } from "./field-errors.ts";

const selectorsMax = 32;
const expressionBytesMax = 10 * 1024;

/** What an expression may ask of a device. */
const device: CelType = {
  kind: "object",
  name: "kubernetes.DRADevice",
  fields: new Map<string, CelType>([
    ["driver", types.string],
    ["attributes", mapOf(types.string, mapOf(types.string, types.dyn))],
    ["capacity", mapOf(types.string, mapOf(types.string, opaque("kubernetes.Quantity")))],
    ["allowMultipleAllocations", types.bool],
  ]),
};
const environment: Environment = {
  variables: new Map([["device", device]]),
  functions: kubernetesFunctions,
};

interface Selector {
  readonly cel?: { readonly expression?: string };
}

export function selectorProblems(
  selectors: readonly Selector[] | undefined,
  field: string,
): readonly FieldError[] {
  return listProblems(selectors, {
    max: selectorsMax,
    field,
    judge: ({ cel }, at) =>
      cel === undefined
        ? [required(`${at}.cel`)]
        : expressionProblems(cel.expression ?? "", `${at}.cel.expression`),
  });
}

function expressionProblems(expression: string, field: string): readonly FieldError[] {
  if (Buffer.byteLength(expression) > expressionBytesMax) return [tooLong(field, expressionBytesMax)];
  const compiled = compile(expression, environment);
  if ("problem" in compiled) return [invalid(field, expression, compiled.problem)];
  const { type } = compiled.program;
  if (type.kind === "bool" || type.kind === "dyn") return [];
  return [invalid(field, expression, `must evaluate to bool or the unknown type, not ${typeText(type)}`)];
}

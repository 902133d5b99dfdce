import { compileDeviceSelector } from "../../cel/device-selectors.ts";
import type { FieldError } from "../registry/kind.ts";
import { listProblems } from "./device-rules.ts";
import { forbidden, invalid, required, tooLong } from "./field-errors.ts";

const selectorsMax = 32;
const expressionBytesMax = 10 * 1024;

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
  const compiled = compileDeviceSelector(expression);
  if ("problem" in compiled) return [invalid(field, expression, compiled.problem)];
  return compiled.isTooComplex ? [forbidden(field, "too complex, exceeds cost limit")] : [];
}

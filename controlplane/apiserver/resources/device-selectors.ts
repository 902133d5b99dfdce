import { compile } from "../cel/compile.ts";
import type { DeclaredSizes } from "../cel/cost/sizes.ts";
import type { Environment } from "../cel/environment.ts";
import { kubernetesFunctions } from "../cel/library.ts";
import { type CelType, mapOf, opaque, types, typeText } from "../cel/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { listProblems } from "./device-rules.ts";
import { forbidden, invalid, required, tooLong } from "./field-errors.ts";

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

/** What an expression may cost at most. */
const costMaxAllowed = 1_000_000;

const entriesMax = 32;
const domainMax = 63;
const nameMax = 32;
const valueMax = 64;

/** How large what is known of a device can be. A name beside a domain is that of an attribute. */
const deviceSizes: DeclaredSizes = ([root, part, domain, name, ...more]) => {
  if (root !== "device" || more.length > 0) return undefined;
  if (part === undefined) return 0;
  const isAttribute = part === "attributes";
  if (!isAttribute && part !== "capacity") {
    if (domain !== undefined) return undefined;
    return part === "driver" ? domainMax : part === "allowMultipleAllocations" ? 1 : undefined;
  }
  if (domain === undefined) return entriesMax;
  if (domain === "@keys") return name === undefined ? domainMax : undefined;
  if (domain !== "@values") return undefined;
  if (name === undefined) return entriesMax;
  if (name === "@keys") return nameMax;
  if (isAttribute) return name === "@indices" ? undefined : valueMax;
  return name === "@values" ? 0 : undefined;
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
  const { type, costMax } = compiled.program;
  if (type.kind === "bool" || type.kind === "dyn")
    return costMax(deviceSizes) > costMaxAllowed ? [forbidden(field, "too complex, exceeds cost limit")] : [];
  return [invalid(field, expression, `must evaluate to bool or the unknown type, not ${typeText(type)}`)];
}

import { compareQuantities, isQuantity, quantityRule } from "../../../base/quantity.ts";
import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";
import { qualifiedName } from "./names.ts";

const standardName = /^(cpu|memory|ephemeral-storage|storage|hugepages-.+)$/;

/** Requests and limits: amounts that parse, are not negative, and fit each other. */
export function validateResources(resources: Container["resources"], field: string): readonly FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const problems = [
    ...validateAmounts(limits, `${field}.limits`),
    ...validateAmounts(requests, `${field}.requests`),
  ];
  if (problems.length > 0) return problems;
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit === undefined) continue;
    const order = compareQuantities(request, limit);
    if (order > 0) {
      const text = `must be less than or equal to ${name} limit of ${limit}`;
      problems.push(invalid(`${field}.requests`, request, text));
    } else if (order < 0 && isExtended(name)) {
      problems.push(invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`));
    }
  }
  return problems;
}

/** Things counted in pieces, which cannot be promised twice. */
const isExtended = (name: string) => name.includes("/") && !name.startsWith("kubernetes.io/");

function validateAmounts(amounts: Readonly<Record<string, string>>, field: string): FieldError[] {
  return Object.entries(amounts).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    const problems: FieldError[] = [];
    if (!standardName.test(name)) {
      problems.push(...qualifiedName(name).map((text) => invalid(at, name, text)));
      if (!name.includes("/"))
        problems.push(invalid(at, name, "must be a standard resource type or fully qualified"));
    }
    if (!isQuantity(amount)) problems.push(invalid(at, amount, quantityRule));
    else if (compareQuantities(amount, "0") < 0)
      problems.push(invalid(at, amount, "must be greater than or equal to 0"));
    return problems;
  });
}

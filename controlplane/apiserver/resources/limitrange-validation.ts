import { compareQuantities, isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import { qualifiedName } from "../../../client/rules/names.ts";
import type { LimitRange, LimitRangeItem } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { canOvercommit, containerResourceName, resourceName } from "./container-resources.ts";
import { duplicate, forbidden, invalid, required } from "./field-errors.ts";

const standardTypes = ["Pod", "Container", "PersistentVolumeClaim"];
const amountFields = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

export function validateLimitRange({ spec }: LimitRange): readonly FieldError[] {
  return (spec.limits ?? []).flatMap((limit, index, all) => {
    const field = `spec.limits[${index}]`;
    const { type = "" } = limit;
    const again = all.findIndex((one) => one.type === limit.type) < index;
    return [
      ...validateType(type, `${field}.type`),
      ...(again ? [duplicate(`${field}.type`, type)] : []),
      ...validateLimit(limit, field),
    ];
  });
}

function validateType(type: string, field: string): readonly FieldError[] {
  const problems = qualifiedName(type).map((text) => invalid(field, type, text));
  if (problems.length > 0 || type.includes("/") || standardTypes.includes(type)) return problems;
  return [invalid(field, type, "must be a standard limit type or fully qualified")];
}

function validateLimit(limit: LimitRangeItem, field: string): readonly FieldError[] {
  const isPod = limit.type === "Pod";
  const problems: FieldError[] = [];
  const nameRule = isPod || limit.type === "Container" ? containerResourceName : resourceName;
  for (const name of amountFields) {
    const amounts = Object.entries(limit[name] ?? {});
    if (isPod && (name === "default" || name === "defaultRequest")) {
      if (amounts.length > 0)
        problems.push(forbidden(`${field}.${name}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const [resource, amount] of amounts) {
      const at = `${field}.${name}[${resource}]`;
      problems.push(...nameRule(resource, at));
      if (!isQuantity(amount)) problems.push(invalid(at, amount, quantityRule));
    }
  }
  if (limit.type === "PersistentVolumeClaim" && !limit.min?.storage && !limit.max?.storage) {
    const text = "either minimum or maximum storage value is required, but neither was provided";
    problems.push(required(`${field}.limits`, text));
  }
  const resources = new Set(amountFields.flatMap((name) => Object.keys(limit[name] ?? {})));
  return [...problems, ...[...resources].flatMap((resource) => compareAmounts(limit, resource, field))];
}

/** min ≤ default request ≤ default limit ≤ max, and the ratio within what min and max leave. */
function compareAmounts(limit: LimitRangeItem, resource: string, field: string): readonly FieldError[] {
  const amount = (name: (typeof amountFields)[number]) => {
    const value = limit[name]?.[resource];
    return value !== undefined && isQuantity(value) ? canonicalQuantity(value) : undefined;
  };
  const [min, max, ratio] = [amount("min"), amount("max"), amount("maxLimitRequestRatio")];
  const ofPod = limit.type === "Pod";
  const limitDefault = ofPod ? undefined : amount("default");
  const request = ofPod ? undefined : amount("defaultRequest");
  const at = (name: string) => `${field}.${name}[${resource}]`;
  const problems: FieldError[] = [];
  const above = (left: string | undefined, right: string | undefined) =>
    left !== undefined && right !== undefined && compareQuantities(left, right) > 0;
  if (above(min, max))
    problems.push(invalid(at("min"), min, `min value ${min} is greater than max value ${max}`));
  if (above(min, request)) {
    const text = `min value ${min} is greater than default request value ${request}`;
    problems.push(invalid(at("defaultRequest"), request, text));
  }
  if (above(request, max)) {
    const text = `default request value ${request} is greater than max value ${max}`;
    problems.push(invalid(at("defaultRequest"), request, text));
  }
  if (above(request, limitDefault)) {
    const text = `default request value ${request} is greater than default limit value ${limitDefault}`;
    problems.push(invalid(at("defaultRequest"), request, text));
  }
  // Kubernetes shows the bound as the value in these two.
  if (above(min, limitDefault))
    problems.push(
      invalid(at("default"), min, `min value ${min} is greater than default value ${limitDefault}`),
    );
  if (above(limitDefault, max))
    problems.push(
      invalid(at("default"), max, `default value ${limitDefault} is greater than max value ${max}`),
    );
  if (above("1", ratio))
    problems.push(invalid(at("maxLimitRequestRatio"), ratio, `ratio ${ratio} is less than 1`));
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const most = Number(parseNanos(max)) / Number(parseNanos(min));
    if (Number(parseNanos(ratio)) / 1e9 > most) {
      const text = `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`;
      problems.push(invalid(at("maxLimitRequestRatio"), ratio, text));
    }
  }
  const differ =
    limitDefault !== undefined && request !== undefined && compareQuantities(limitDefault, request) !== 0;
  if (differ && !canOvercommit(resource)) {
    const text = `default value ${limitDefault} must equal to defaultRequest value ${request} in ${resource}`;
    problems.push(invalid(at("defaultRequest"), request, text));
  }
  return problems;
}

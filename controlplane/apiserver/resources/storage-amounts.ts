import { compareQuantities, isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";

/** Amounts of storage in volumes and claims. */

const nanosPerUnit = 1_000_000_000n;

/** Kubernetes shows the amount in whole units here. */
export function validateNotNegative(amount: string, field: string): readonly FieldError[] {
  if (!isQuantity(amount)) return [invalid(field, amount, quantityRule)];
  if (compareQuantities(amount, "0") >= 0) return [];
  return [invalid(field, Number(parseNanos(amount) / nanosPerUnit), "must be a valid resource quantity")];
}

export function validatePositive(amount: string, field: string): readonly FieldError[] {
  if (!isQuantity(amount)) return [invalid(field, amount, quantityRule)];
  return compareQuantities(amount, "0") > 0 ? [] : [invalid(field, amount, "must be greater than zero")];
}

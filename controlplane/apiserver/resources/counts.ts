import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";

/** A number that may be missing but not negative. */
export function validateCount(value: number | undefined, field: string): readonly FieldError[] {
  return value === undefined || value >= 0
    ? []
    : [invalid(field, value, "must be greater than or equal to 0")];
}

/** A number of pods, or a percentage of them. */
export function validateShare(
  value: string | number,
  field: string,
  { percentMax }: { readonly percentMax?: number },
): readonly FieldError[] {
  if (typeof value === "number") return validateCount(value, field);
  if (!/^[0-9]+%$/.test(value)) {
    const text =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    return [invalid(field, value, text)];
  }
  if (percentMax !== undefined && Number.parseInt(value, 10) > percentMax)
    return [invalid(field, value, `must not be greater than ${percentMax}%`)];
  return [];
}

import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";

/** A number that may be missing but not negative. */
export function validateCount(value: number | undefined, field: string): readonly FieldError[] {
  return value === undefined || value >= 0
    ? []
    : [invalid(field, value, "must be greater than or equal to 0")];
}

/** The named numbers of a status, each as above. */
export function validateCounts<Name extends string>(
  status: Readonly<Partial<Record<Name, number>>> | undefined,
  names: readonly Name[],
): readonly FieldError[] {
  return names.flatMap((name) => validateCount(status?.[name], `status.${name}`));
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
  return percentMax === undefined ? [] : aboveAll(value, field, percentMax);
}

/** A percentage above 100, or what is allowed. */
export function aboveAll(value: string | number, field: string, percentMax = 100): readonly FieldError[] {
  if (typeof value === "number" || !/^[0-9]+%$/.test(value)) return [];
  return Number.parseInt(value, 10) > percentMax
    ? [invalid(field, value, `must not be greater than ${percentMax}%`)]
    : [];
}

import { exactJsonText } from "../../../base/exact-json.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";

/** Problems worded as Kubernetes words them (apimachinery's field.Error). */

export function required(field: string, detail = ""): FieldError {
  return { reason: "FieldValueRequired", field, message: joined("Required value", detail) };
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: joined(`Invalid value: ${shown(value)}`, detail) };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return {
    reason: "FieldValueTypeInvalid",
    field,
    message: joined(`Invalid value: ${shown(value)}`, detail),
  };
}

/** Where no single value is to blame. */
export function invalidAltogether(field: string, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: joined("Invalid value", detail) };
}

export function tooMany(field: string, actual: number, most: number): FieldError {
  const message = `Too many: ${actual}: must have at most ${most} items`;
  return { reason: "FieldValueTooMany", field, message };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((one) => JSON.stringify(one)).join(", ");
  return {
    reason: "FieldValueNotSupported",
    field,
    message: joined(
      `Unsupported value: ${shown(value)}`,
      supported.length > 0 ? `supported values: ${list}` : "",
    ),
  };
}

export function forbidden(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", field, message: joined("Forbidden", detail) };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: "FieldValueDuplicate", field, message: `Duplicate value: ${shown(value)}` };
}

export function notFound(field: string, value: unknown): FieldError {
  return { reason: "FieldValueNotFound", field, message: `Not found: ${shown(value)}` };
}

export function tooLong(field: string, bytesMax: number): FieldError {
  return { reason: "FieldValueTooLong", field, message: `Too long: may not be more than ${bytesMax} bytes` };
}

/** `field: Invalid value: …: field is immutable` where the two differ. */
export function immutable(field: string, next: unknown, current: unknown): readonly FieldError[] {
  return sameValue(next, current) ? [] : [invalid(field, next, "field is immutable")];
}

function shown(value: unknown): string {
  return exactJsonText(value ?? null);
}

function joined(text: string, detail: string): string {
  return detail === "" ? text : `${text}: ${detail}`;
}

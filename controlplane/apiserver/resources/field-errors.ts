import { exactJsonText } from "../../../base/exact-json.ts";
import { escapedForHtml, goQuoted } from "../../../base/go-text.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
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

/** `field: Invalid value: …: field is immutable` where the two differ.
 *  @param goType As what `next` is shown, where it is more than a scalar or a list of them (see `go-forms.txt`). */
export function immutable(
  field: string,
  next: unknown,
  current: unknown,
  goType?: string,
): readonly FieldError[] {
  if (sameValue(next, current)) return [];
  return [invalid(field, goType === undefined ? next : new GoForm(goType, next), "field is immutable")];
}

/** Labels, or another map of texts, as messages show them: sorted. */
export const textsShown = (texts: Readonly<Record<string, string>> | undefined): GoForm =>
  new GoForm("{}s", texts);

export const selectorShown = (selector: object | undefined): GoForm =>
  new GoForm("*meta.LabelSelector", selector);

function shown(value: unknown): string {
  if (value instanceof GoForm) return value.text();
  return typeof value === "string" ? goQuoted(value) : escapedForHtml(exactJsonText(value ?? null));
}

function joined(text: string, detail: string): string {
  return detail === "" ? text : `${text}: ${detail}`;
}

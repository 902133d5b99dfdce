import type { Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateFieldRef, validateResourceFieldRef, volumePaths } from "./downward-validation.ts";
import { invalid, required } from "./field-errors.ts";
import { payloadPath } from "./relative-path.ts";

/** The files of volumes that are made from objects of the API. */

const modeMax = 0o777;

type Items = readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
type DownwardItem = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>[number];

export function validateItems(items: Items | undefined, field: string): readonly FieldError[] {
  return (items ?? []).flatMap(({ key, path = "", mode }, index) => {
    const at = `${field}[${index}]`;
    return [
      ...(key ? [] : [required(`${at}.key`)]),
      ...(path === "" ? [required(`${at}.path`)] : payloadPath(path, `${at}.path`)),
      ...validateMode(mode, `${at}.mode`),
    ];
  });
}

/** Kubernetes names the volume here, not the item. */
export function validateDownwardItem(item: DownwardItem, field: string): readonly FieldError[] {
  const { path = "", fieldRef, resourceFieldRef, mode } = item;
  const problems: FieldError[] =
    path === "" ? [required(`${field}.path`)] : [...payloadPath(path, `${field}.path`)];
  if (fieldRef !== undefined) {
    problems.push(...validateFieldRef(fieldRef, `${field}.fieldRef`, volumePaths));
    if (resourceFieldRef !== undefined) {
      const text = "fieldRef and resourceFieldRef can not be specified simultaneously";
      problems.push(invalid(field, "resource", text));
    }
  } else if (resourceFieldRef !== undefined) {
    const at = `${field}.resourceFieldRef`;
    problems.push(...validateResourceFieldRef(resourceFieldRef, at, { named: true }));
  } else problems.push(required(field, "one of fieldRef and resourceFieldRef is required"));
  return [...problems, ...validateMode(mode, `${field}.mode`)];
}

export function validateMode(mode: number | undefined, field: string): readonly FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= modeMax)) return [];
  return [invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, required, tooMany } from "../resources/field-errors.ts";
import type { PrinterColumn } from "./definition.ts";
import { findPath } from "./field-paths.ts";
import type { ShownVersion } from "./go-shown.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What of a version's subresources, columns and selectable fields breaks Kubernetes' rules. Pure. */

export function subresourceProblems(
  subresources: ShownVersion["subresources"],
  path: string,
): readonly FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...scalePath(specReplicasPath, `${path}.scale.specReplicasPath`, [".spec."], "under .spec"),
    ...scalePath(statusReplicasPath, `${path}.scale.statusReplicasPath`, [".status."], "under .status"),
    ...(labelSelectorPath
      ? scalePath(
          labelSelectorPath,
          `${path}.scale.labelSelectorPath`,
          [".spec.", ".status."],
          "under either .spec or .status",
        )
      : []),
  ];
}

function scalePath(
  text: string | undefined,
  path: string,
  under: readonly string[],
  where: string,
): readonly FieldError[] {
  if (!text) return [required(path)];
  if (!text.startsWith(".")) return [notSimple(text, path)];
  if (under.some((prefix) => text.startsWith(prefix))) return [];
  return [invalid(path, text, `should be a json path ${where}`)];
}

const notSimple = (text: string, path: string) =>
  invalid(path, text, "must be a simple json path starting with .");

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

export function columnProblems(
  { name, type, format, jsonPath }: PrinterColumn,
  path: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!name) problems.push(required(`${path}.name`));
  const oneOf = `must be one of ${columnTypes.join(",")}`;
  if (!type) problems.push(required(`${path}.type`, oneOf));
  else if (!columnTypes.includes(type)) problems.push(invalid(`${path}.type`, type, oneOf));
  if (format && !columnFormats.includes(format))
    problems.push(invalid(`${path}.format`, format, `must be one of ${columnFormats.join(",")}`));
  if (!jsonPath) problems.push(required(`${path}.JSONPath`));
  else if (!jsonPath.startsWith(".")) problems.push(notSimple(jsonPath, `${path}.JSONPath`));
  return problems;
}

const selectableMax = 8;

/** @param unchanged The same fields are stored: more than are allowed may stay. */
export function selectableProblems(
  fields: readonly { readonly jsonPath?: string }[],
  schema: JsonSchema,
  path: string,
  unchanged: boolean,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of fields.entries()) {
    const at = `${path}[${index}].jsonPath`;
    if (!jsonPath) {
      problems.push(required(at));
      continue;
    }
    const found = findPath(jsonPath, schema, { brackets: false });
    if ("problem" in found) {
      problems.push(invalid(at, jsonPath, `is an invalid path: ${found.problem}`));
      continue;
    }
    if (found.root === "metadata")
      problems.push(invalid(at, jsonPath, "must not point to fields in metadata"));
    if (!["string", "boolean", "integer"].includes(found.schema.type ?? ""))
      problems.push(
        invalid(
          at,
          jsonPath,
          "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
        ),
      );
    if (seen.has(found.path)) problems.push(duplicate(at, jsonPath));
    seen.add(found.path);
  }
  if (seen.size > selectableMax && !unchanged) problems.push(tooMany(path, seen.size, selectableMax));
  return problems;
}

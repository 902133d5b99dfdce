import { qualifiedName } from "../../../client/rules/names.ts";
import type { LabelSelector } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid } from "./field-errors.ts";

interface Keyed {
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/** Keys of labels whose values a pod brings along into its own selector. */
export function validateMatchLabelKeys(keyed: Keyed, field: string): readonly FieldError[] {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = keyed;
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  const problems: FieldError[] = (["matchLabelKeys", "mismatchLabelKeys"] as const).flatMap((name) =>
    validateKeys(keyed[name] ?? [], labelSelector, `${field}.${name}`),
  );
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && selected.has(key))
      problems.push(invalid(`${field}[${index}]`, key, "exists in both matchLabelKeys and labelSelector"));
    selected.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries())
    if (mismatchLabelKeys.includes(key)) {
      const text = "exists in both matchLabelKeys and mismatchLabelKeys";
      problems.push(invalid(`${field}.matchLabelKeys[${index}]`, key, text));
    }
  return problems;
}

function validateKeys(
  keys: readonly string[],
  selector: LabelSelector | undefined,
  field: string,
): readonly FieldError[] {
  if (keys.length === 0) return [];
  if (selector === undefined)
    return [forbidden(field, "must not be specified when labelSelector is not set")];
  return keys.flatMap((key, index) =>
    qualifiedName(key).map((text) => invalid(`${field}[${index}]`, key, text)),
  );
}

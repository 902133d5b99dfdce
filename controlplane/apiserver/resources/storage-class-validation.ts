import { qualifiedName } from "../../../client/rules/names.ts";
import type { StorageClass } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { duplicate, invalid, required, tooLong } from "./field-errors.ts";

/** What classes of storage, and classes of what volumes are like, share. */

const parametersMax = 512;
const parametersBytesMax = 256 * 1024;

export function validateProvisioner(name: string | undefined, field: string): readonly FieldError[] {
  if (!name) return [required(field)];
  const lower = name.toLowerCase();
  return qualifiedName(lower).map((text) => invalid(field, lower, text));
}

export function validateParameters(
  parameters: Readonly<Record<string, string>>,
  field: string,
): readonly FieldError[] {
  const all = Object.entries(parameters);
  if (all.length > parametersMax) return [tooLong(field, parametersMax)];
  const bytes = all.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...(all.some(([key]) => key === "") ? [invalid(field, "", "field can not be empty.")] : []),
    ...(bytes > parametersBytesMax ? [tooLong(field, parametersBytesMax)] : []),
  ];
}

type Term = NonNullable<StorageClass["allowedTopologies"]>[number];

export function validateTopologies(terms: readonly Term[], field: string): readonly FieldError[] {
  const seen: Readonly<Record<string, readonly string[]>>[] = [];
  return terms.flatMap((term, index) => {
    const at = `${field}[${index}].matchLabelExpressions`;
    const expressions = term.matchLabelExpressions ?? [];
    const problems = expressions.flatMap(({ key, values }, place) => {
      const twice = expressions.slice(0, place).some((one) => one.key === key);
      return [
        ...validateValues(values ?? [], `${at}[${place}].values`),
        ...qualifiedName(key).map((text) => invalid(`${at}[${place}].key`, key, text)),
        ...(twice ? [duplicate(`${at}[${place}].key`, key)] : []),
      ];
    });
    const wanted = Object.fromEntries(
      expressions.map(({ key, values }) => [key, [...new Set(values)].sort()]),
    );
    const same = seen.filter((one) => sameValue(one, wanted)).length;
    // Kubernetes compares a term that asks for nothing with one such for each term there is.
    const more = expressions.length === 0 ? terms.length : 0;
    seen.push(wanted);
    return [...problems, ...new Array<FieldError>(same + more).fill(duplicate(at, ""))];
  });
}

function validateValues(values: readonly string[], field: string): readonly FieldError[] {
  if (values.length === 0) return [required(field)];
  return values.flatMap((value, index) =>
    values.indexOf(value) < index ? [duplicate(`${field}[${index}]`, value)] : [],
  );
}

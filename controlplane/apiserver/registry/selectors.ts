import { parseInt64 } from "../../../client/rules/int64.ts";
import { badRequest } from "../api-error.ts";

/** Label and field selectors, parsed from text. Grammar: k8s.io/apimachinery `labels` and `fields`. Pure. */
export type LabelRequirement =
  | { readonly key: string; readonly op: "in" | "notin"; readonly values: ReadonlySet<string> }
  | { readonly key: string; readonly op: "exists" | "absent" }
  | { readonly key: string; readonly op: "gt" | "lt"; readonly value: bigint };
export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}
export type Labels = Readonly<Record<string, string>>;

const requirementPattern =
  /^\s*(?:(!)\s*([^\s!=<>,()]+)|([^\s!=<>,()]+)(?:\s*(==|=|!=|>|<)\s*([^\s!=<>,()]*)|\s+(in|notin)\s*\(([^()]*)\))?)\s*(?:,|$)/;

/** Fails with BadRequest as Kubernetes words it. An empty text selects everything. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  const requirements: LabelRequirement[] = [];
  let rest = text;
  while (rest.trim() !== "") {
    const match = requirementPattern.exec(rest);
    if (match === null)
      throw badRequest(`unable to parse requirement: found '${rest.trim()}', expected: a selector`);
    requirements.push(labelRequirement(match));
    const ended = rest.slice(0, match[0].length).endsWith(",");
    rest = rest.slice(match[0].length);
    if (ended && rest.trim() === "")
      throw badRequest("unable to parse requirement: found '', expected: identifier after ','");
  }
  return requirements;
}

const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function labelRequirement(match: RegExpExecArray): LabelRequirement {
  const [, not, absentKey, key = absentKey ?? "", op, value = "", setOp, set = ""] = match;
  if (!labelKey.test(key))
    throw badRequest(
      `unable to parse requirement: <nil>: Invalid value: "${key}": name part must be a qualified name`,
    );
  if (not !== undefined) return { key, op: "absent" };
  const values = setOp === undefined ? [value] : set.split(",").map((part) => part.trim());
  if (op === undefined && setOp === undefined) return { key, op: "exists" };
  for (const one of values)
    if (!labelValue.test(one))
      throw badRequest(
        `unable to parse requirement: values[0][${key}]: Invalid value: "${one}": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
      );
  if (op === ">" || op === "<") {
    const bound = parseInt64(value);
    if (bound === undefined)
      throw badRequest(
        `unable to parse requirement: values[0]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    return { key, op: op === ">" ? "gt" : "lt", value: bound };
  }
  return { key, op: op === "!=" || setOp === "notin" ? "notin" : "in", values: new Set(values) };
}

export function matchesLabels(
  requirements: readonly LabelRequirement[],
  labels: Labels | undefined,
): boolean {
  return requirements.every((requirement) => {
    const value = labels?.[requirement.key];
    switch (requirement.op) {
      case "exists":
        return value !== undefined;
      case "absent":
        return value === undefined;
      case "in":
        return value !== undefined && requirement.values.has(value);
      case "notin":
        return value === undefined || !requirement.values.has(value);
      case "gt":
      case "lt": {
        const number = parseInt64(value ?? "");
        if (number === undefined) return false;
        return requirement.op === "gt" ? number > requirement.value : number < requirement.value;
      }
    }
    return false;
  });
}

/** Splits at commas; `\` escapes a comma, an equals sign or itself. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  return splitEscaped(text)
    .filter((term) => term !== "")
    .map((term) => {
      const match = /^([^=!]*?)(!=|==|=)([\s\S]*)$/.exec(term);
      if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      return {
        field: (match[1] ?? "").trim(),
        equal: match[2] !== "!=",
        value: (match[3] ?? "").replaceAll(/\\([\\,=])/g, "$1"),
      };
    });
}

function splitEscaped(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

export function matchesFields(requirements: readonly FieldRequirement[], fields: Labels): boolean {
  return requirements.every(({ field, equal, value }) => ((fields[field] ?? "") === value) === equal);
}

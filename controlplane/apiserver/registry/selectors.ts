import { ownField } from "../../../base/own-field.ts";
import { parseInt64 } from "../../../client/rules/int64.ts";
import { badRequest } from "../api-error.ts";
import { type ParsedRequirement, parseRequirements, UnreadableSelector } from "./label-selector-parser.ts";

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

/** Fails with BadRequest as Kubernetes words it. An empty text selects everything. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  try {
    return parseRequirements(text).map(labelRequirement);
  } catch (error) {
    if (error instanceof UnreadableSelector) throw badRequest(error.message);
    throw error;
  }
}

function labelRequirement({ key, operator, values }: ParsedRequirement): LabelRequirement {
  switch (operator) {
    case "exists":
      return { key, op: "exists" };
    case "!":
      return { key, op: "absent" };
    case ">":
    case "<":
      return { key, op: operator === ">" ? "gt" : "lt", value: parseInt64(values[0] ?? "") ?? 0n };
    default:
      return { key, op: operator === "!=" || operator === "notin" ? "notin" : "in", values: new Set(values) };
  }
}

export function matchesLabels(
  requirements: readonly LabelRequirement[],
  labels: Labels | undefined,
): boolean {
  return requirements.every((requirement) => {
    const value = labels && ownField(labels, requirement.key);
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

import { asNumber } from "./match-line.ts";
import type { FieldTerm, Query } from "./query.ts";
import { regexLiteral } from "./regex-literal.ts";

/** Texts of which a line must have one to be able to match, so that others need not be read. */
export interface Needles {
  /** At least one, none of them empty. */
  readonly anyOf: readonly string[];
  /** In a line of JSON they may be written with `\u` escapes instead. */
  readonly mayBeEscaped: boolean;
}

const needlesMost = 8;

/** Undefined where every line has to be read. Pure. */
export function needlesOf(query: Query): Needles | undefined {
  switch (query.kind) {
    case "all":
    case "not":
      return undefined;
    case "and":
      return query.parts.map(needlesOf).reduce(better, undefined);
    case "or":
      return query.parts.map(needlesOf).reduce(both);
    case "text":
      return one(query.text, false);
    case "regex":
      return query.ignoresCase ? undefined : one(regexLiteral(query.source), false);
    case "field":
      return fieldNeedle(query);
  }
}

function fieldNeedle({ path, operator, value }: FieldTerm): Needles | undefined {
  if (operator === "!=" || operator === "!~") return undefined;
  const key = path.reduce((best, part) => (part.length > best.length ? part : best), "");
  // "component" and "level" may be told by a line's place, not its name; what is asked for is in it then, as it is in JSON.
  const isText = operator === "=" && Number.isNaN(asNumber(value));
  const run = isText ? longestPlain(value) : "";
  if (run !== "") return one(run, true);
  const isNamed = path.length > 1 || (key !== "level" && key !== "component");
  return isNamed ? one(key, true) : undefined;
}

/** Without what JSON and logfmt write with a backslash. */
function longestPlain(value: string): string {
  return value.split(/[^ !#-.0-[\]-~]/).reduce((best, run) => (run.length > best.length ? run : best), "");
}

/** What invalid bytes are read as is not what is written. */
function one(text: string | undefined, mayBeEscaped: boolean): Needles | undefined {
  const isPlain = text !== undefined && text !== "" && !/[\ufffd\ud800-\udfff]/.test(text);
  return isPlain ? { anyOf: [text], mayBeEscaped } : undefined;
}

function better(a: Needles | undefined, b: Needles | undefined): Needles | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return worth(b) > worth(a) ? b : a;
}

/** Longer ones are rarer, and one is found faster than several. */
function worth({ anyOf, mayBeEscaped }: Needles): number {
  return Math.min(...anyOf.map(({ length }) => length)) / anyOf.length - (mayBeEscaped ? 0.5 : 0);
}

function both(a: Needles | undefined, b: Needles | undefined): Needles | undefined {
  if (a === undefined || b === undefined) return undefined;
  const anyOf = [...new Set([...a.anyOf, ...b.anyOf])];
  return anyOf.length > needlesMost ? undefined : { anyOf, mayBeEscaped: a.mayBeEscaped || b.mayBeEscaped };
}

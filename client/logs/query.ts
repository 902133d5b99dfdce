/** What is searched for in lines of logs. Pure data: made by `parse-query.ts`, answered by `match-line.ts`. */
export type Query =
  | { readonly kind: "all" }
  | { readonly kind: "and" | "or"; readonly parts: readonly Query[] }
  | { readonly kind: "not"; readonly part: Query }
  | TextTerm
  | RegexTerm
  | FieldTerm;

/** The line has this text in it. */
export interface TextTerm {
  readonly kind: "text";
  readonly text: string;
}

/** The line has a match in it, by RE2's syntax. */
export interface RegexTerm {
  readonly kind: "regex";
  readonly source: string;
  readonly ignoresCase: boolean;
  /** Where it stands in what was typed, from 1. */
  readonly column: number;
}

export type FieldOperator = "=" | "!=" | ">" | ">=" | "<" | "<=" | "=~" | "!~";

/** A field of a line that is JSON, or has `key=value` in it. */
export interface FieldTerm {
  readonly kind: "field";
  readonly path: readonly string[];
  readonly operator: FieldOperator;
  readonly value: string;
  /** Of the value. */
  readonly column: number;
}

export const queryLimits = { charsMost: 4096, depthMost: 32, termsMost: 64 } as const;

export const everything: Query = { kind: "all" };

import { LineFields } from "./line-fields.ts";
import type { FieldTerm, Query } from "./query.ts";

/** Whether a line has a match of a regular expression in it, in time proportional to the line. */
export type RegexTest = (text: string) => boolean;

export type LineTest = (text: string) => boolean;

/** What answers a query for line after line. Pure.
 *  @param compileRegex Throws for what is no regular expression. */
export function lineTest(
  query: Query,
  compileRegex: (source: string, ignoresCase: boolean) => RegexTest,
): LineTest {
  const test = termTest(query, compileRegex);
  return (text) => test(new LineFields(text));
}

type Test = (line: LineFields) => boolean;

function termTest(query: Query, compileRegex: (source: string, ignoresCase: boolean) => RegexTest): Test {
  switch (query.kind) {
    case "all":
      return () => true;
    case "and": {
      const tests = query.parts.map((part) => termTest(part, compileRegex));
      return (line) => tests.every((test) => test(line));
    }
    case "or": {
      const tests = query.parts.map((part) => termTest(part, compileRegex));
      return (line) => tests.some((test) => test(line));
    }
    case "not": {
      const test = termTest(query.part, compileRegex);
      return (line) => !test(line);
    }
    case "text":
      return ({ text }) => text.includes(query.text);
    case "regex": {
      const test = compileRegex(query.source, query.ignoresCase);
      return ({ text }) => test(text);
    }
    case "field":
      return fieldTest(query, compileRegex);
  }
}

/** A field that is not there equals nothing, and is neither less nor more than anything. */
function fieldTest(
  { path, operator, value }: FieldTerm,
  compileRegex: (source: string, ignoresCase: boolean) => RegexTest,
): Test {
  const of = (test: (found: string) => boolean) => (line: LineFields) => {
    const found = line.valueOf(path);
    return found !== undefined && test(found);
  };
  const not = (test: Test) => (line: LineFields) => !test(line);
  switch (operator) {
    case "=":
      return of(equals(value));
    case "!=":
      return not(of(equals(value)));
    case "=~":
      return of(compileRegex(value, false));
    case "!~":
      return not(of(compileRegex(value, false)));
    default: {
      const bound = Number(value);
      return of((found) => compares(asNumber(found), operator, bound));
    }
  }
}

/** 500, 500.0 and "500" are the same. */
function equals(value: string): (found: string) => boolean {
  const number = asNumber(value);
  return Number.isNaN(number)
    ? (found) => found === value
    : (found) => found === value || asNumber(found) === number;
}

function compares(found: number, operator: ">" | ">=" | "<" | "<=", bound: number): boolean {
  if (operator === ">") return found > bound;
  if (operator === ">=") return found >= bound;
  return operator === "<" ? found < bound : found <= bound;
}

/** NaN for what is no number. */
export function asNumber(text: string): number {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
}

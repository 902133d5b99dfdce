import { RE2JS } from "re2js";
import type { RegexTest } from "./match-line.ts";
import type { QueryProblem } from "./parse-query.ts";
import type { Query } from "./query.ts";

/** By RE2: in time proportional to the text. Throws for what is no regular expression. */
export function compileRegex(source: string, ignoresCase: boolean): RegexTest {
  const regex = RE2JS.compile(source, ignoresCase ? RE2JS.CASE_INSENSITIVE : 0);
  return (text) => regex.matcher(text).find();
}

/** The first regular expression of a query that is none. */
export function regexProblem(query: Query): QueryProblem | undefined {
  switch (query.kind) {
    case "and":
    case "or":
      for (const part of query.parts) {
        const problem = regexProblem(part);
        if (problem !== undefined) return problem;
      }
      return undefined;
    case "not":
      return regexProblem(query.part);
    case "regex":
      return problemOf(query.source, query.column);
    case "field":
      return query.operator.endsWith("~") ? problemOf(query.value, query.column) : undefined;
    default:
      return undefined;
  }
}

function problemOf(source: string, column: number): QueryProblem | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { column, message: `no regular expression: ${message}` };
  }
}

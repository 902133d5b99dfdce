import { RE2JS } from "re2js";
import type { RegexTest } from "./match-line.ts";
import type { QueryProblem } from "./parse-query.ts";
import type { Query } from "./query.ts";

/** By RE2: in time proportional to the text. Throws for what is no regular expression. */
export function compileRegex(source: string, ignoresCase: boolean): RegexTest {
  const regex = RE2JS.compile(source, ignoresCase ? RE2JS.CASE_INSENSITIVE : 0);
  return (text) => regex.matcher(text).find();
}

/** What the regular expressions of a query take together, in steps of their programs: each letter of a line may take as many. */
export const regexStepsMost = 1_500;

/** The first regular expression of a query that is none, or with which they take too long. */
export function regexProblem(query: Query): QueryProblem | undefined {
  return problemIn(query, { left: regexStepsMost });
}

interface Steps {
  left: number;
}

function problemIn(query: Query, steps: Steps): QueryProblem | undefined {
  switch (query.kind) {
    case "and":
    case "or":
      for (const part of query.parts) {
        const problem = problemIn(part, steps);
        if (problem !== undefined) return problem;
      }
      return undefined;
    case "not":
      return problemIn(query.part, steps);
    case "regex":
      return problemOf(query.source, query.column, steps);
    case "field":
      return query.operator.endsWith("~") ? problemOf(query.value, query.column, steps) : undefined;
    default:
      return undefined;
  }
}

function problemOf(source: string, column: number, steps: Steps): QueryProblem | undefined {
  try {
    steps.left -= RE2JS.compile(source).programSize();
    if (steps.left >= 0) return undefined;
    return {
      column,
      message: `the regular expressions take more than ${regexStepsMost} steps for a letter: repeat less in them`,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { column, message: `no regular expression: ${message}` };
  }
}

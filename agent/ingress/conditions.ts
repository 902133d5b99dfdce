import { RE2JS } from "re2js";
import type { Condition, ValueTest } from "./route.ts";

/** What of a request decides which route it takes. Header names are in lower case. */
export interface MatchedRequest {
  readonly host: string;
  /** As `request-target.ts` compares it. */
  readonly path: string;
  readonly method: string;
  readonly query: string;
  readonly header: (name: string) => string | undefined;
  /** From 0 to below 100, one for each request. */
  readonly share: number;
}

export function conditionsHold(conditions: readonly Condition[], request: MatchedRequest): boolean {
  return conditions.every((condition) => holds(condition, request));
}

function holds(condition: Condition, request: MatchedRequest): boolean {
  switch (condition.kind) {
    case "method":
      return condition.method === request.method;
    case "share":
      return request.share < condition.percent;
    case "header":
      return passes(condition.test, request.header(condition.name));
    case "cookie":
      return passes(condition.test, cookieOf(request.header("cookie"), condition.name));
    case "query":
      return passes(condition.test, new URLSearchParams(request.query).get(condition.name) ?? undefined);
  }
}

function passes(test: ValueTest, value: string | undefined): boolean {
  switch (test.kind) {
    case "is":
      return value === test.value;
    case "isNot":
      return value !== test.value;
    case "pattern":
      return value !== undefined && (patternOf(test.text)?.matcher(value).matches() ?? false);
  }
}

const patterns = new Map<string, RE2JS | undefined>();
const patternsKept = 1_000;

/** Undefined where it is no pattern of RE2's syntax. */
export function patternOf(text: string): RE2JS | undefined {
  if (patterns.has(text)) return patterns.get(text);
  if (patterns.size >= patternsKept) patterns.clear();
  let made: RE2JS | undefined;
  try {
    made = RE2JS.compile(text);
  } catch {
    made = undefined;
  }
  patterns.set(text, made);
  return made;
}

/** The first value that a `Cookie` header gives this name. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

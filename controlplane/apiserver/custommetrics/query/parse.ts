import { durationMs, QueryError, type Token, tokens } from "./tokens.ts";
import {
  type LabelMatcher,
  labelMatcher,
  type MatchOperator,
  nameLabel,
  type SeriesSelector,
} from "./vector-selector.ts";

/** The part of PromQL that is answered without a Prometheus: what rules are made of. */
export type Expression =
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "vector"; readonly selector: SeriesSelector; readonly offsetMs: number }
  /** A function over the samples of a range. */
  | {
      readonly type: "range";
      readonly name: RangeFunction;
      readonly selector: SeriesSelector;
      readonly rangeMs: number;
      readonly offsetMs: number;
    }
  | {
      readonly type: "aggregation";
      readonly name: Aggregation;
      readonly grouping: { readonly without: boolean; readonly labels: readonly string[] };
      readonly of: Expression;
    }
  | {
      readonly type: "binary";
      readonly sign: BinarySign;
      readonly left: Expression;
      readonly right: Expression;
    };

export const aggregations = ["sum", "avg", "min", "max", "count"] as const;
export type Aggregation = (typeof aggregations)[number];
export const rangeFunctions = [
  "rate",
  "irate",
  "increase",
  "delta",
  "idelta",
  "avg_over_time",
  "min_over_time",
  "max_over_time",
  "sum_over_time",
  "count_over_time",
  "last_over_time",
] as const;
export type RangeFunction = (typeof rangeFunctions)[number];
export const binarySigns = ["+", "-", "*", "/"] as const;
export type BinarySign = (typeof binarySigns)[number];

/** How deep queries may nest. */
const nestingMax = 20;

/** Throws QueryError. */
export function parseQuery(text: string): Expression {
  const reader = new Reader(tokens(text));
  const expression = sumOf(reader, 0);
  reader.end();
  return expression;
}

/** A selector alone. Throws QueryError. */
export function parseSelectorText(text: string): SeriesSelector {
  const reader = new Reader(tokens(text));
  const selector = selectorOf(reader);
  reader.end();
  return { ...selector, text };
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;
  constructor(all: readonly Token[]) {
    this.#tokens = all;
  }
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }
  next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new QueryError("it ends too soon");
    return token;
  }
  /** Takes the sign if it comes next. */
  takes(sign: string): boolean {
    const token = this.peek();
    if (token?.type !== "sign" || token.text !== sign) return false;
    this.#at++;
    return true;
  }
  must(sign: string): void {
    if (this.takes(sign)) return;
    throw this.unexpected(`, where ${JSON.stringify(sign)} belongs`);
  }
  unexpected(where = ""): QueryError {
    const token = this.peek();
    return token === undefined
      ? new QueryError(`it ends too soon${where}`)
      : new QueryError(`unexpected ${JSON.stringify(token.text)} at character ${token.at + 1}${where}`);
  }
  end(): void {
    if (this.peek() !== undefined) throw this.unexpected();
  }
}

function sumOf(reader: Reader, depth: number): Expression {
  return binaryOf(reader, ["+", "-"], () => binaryOf(reader, ["*", "/"], () => signedOf(reader, depth + 1)));
}

function binaryOf(reader: Reader, signs: readonly BinarySign[], part: () => Expression): Expression {
  let left = part();
  for (;;) {
    const sign = signs.find((one) => reader.takes(one));
    if (sign === undefined) return left;
    left = { type: "binary", sign, left, right: part() };
  }
}

function signedOf(reader: Reader, depth: number): Expression {
  if (depth > nestingMax) throw new QueryError(`it nests deeper than ${nestingMax}`);
  if (reader.takes("+")) return signedOf(reader, depth + 1);
  if (!reader.takes("-")) return atomOf(reader, depth);
  return {
    type: "binary",
    sign: "*",
    left: { type: "number", value: -1 },
    right: signedOf(reader, depth + 1),
  };
}

function atomOf(reader: Reader, depth: number): Expression {
  const token = reader.peek();
  if (token?.type === "number") {
    reader.next();
    return { type: "number", value: Number(token.text) };
  }
  if (reader.takes("(")) {
    const inside = sumOf(reader, depth);
    reader.must(")");
    return inside;
  }
  const behind = reader.peek(1);
  if (token?.type === "word" && isCall(behind)) return callOf(reader, token.text, depth);
  const selector = selectorOf(reader);
  if (reader.peek()?.text === "[")
    throw new QueryError("samples of a range are no value: a function such as rate() takes them");
  return { type: "vector", selector, offsetMs: offsetOf(reader) };
}

function isCall(behind: Token | undefined): boolean {
  if (behind?.type === "sign") return behind.text === "(";
  return behind?.type === "word" && (behind.text === "by" || behind.text === "without");
}

function callOf(reader: Reader, name: string, depth: number): Expression {
  reader.next();
  const aggregation = aggregations.find((one) => one === name.toLowerCase());
  if (aggregation !== undefined) {
    const first = groupingOf(reader);
    reader.must("(");
    const of = sumOf(reader, depth + 1);
    reader.must(")");
    const grouping = first ?? groupingOf(reader) ?? { without: false, labels: [] };
    return { type: "aggregation", name: aggregation, grouping, of };
  }
  const range = rangeFunctions.find((one) => one === name);
  if (range === undefined)
    throw new QueryError(
      `${name}() is none of what is understood without a Prometheus: ${[...aggregations, ...rangeFunctions].join(", ")}`,
    );
  reader.must("(");
  const selector = selectorOf(reader);
  reader.must("[");
  const duration = reader.next();
  if (duration.type !== "duration") throw new QueryError(`${JSON.stringify(duration.text)} is no duration`);
  reader.must("]");
  const rangeMs = durationMs(duration.text);
  if (rangeMs === 0) throw new QueryError("a range of nothing");
  const offsetMs = offsetOf(reader);
  reader.must(")");
  return { type: "range", name: range, selector, rangeMs, offsetMs };
}

function groupingOf(reader: Reader): { without: boolean; labels: readonly string[] } | undefined {
  const word = reader.peek();
  if (word?.type !== "word" || (word.text !== "by" && word.text !== "without")) return undefined;
  reader.next();
  reader.must("(");
  const labels: string[] = [];
  while (!reader.takes(")")) {
    const label = reader.next();
    if (label.type !== "word") throw new QueryError(`${JSON.stringify(label.text)} is no label`);
    labels.push(label.text);
    if (!reader.takes(",") && reader.peek()?.text !== ")") throw reader.unexpected();
  }
  return { without: word.text === "without", labels };
}

function offsetOf(reader: Reader): number {
  const word = reader.peek();
  if (word?.type !== "word" || word.text !== "offset") return 0;
  reader.next();
  const duration = reader.next();
  if (duration.type !== "duration") throw new QueryError(`${JSON.stringify(duration.text)} is no duration`);
  return durationMs(duration.text);
}

const signs: ReadonlySet<string> = new Set(["=", "!=", "=~", "!~"]);

function selectorOf(reader: Reader): SeriesSelector {
  const matchers: LabelMatcher[] = [];
  const first = reader.peek();
  if (first?.type === "word") {
    reader.next();
    matchers.push(labelMatcher(nameLabel, "=", first.text));
  }
  if (reader.takes("{"))
    while (!reader.takes("}")) {
      matchers.push(matcherOf(reader));
      if (!reader.takes(",") && reader.peek()?.text !== "}") throw reader.unexpected();
    }
  else if (first?.type !== "word") throw reader.unexpected();
  if (matchers.every(({ matches }) => matches("")))
    throw new QueryError("a selector needs at least one matcher that does not match the empty text");
  return { text: "", matchers };
}

function matcherOf(reader: Reader): LabelMatcher {
  const label = reader.next();
  if (label.type !== "word" || label.text.includes(":"))
    throw new QueryError(`${JSON.stringify(label.text)} is no label`);
  const sign = reader.next();
  if (sign.type !== "sign" || !signs.has(sign.text))
    throw new QueryError(`${JSON.stringify(sign.text)} at character ${sign.at + 1} is none of =, !=, =~, !~`);
  const value = reader.next();
  if (value.type !== "string")
    throw new QueryError(`${JSON.stringify(value.text)} at character ${value.at + 1} is no string`);
  try {
    return labelMatcher(label.text, sign.text as MatchOperator, value.text);
  } catch (error) {
    throw new QueryError(`${JSON.stringify(value.text)}: ${error instanceof Error ? error.message : error}`);
  }
}

import type { Aggregation, BinarySign, Expression } from "./parse.ts";
import { extreme, type Point, rangeValue } from "./range-functions.ts";
import { QueryError } from "./tokens.ts";
import { nameLabel, type SeriesLabels, type SeriesSelector, selects } from "./vector-selector.ts";

/** A series as it was seen over time. */
export interface KeptSeries {
  readonly labels: SeriesLabels;
  /** In the order of time. */
  readonly points: readonly Point[];
  /** When it was found to be gone. */
  readonly goneMs: number | undefined;
}

export interface Sample {
  readonly labels: SeriesLabels;
  readonly value: number;
  readonly atMs: number;
}

export type QueryResult =
  | { readonly type: "vector"; readonly samples: readonly Sample[] }
  | { readonly type: "scalar"; readonly value: number; readonly atMs: number };

/** How far back the newest sample of a series may lie, as in Prometheus. */
const lookbackMs = 5 * 60_000;

/** What the query says at that time of these series. Throws QueryError. */
export function evaluate(query: Expression, series: Iterable<KeptSeries>, atMs: number): QueryResult {
  const kept = [...series];
  const of = (expression: Expression): QueryResult => {
    switch (expression.type) {
      case "number":
        return { type: "scalar", value: expression.value, atMs };
      case "vector":
        return vector(instant(kept, expression.selector, atMs - expression.offsetMs), atMs);
      case "range": {
        const { name, selector, rangeMs, offsetMs } = expression;
        const endMs = atMs - offsetMs;
        const startMs = endMs - rangeMs;
        const found = kept.filter(({ labels }) => selects(selector, labels));
        const samples = found.flatMap(({ labels, points }) => {
          const within = points.filter((point) => point.atMs > startMs && point.atMs <= endMs);
          const value = rangeValue(name, { points: within, startMs, endMs });
          if (value === undefined) return [];
          return [{ labels: name === "last_over_time" ? labels : withoutName(labels), value, atMs }];
        });
        return vector(samples, atMs);
      }
      case "aggregation":
        return aggregated(expression, of(expression.of), atMs);
      case "binary":
        return computed(expression.sign, of(expression.left), of(expression.right), atMs);
    }
  };
  return of(query);
}

/** Two samples of the same labels are no answer. */
function vector(samples: readonly Sample[], atMs: number): QueryResult {
  const seen = new Set<string>();
  for (const { labels } of samples) {
    const key = labelsKey(labels);
    if (seen.has(key)) throw new QueryError("the answer has several values of the same labels");
    seen.add(key);
  }
  return { type: "vector", samples: samples.map((sample) => ({ ...sample, atMs })) };
}

/** The newest sample of each series that is not too old. */
function instant(kept: readonly KeptSeries[], selector: SeriesSelector, atMs: number): readonly Sample[] {
  return kept.flatMap(({ labels, points, goneMs }) => {
    if (!selects(selector, labels) || (goneMs !== undefined && goneMs <= atMs)) return [];
    const point = points.findLast((one) => one.atMs <= atMs);
    if (point === undefined || point.atMs <= atMs - lookbackMs) return [];
    return [{ labels, value: point.value, atMs }];
  });
}

function withoutName(labels: SeriesLabels): SeriesLabels {
  return new Map([...labels].filter(([label]) => label !== nameLabel));
}

export function labelsKey(labels: SeriesLabels): string {
  return JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function aggregated(
  { name, grouping }: Extract<Expression, { type: "aggregation" }>,
  of: QueryResult,
  atMs: number,
): QueryResult {
  if (of.type === "scalar") throw new QueryError(`${name}() takes series, no number`);
  const groups = new Map<string, { readonly labels: SeriesLabels; readonly values: number[] }>();
  for (const { labels, value } of of.samples) {
    const kept = new Map(
      [...labels].filter(
        ([label]) =>
          grouping.labels.includes(label) !== grouping.without && !(grouping.without && label === nameLabel),
      ),
    );
    const key = labelsKey(kept);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels: kept, values: [value] });
    else group.values.push(value);
  }
  const samples = [...groups.values()].map(({ labels, values }) => ({
    labels,
    value: aggregate(name, values),
    atMs,
  }));
  return vector(samples, atMs);
}

function aggregate(name: Aggregation, values: readonly number[]): number {
  const sum = () => values.reduce((a, b) => a + b, 0);
  switch (name) {
    case "sum":
      return sum();
    case "avg":
      return sum() / values.length;
    case "count":
      return values.length;
    case "min":
      return extreme(values, (a, b) => a < b) ?? Number.NaN;
    case "max":
      return extreme(values, (a, b) => a > b) ?? Number.NaN;
  }
}

const operations: Readonly<Record<BinarySign, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

/** Series with a number, or with series of the same labels. */
function computed(sign: BinarySign, left: QueryResult, right: QueryResult, atMs: number): QueryResult {
  const compute = operations[sign];
  if (left.type === "scalar" && right.type === "scalar")
    return { type: "scalar", value: compute(left.value, right.value), atMs };
  const each = (samples: readonly Sample[], value: (one: Sample) => number) =>
    vector(
      samples.map((one) => ({ labels: withoutName(one.labels), value: value(one), atMs })),
      atMs,
    );
  if (right.type === "scalar") {
    if (left.type === "scalar") throw new QueryError("two numbers"); // said above
    return each(left.samples, ({ value }) => compute(value, right.value));
  }
  if (left.type === "scalar") return each(right.samples, ({ value }) => compute(left.value, value));
  const others = new Map<string, Sample>();
  for (const one of right.samples) {
    const key = labelsKey(withoutName(one.labels));
    if (others.has(key)) throw new QueryError("several series on the right side have the same labels");
    others.set(key, one);
  }
  const pairs = left.samples.flatMap((one) => {
    const other = others.get(labelsKey(withoutName(one.labels)));
    return other === undefined ? [] : [{ ...one, value: compute(one.value, other.value) }];
  });
  return each(pairs, ({ value }) => value);
}

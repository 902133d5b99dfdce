import type { RangeFunction } from "./parse.ts";

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Range {
  /** Left open, in the order of time. */
  readonly points: readonly Point[];
  readonly startMs: number;
  readonly endMs: number;
}

/** What Prometheus' functions make of the samples of a range; undefined: nothing. Pure. */
export function rangeValue(name: RangeFunction, range: Range): number | undefined {
  const { points } = range;
  const values = points.map(({ value }) => value);
  switch (name) {
    case "rate":
    case "increase":
    case "delta":
      return extrapolated(range, name);
    case "irate":
    case "idelta":
      return lastTwo(points, name);
    case "count_over_time":
      return points.length === 0 ? undefined : points.length;
    case "last_over_time":
      return values.at(-1);
    case "avg_over_time":
      return points.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / points.length;
    case "sum_over_time":
      return points.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
    case "min_over_time":
      return extreme(values, (a, b) => a < b);
    case "max_over_time":
      return extreme(values, (a, b) => a > b);
  }
}

/** A value that is no number gives way to any other. */
export function extreme(
  values: readonly number[],
  isBefore: (a: number, b: number) => boolean,
): number | undefined {
  let found: number | undefined;
  for (const value of values)
    if (found === undefined || isBefore(value, found) || Number.isNaN(found)) found = value;
  return found;
}

/** As Prometheus' extrapolatedRate: the first and last samples are taken to go on to the ends of the range, unless those are too
 *  far, and a counter not to below zero. */
function extrapolated(
  { points, startMs, endMs }: Range,
  name: "rate" | "increase" | "delta",
): number | undefined {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2) return undefined;
  let result = last.value - first.value;
  const isCounter = name !== "delta";
  if (isCounter) {
    let before = first.value;
    for (const { value } of points) {
      if (value < before) result += before; // it began anew
      before = value;
    }
  }
  const sampledSeconds = (last.atMs - first.atMs) / 1000;
  const gapSeconds = sampledSeconds / (points.length - 1);
  const farSeconds = gapSeconds * 1.1;
  let toStart = (first.atMs - startMs) / 1000;
  let toEnd = (endMs - last.atMs) / 1000;
  if (toStart >= farSeconds) toStart = gapSeconds / 2;
  if (isCounter && result > 0 && first.value >= 0)
    toStart = Math.min(toStart, sampledSeconds * (first.value / result));
  if (toEnd >= farSeconds) toEnd = gapSeconds / 2;
  let factor = (sampledSeconds + toStart + toEnd) / sampledSeconds;
  if (name === "rate") factor /= (endMs - startMs) / 1000;
  return result * factor;
}

function lastTwo(points: readonly Point[], name: "irate" | "idelta"): number | undefined {
  const last = points.at(-1);
  const before = points.at(-2);
  if (last === undefined || before === undefined) return undefined;
  if (name === "idelta") return last.value - before.value;
  const grown = last.value < before.value ? last.value : last.value - before.value;
  return grown / ((last.atMs - before.atMs) / 1000);
}

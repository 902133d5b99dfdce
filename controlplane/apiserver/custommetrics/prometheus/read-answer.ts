import type { QueryResult, Sample } from "../query/evaluate.ts";
import { nameLabel, type SeriesLabels } from "../query/vector-selector.ts";

/** Prometheus' answers, read: any bytes may come. Throws Error. */

const samplesMax = 50_000;
const seriesMax = 200_000;
const labelsMax = 128;

export function readQueryAnswer(text: string): QueryResult {
  const { resultType, result } = recordOf(dataOf(text));
  if (resultType === "scalar") {
    const { value, atMs } = readPoint(result);
    return { type: "scalar", value, atMs };
  }
  if (resultType !== "vector" || !Array.isArray(result))
    throw new Error(`a result of type ${JSON.stringify(resultType)}, where a vector was expected`);
  if (result.length > samplesMax) throw new Error(`${result.length} samples are more than ${samplesMax}`);
  const samples = result.map((one): Sample => {
    const { metric, value } = recordOf(one);
    return { labels: labelsOf(metric), ...readPoint(value) };
  });
  return { type: "vector", samples };
}

export function readSeriesAnswer(text: string): readonly SeriesLabels[] {
  const data = dataOf(text);
  if (!Array.isArray(data)) throw new Error("data is no list");
  if (data.length > seriesMax) throw new Error(`${data.length} series are more than ${seriesMax}`);
  return data.map(labelsOf).filter((labels) => labels.has(nameLabel));
}

function dataOf(text: string): unknown {
  let answer: Record<string, unknown>;
  try {
    answer = recordOf(JSON.parse(text));
  } catch {
    throw new Error("the answer is no JSON object");
  }
  if (answer.status === "success") return answer.data;
  throw new Error(`${answer.errorType ?? "error"}: ${String(answer.error ?? "no reason").slice(0, 500)}`);
}

function readPoint(point: unknown): { readonly value: number; readonly atMs: number } {
  const [seconds, text] = Array.isArray(point) ? (point as unknown[]) : [];
  if (typeof seconds !== "number" || typeof text !== "string") throw new Error("a value is no [time, text]");
  const word = text.replace(/Inf$/, "Infinity");
  const value = Number(word);
  if (word === "" || (Number.isNaN(value) && word !== "NaN"))
    throw new Error(`${JSON.stringify(text.slice(0, 50))} is no value`);
  return { value, atMs: Math.round(seconds * 1000) };
}

function labelsOf(metric: unknown): SeriesLabels {
  const entries = Object.entries(recordOf(metric)).slice(0, labelsMax);
  return new Map(entries.map(([label, value]) => [label, String(value)]));
}

function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error("no object where one was expected");
}

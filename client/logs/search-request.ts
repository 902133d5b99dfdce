import { parseSelector, type Selector } from "../../base/label-selector.ts";
import { parseQuery } from "./parse-query.ts";
import type { Query } from "./query.ts";

export const sources = ["containers", "components", "events", "audit"] as const;
export type SearchedSource = (typeof sources)[number];

export const orders = ["newest", "oldest"] as const;

/** What somebody wants of the logs, as the API and nodes are asked for it (`entries?query=…&since=…`). */
export interface SearchRequest {
  readonly source: SearchedSource;
  /** As it was typed, and read. */
  readonly queryText: string;
  readonly query: Query;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly labelSelector: string;
  readonly selector: Selector;
  readonly pod: string | undefined;
  readonly container: string | undefined;
  readonly component: string | undefined;
  readonly node: string | undefined;
  readonly stream: "stdout" | "stderr" | undefined;
  /** In [since, until), microseconds since 1970. */
  readonly sinceUs: number;
  readonly untilUs: number;
  readonly order: (typeof orders)[number];
  readonly limit: number;
  readonly follow: boolean;
  /** How many lines there are in each step, instead of the lines. */
  readonly counts: { readonly stepUs: number; readonly by: CountedBy | undefined } | undefined;
}

export const countedBy = ["namespace", "pod", "container", "node", "component", "stream"] as const;
export type CountedBy = (typeof countedBy)[number];

export const searchLimits = {
  entriesMost: 10_000,
  entriesUsual: 500,
  stepsMost: 1_000,
  stepsUsual: 60,
} as const;

const hourUs = 3_600_000_000;

/** A parameter that does not hold, and what is wrong with it. */
export interface RequestProblem {
  readonly parameter: string;
  readonly message: string;
  /** In the query, from 1. */
  readonly column?: number;
}

const known = new Set([
  ...["query", "labelSelector", "pod", "container", "component", "node", "stream", "source", "namespace"],
  ...["since", "until", "order", "limit", "follow", "counts", "step", "by"],
]);

/** Reads what is asked for. Every parameter counts: what is unknown or given twice is a problem. Pure. */
export function parseSearchRequest(
  params: URLSearchParams,
  nowMs: number,
): { readonly request: SearchRequest } | { readonly problem: RequestProblem } {
  try {
    return { request: read(params, nowMs) };
  } catch (error) {
    if (error instanceof Refused) return { problem: error.problem };
    throw error;
  }
}

class Refused extends Error {
  readonly problem: RequestProblem;

  constructor(problem: RequestProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

function refuse(parameter: string, message: string, column?: number): never {
  throw new Refused({ parameter, message, ...(column !== undefined && { column }) });
}

function read(params: URLSearchParams, nowMs: number): SearchRequest {
  for (const name of params.keys()) {
    if (!known.has(name)) refuse(name, "there is no such parameter");
    if (params.getAll(name).length > 1) refuse(name, "is given twice");
  }
  const text = (name: string) => params.get(name) || undefined;
  const queryText = params.get("query") ?? "";
  const parsed = parseQuery(queryText);
  if ("problem" in parsed) refuse("query", parsed.problem.message, parsed.problem.column);
  const source = oneOf(params, "source", sources) ?? "containers";
  const follow = flag(params, "follow");
  const hasCounts = flag(params, "counts");
  if (follow && text("until") !== undefined) refuse("until", "there is none while lines are followed");
  const nowUs = nowMs * 1000;
  const untilUs = timeUs(params, "until", nowUs) ?? (follow ? Number.MAX_SAFE_INTEGER : nowUs);
  const sinceUs = timeUs(params, "since", nowUs) ?? (follow ? nowUs : Math.min(untilUs, nowUs) - hourUs);
  if (sinceUs > untilUs) refuse("since", "is later than until");
  if (follow && hasCounts) refuse("counts", "nothing is counted while lines are followed");
  const order = oneOf(params, "order", orders) ?? (follow ? "oldest" : "newest");
  if (follow && order === "newest") refuse("order", "what is followed comes oldest first");
  const labelSelector = params.get("labelSelector") ?? "";
  if (labelSelector !== "" && source !== "containers") refuse("labelSelector", `${source} have no labels`);
  return {
    ...{ source, queryText, query: parsed.query, namespace: text("namespace") },
    ...{ labelSelector, selector: selectorOf(labelSelector) },
    ...{ pod: text("pod"), container: text("container"), component: text("component"), node: text("node") },
    stream: oneOf(params, "stream", ["stdout", "stderr"] as const),
    ...{ sinceUs, untilUs, order, follow },
    limit: limitOf(params),
    counts: hasCounts
      ? { stepUs: stepOf(params, untilUs - sinceUs), by: oneOf(params, "by", countedBy) }
      : undefined,
  };
}

/** What a node is asked with: the same, with times that do not depend on its clock. */
export function searchParams(request: SearchRequest): URLSearchParams {
  const { counts, sinceUs, untilUs } = request;
  const given: Record<string, string | undefined> = {
    query: request.queryText,
    labelSelector: request.labelSelector,
    ...pick(request, ["source", "namespace", "pod", "container", "component", "stream", "order"]),
    limit: String(request.limit),
    since: timestamp(sinceUs),
    ...(request.follow ? { follow: "true" } : { until: timestamp(untilUs) }),
    ...(counts !== undefined && { counts: "true", step: `${counts.stepUs / 1000}ms`, by: counts.by }),
  };
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value) params.set(name, value);
  return params;
}

function pick(request: SearchRequest, names: readonly (keyof SearchRequest & string)[]) {
  return Object.fromEntries(names.map((name) => [name, request[name] as string | undefined]));
}

function oneOf<T extends string>(
  params: URLSearchParams,
  name: string,
  choices: readonly T[],
): T | undefined {
  const given = params.get(name);
  if (!given) return undefined;
  const found = choices.find((choice) => choice === given);
  return found ?? refuse(name, `must be one of ${choices.join(", ")}`);
}

function flag(params: URLSearchParams, name: string): boolean {
  return oneOf(params, name, ["true", "false"] as const) === "true";
}

function limitOf(params: URLSearchParams): number {
  const given = params.get("limit");
  if (!given) return searchLimits.entriesUsual;
  const limit = /^\d{1,6}$/.test(given) ? Number(given) : 0;
  const { entriesMost } = searchLimits;
  return limit >= 1 && limit <= entriesMost ? limit : refuse("limit", `must be 1 to ${entriesMost}`);
}

function stepOf(params: URLSearchParams, spanUs: number): number {
  const given = params.get("step");
  const stepUs = given ? durationUs(given) : niceStepUs(spanUs / searchLimits.stepsUsual);
  if (stepUs === undefined || stepUs < 1000)
    return refuse("step", "must be a duration such as 5m, 1ms or more");
  if (spanUs / stepUs > searchLimits.stepsMost)
    refuse("step", `makes more than ${searchLimits.stepsMost} steps`);
  return stepUs;
}

/** The next that a clock has. */
function niceStepUs(leastUs: number): number {
  const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
  const found = seconds.find((one) => one * 1e6 >= leastUs);
  return (found ?? Math.ceil(leastUs / 86_400e6) * 86_400) * 1e6;
}

function selectorOf(text: string): Selector {
  try {
    return parseSelector(text);
  } catch (error) {
    return refuse("labelSelector", error instanceof Error ? error.message : String(error));
  }
}

/** A time, or how long ago. */
function timeUs(params: URLSearchParams, name: string, nowUs: number): number | undefined {
  const given = params.get(name);
  if (!given) return undefined;
  const ago = durationUs(given);
  const us = ago === undefined ? timestampUs(given) : nowUs - ago;
  return us ?? refuse(name, "must be a time such as 2026-12-01T08:00:00Z, or how long ago, such as 90m");
}

const unitsUs: Readonly<Record<string, number>> = {
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: hourUs,
  d: 24 * hourUs,
  w: 7 * 24 * hourUs,
};

/** `90s`, `1h30m`, `2d`. Undefined for what is none. */
export function durationUs(text: string): number | undefined {
  if (!/^(?:\d{1,15}(?:\.\d{1,6})?(?:ms|[smhdw])){1,6}$/.test(text)) return undefined;
  let us = 0;
  for (const [, count = "", unit = ""] of text.matchAll(/([\d.]+)(ms|[smhdw])/g))
    us += Number(count) * (unitsUs[unit] ?? 0);
  return Math.round(us);
}

/** RFC 3339, to the microsecond. Undefined for what is none. */
export function timestampUs(text: string): number | undefined {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (found === null) return undefined;
  const [, whole = "", fraction = "", zone = ""] = found;
  const ms = Date.parse(whole + zone);
  return Number.isNaN(ms) ? undefined : ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
}

export function timestamp(us: number): string {
  const ms = Math.floor(us / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(Math.round(us - ms * 1000)).padStart(3, "0")}Z`;
}

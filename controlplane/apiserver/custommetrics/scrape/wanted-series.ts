import { type Expression, parseQuery } from "../query/parse.ts";
import { reachMs } from "../query/reach.ts";
import { exactName, nameLabel, type SeriesSelector } from "../query/vector-selector.ts";
import { isTaken } from "../rules/metric-name.ts";
import type { MetricRule, MetricRules } from "../rules/rule.ts";

/** How far back samples are kept at most, without a Prometheus. */
export const reachMsMax = 15 * 60_000;
/** Stands in a rule's query for the series that it is asked about. */
const placeholder = "pintle:series";

/** A rule's query as it is asked, for a series that stands for any. Throws QueryError. */
function sampleQuery({ metricsQuery }: MetricRule): Expression {
  return parseQuery(
    metricsQuery.query({
      series: placeholder,
      labelMatchers: 'a="b"',
      labelValuesByName: new Map(),
      groupBy: ["a"],
    }),
  );
}

/** What the rules ask that cannot be answered without a Prometheus. */
export function scrapeProblems({ rules, externalRules }: MetricRules): readonly string[] {
  return [...rules, ...externalRules].flatMap((rule) => {
    const problem = problemOf(rule);
    return problem === undefined
      ? []
      : [
          `${rule.place}.metricsQuery: ${JSON.stringify(rule.metricsQuery.text)}: ${problem} (--prometheus-url names a Prometheus, which answers any query)`,
        ];
  });
}

function problemOf(rule: MetricRule): string | undefined {
  try {
    const reach = reachMs(sampleQuery(rule));
    if (reach > reachMsMax)
      return `it looks ${reach / 1000} s back, where samples are kept for ${reachMsMax / 1000} s`;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Which series are read of what pods expose, and for how long they are kept. */
export interface WantedSeries {
  readonly isWanted: (name: string) => boolean;
  readonly keptMs: number;
}

const knownNamesMax = 10_000;

/** Those that the rules name, and no others. */
export function wantedSeries({ rules, externalRules }: MetricRules): WantedSeries {
  const all = [...rules, ...externalRules];
  const exact = new Set<string>();
  let keptMs = 0;
  for (const rule of all) {
    const query = sampleQuery(rule);
    keptMs = Math.max(keptMs, reachMs(query));
    for (const selector of selectorsOf(query)) {
      const name = exactName(selector);
      if (name !== undefined && name !== placeholder) exact.add(name);
    }
  }
  const known = new Map<string, boolean>();
  const isWanted = (name: string): boolean => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const found = exact.has(name) || all.some((rule) => isNamed(rule, name));
    if (known.size >= knownNamesMax) known.clear();
    known.set(name, found);
    return found;
  };
  return { isWanted, keptMs };
}

function isNamed(rule: MetricRule, name: string): boolean {
  const names = rule.seriesQuery.matchers.filter(({ label }) => label === nameLabel);
  return names.every(({ matches }) => matches(name)) && isTaken(rule, name);
}

function selectorsOf(query: Expression): readonly SeriesSelector[] {
  switch (query.type) {
    case "number":
      return [];
    case "vector":
    case "range":
      return [query.selector];
    case "aggregation":
      return selectorsOf(query.of);
    case "binary":
      return [...selectorsOf(query.left), ...selectorsOf(query.right)];
  }
}

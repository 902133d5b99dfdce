import { RE2JS } from "re2js";

/** Which series are meant: `http_requests_total{namespace!="",pod=~"web-.*"}`. */
export interface SeriesSelector {
  readonly text: string;
  /** The series' name is matched as the label `__name__`. */
  readonly matchers: readonly LabelMatcher[];
}

export type MatchOperator = "=" | "!=" | "=~" | "!~";

export interface LabelMatcher {
  readonly label: string;
  readonly operator: MatchOperator;
  readonly value: string;
  readonly matches: (value: string) => boolean;
}

export type SeriesLabels = ReadonlyMap<string, string>;

export const nameLabel = "__name__";

/** Throws Error with RE2's words where the pattern is none. */
export function labelMatcher(label: string, operator: MatchOperator, value: string): LabelMatcher {
  const base = { label, operator, value };
  if (operator === "=") return { ...base, matches: (given) => given === value };
  if (operator === "!=") return { ...base, matches: (given) => given !== value };
  // A dot takes line ends, and the whole value is meant, as in Prometheus.
  const pattern = RE2JS.compile(value, RE2JS.DOTALL);
  const isWanted = operator === "=~";
  return { ...base, matches: (given) => pattern.matches(given) === isWanted };
}

/** A label that is not there is empty. */
export function selects({ matchers }: SeriesSelector, labels: SeriesLabels): boolean {
  return matchers.every(({ label, matches }) => matches(labels.get(label) ?? ""));
}

/** The one name that all of these series have; undefined where there may be several. */
export function exactName({ matchers }: SeriesSelector): string | undefined {
  return matchers.find(({ label, operator }) => label === nameLabel && operator === "=")?.value;
}

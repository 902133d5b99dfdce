import type { RE2JS } from "re2js";
import type { MetricRule } from "./rule.ts";

/** Whether the rule's filters take the series. */
export function isTaken({ filters, name }: MetricRule, series: string): boolean {
  return (
    filters.every(({ pattern, isWanted }) => pattern.matcher(series).find() === isWanted) &&
    name.matches.matcher(series).find()
  );
}

const reference = /\$(?:\$|(\w+)|\{(\w+)\})/g;

/** The metric's name in the API, as Go's Regexp.Expand makes it: a group that is not there is nothing. */
export function metricName({ name }: MetricRule, series: string): string {
  const match = name.matches.matcher(series);
  if (!match.find()) return "";
  return name.as.replace(reference, (whole, bare: string | undefined, braced: string | undefined) => {
    if (whole === "$$") return "$";
    return groupOf(match, bare ?? braced ?? "");
  });
}

function groupOf(match: ReturnType<RE2JS["matcher"]>, group: string): string {
  const number = /^\d+$/.test(group) ? Number(group) : undefined;
  try {
    return match.group(number ?? group) ?? "";
  } catch {
    return ""; // the pattern has no such group
  }
}

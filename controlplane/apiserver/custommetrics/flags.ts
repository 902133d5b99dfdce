import { readFileSync } from "node:fs";
import type { FlagValues } from "../../../base/os/flags.ts";
import type { customMetricsFlags } from "./flag-table.ts";
import type { PrometheusConfig } from "./prometheus/prometheus-source.ts";
import { readRules } from "./rules/read-rules.ts";
import type { MetricRules } from "./rules/rule.ts";
import { scrapeProblems } from "./scrape/wanted-series.ts";

export interface CustomMetricsConfig {
  readonly rules: MetricRules;
  /** Absent: pods are read here. */
  readonly prometheus: PrometheusConfig | undefined;
}

const rulesBytesMax = 1024 * 1024;

/** Undefined where no rules are given. Each thing that is wrong is added to `problems`. */
export function customMetricsConfig(
  flags: FlagValues<typeof customMetricsFlags>,
  problems: string[],
): CustomMetricsConfig | undefined {
  const path = flags["custom-metrics-rules"];
  const url = flags["prometheus-url"];
  const tokenFile = flags["prometheus-token-file"];
  const caFile = flags["prometheus-ca-file"];
  if (!path) {
    for (const name of ["prometheus-url", "prometheus-ca-file", "prometheus-token-file"] as const)
      if (flags[name]) problems.push(`--${name}: needs --custom-metrics-rules`);
    return undefined;
  }
  if (url === undefined && (tokenFile || caFile))
    problems.push("--prometheus-ca-file, --prometheus-token-file: need --prometheus-url");
  const text = fileText("custom-metrics-rules", path, problems);
  if (text === undefined) return undefined;
  const found: string[] = [];
  if (text.length > rulesBytesMax) found.push(`${text.length} bytes are more than ${rulesBytesMax}`);
  const rules = found.length > 0 ? { rules: [], externalRules: [] } : readRules(text, found);
  if (url === undefined) found.push(...scrapeProblems(rules));
  if (rules.resourceRules !== undefined && url === undefined)
    found.push(
      "resourceRules: they are asked of a Prometheus (--prometheus-url); without one nodes measure themselves",
    );
  problems.push(...found.map((problem) => `--custom-metrics-rules: ${path}: ${problem}`));
  if (url === undefined) return { rules, prometheus: undefined };
  if (!isHttpUrl(url))
    problems.push(
      `--prometheus-url: ${JSON.stringify(url)} is no URL of http or https without a name, a password and a query`,
    );
  const ca = caFile ? fileText("prometheus-ca-file", caFile, problems) : undefined;
  if (tokenFile) fileText("prometheus-token-file", tokenFile, problems);
  return { rules, prometheus: { url, ca, tokenFile: tokenFile || undefined } };
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && `${username}${password}${search}${hash}` === "";
}

function fileText(name: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    problems.push(`--${name}: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

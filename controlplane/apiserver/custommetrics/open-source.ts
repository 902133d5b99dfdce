import type { PrometheusConfig } from "./prometheus/prometheus-source.ts";
import { prometheusSource } from "./prometheus/prometheus-source.ts";
import { type ScrapeDeps, ScrapeSource } from "./scrape/scrape-source.ts";
import type { MetricsSource } from "./source.ts";

/** Loaded where there are rules alone. */
export function openSource(
  prometheus: PrometheusConfig | undefined,
  deps: ScrapeDeps & Parameters<typeof prometheusSource>[1],
): MetricsSource {
  return prometheus === undefined ? new ScrapeSource(deps) : prometheusSource(prometheus, deps);
}

import type { MetricsRegistry } from "../../base/os/metrics.ts";
import type { Route } from "./route.ts";

/** `/metrics`, and what Go's Prometheus handler tells of itself. */
export function metricsRoute(metrics: MetricsRegistry): Route {
  const scraping = metrics
    .standing("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.")
    .of({});
  const scrapes = metrics.tally<"code">(
    "promhttp_metric_handler_requests_total",
    "Total number of scrapes by HTTP status code.",
  );
  const [succeeded, failed] = [scrapes.of({ code: "200" }), scrapes.of({ code: "500" })];
  return {
    method: "any",
    answer: async () => {
      scraping.count++;
      try {
        const body = await metrics.text();
        succeeded.count++;
        return { status: 200, contentType: metrics.contentType, body };
      } catch (error) {
        failed.count++;
        throw error;
      } finally {
        scraping.count--;
      }
    },
  };
}

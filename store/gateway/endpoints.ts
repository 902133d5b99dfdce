import type { Log } from "../../base/os/log.ts";
import type { MetricsRegistry } from "../../base/os/metrics.ts";
import type { MemberParts } from "../rpc/member.ts";
import { json } from "./answer.ts";
import { healthRoutes } from "./health-endpoints.ts";
import { HealthMetrics } from "./health-metrics.ts";
import { metricsRoute } from "./metrics-endpoint.ts";
import type { Route } from "./route.ts";

/** What --listen-metrics-urls serve, and those for clients as well. */
export function observedRoutes(
  member: MemberParts,
  metrics: MetricsRegistry,
  log: Log,
): ReadonlyMap<string, Route> {
  const health = { member, metrics: new HealthMetrics(metrics), log };
  return new Map([["/metrics", metricsRoute(metrics)], ...healthRoutes(health)]);
}

export function versionRoute(versions: {
  readonly etcdserver: string;
  readonly etcdcluster: string;
  readonly storage: string;
}): Route {
  return { method: "GET", answer: async () => json(200, versions) };
}

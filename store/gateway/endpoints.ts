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

/** As etcd words it while nothing is agreed upon. */
export function versionRoute(
  serverVersion: string,
  members: Pick<MemberParts["members"], "clusterVersion">,
): Route {
  const answer = async () => {
    const { clusterVersion } = members;
    const agreed = clusterVersion !== "";
    return json(200, {
      etcdserver: serverVersion,
      etcdcluster: agreed ? clusterVersion : "not_decided",
      storage: agreed ? clusterVersion : "unknown",
    });
  };
  return { method: "GET", answer };
}

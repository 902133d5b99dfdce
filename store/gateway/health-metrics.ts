import type { Meter } from "../../base/os/metrics.ts";
import type { CheckType } from "./health.ts";

/** What is counted of health checks. */
export class HealthMetrics {
  readonly #succeeded;
  readonly #failed;
  readonly #result;
  readonly #checks;

  constructor(meter: Meter) {
    this.#succeeded = meter.counter(
      "etcd_server_health_success",
      "The total number of successful health checks",
    );
    this.#failed = meter.counter("etcd_server_health_failures", "The total number of failed health checks");
    this.#result = meter.gauge("etcd_server_healthcheck", "The result of each kind of healthcheck.", [
      "type",
      "name",
    ]);
    this.#checks = meter.counter(
      "etcd_server_healthchecks_total",
      "The total number of each kind of healthcheck.",
      ["type", "name", "status"],
    );
  }

  whole(isHealthy: boolean): void {
    (isHealthy ? this.#succeeded : this.#failed).inc();
  }

  checked(type: CheckType, name: string, isOk: boolean): void {
    this.#result.set({ name, type }, isOk ? 1 : 0);
    this.#checks.inc({ name, status: isOk ? "success" : "error", type });
  }
}

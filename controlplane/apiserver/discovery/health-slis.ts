import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { ownWallMs } from "../../../base/os/own-timers.ts";

/** What /metrics/slis tells: how each health check went, last and over all. Apart from /metrics, so that it can be asked often. */
export class HealthSlis {
  readonly registry = new MetricsRegistry();
  readonly #last = this.registry.gauge(
    "kubernetes_healthcheck",
    "[STABLE] This metric records the result of a single healthcheck.",
    ["name", "type"],
  );
  readonly #total = this.registry.counter(
    "kubernetes_healthchecks_total",
    "[STABLE] This metric records the results of all healthcheck.",
    ["name", "type", "status"],
  );

  constructor() {
    const startedSeconds = ownWallMs() / 1000 - process.uptime();
    this.registry.observed(
      "process_start_time_seconds",
      "[ALPHA] Start time of the process since unix epoch in seconds.",
      () => startedSeconds,
    );
  }

  /** @param type The path that was asked: livez, readyz, healthz. */
  checked(type: string, name: string, isWell: boolean): void {
    this.#last.set({ name, type }, isWell ? 1 : 0);
    this.#total.inc({ name, type, status: isWell ? "success" : "error" });
  }
}

import type { Meter } from "../../../base/os/metrics.ts";
import type { Availability } from "./conditions.ts";

/** Which APIServices cannot be reached, under Kubernetes' names. */
export class AvailabilityMetrics {
  readonly #verdicts = new Map<string, Availability>();
  readonly #refusals;

  constructor(meter: Meter) {
    this.#refusals = meter.tally<"name" | "reason">(
      "aggregator_unavailable_apiservice_total",
      "[ALPHA] Counter of APIServices which are marked as unavailable broken down by APIService name and reason.",
    );
    meter.observedBy(
      "aggregator_unavailable_apiservice",
      "[ALPHA] Gauge of APIServices which are marked as unavailable broken down by APIService name.",
      ["name"],
      () => [...this.#verdicts].map(([name, { status }]) => [{ name }, status === "True" ? 0 : 1] as const),
    );
  }

  /** Counted when an APIService becomes unavailable, or is for another reason. */
  judged(name: string, verdict: Availability): void {
    const before = this.#verdicts.get(name);
    this.#verdicts.set(name, verdict);
    if (verdict.status === "True") return;
    const { reason = "" } = verdict;
    if (before?.status !== verdict.status || before.reason !== verdict.reason)
      this.#refusals.of({ name, reason }).count++;
  }

  /** The others are gone. */
  keep(names: ReadonlySet<string>): void {
    for (const name of [...this.#verdicts.keys()]) if (!names.has(name)) this.#verdicts.delete(name);
  }
}

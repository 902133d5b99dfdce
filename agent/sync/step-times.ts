import type { Clock } from "../../base/os/clock.ts";
import type { Meter } from "../../base/os/metrics.ts";

/** How long the steps of pods' workers take, as the kubelet tells of it. */
export function stepTimes(meter: Meter) {
  return meter.histogram(
    "kubelet_pod_worker_duration_seconds",
    "[ALPHA] Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync",
    {
      labels: ["operation_type"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    },
  );
}

export interface StepTimes {
  observe(labels: { readonly operation_type: "create" | "sync" }, seconds: number): void;
}

/** Times the steps of one pod: the first makes it. */
export class StepTimer {
  readonly #times: StepTimes | undefined;
  readonly #clock: Clock;
  #operation: "create" | "sync" = "create";

  constructor({ stepTimes, os }: { readonly stepTimes?: StepTimes; readonly os: { readonly clock: Clock } }) {
    this.#times = stepTimes;
    this.#clock = os.clock;
  }

  /** Does the step, and tells how long it took, whatever became of it. */
  async time<T>(step: () => Promise<T>): Promise<T> {
    const labels = { operation_type: this.#operation };
    this.#operation = "sync";
    const startedMs = this.#clock.monotonicMs();
    try {
      return await step();
    } finally {
      this.#times?.observe(labels, (this.#clock.monotonicMs() - startedMs) / 1000);
    }
  }
}

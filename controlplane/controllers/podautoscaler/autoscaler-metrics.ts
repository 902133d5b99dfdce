import { exponentialBuckets, type Meter } from "../../../base/os/metrics.ts";
import { oncePerMeter } from "../../../base/os/once-per-meter.ts";

/** What is reported of autoscalers, under Kubernetes' names. */
export type AutoscalerMetrics = ReturnType<typeof declare>;

export const autoscalerMetrics = oncePerMeter(declare);

const prefix = "horizontal_pod_autoscaler_controller";
const buckets = exponentialBuckets(0.001, 2, 15);

function declare(meter: Meter) {
  return {
    reconciliations: meter.counter(`${prefix}_reconciliations_total`, "Looks at an autoscaler.", [
      "action",
      "error",
    ]),
    reconciliationSeconds: meter.histogram(
      `${prefix}_reconciliation_duration_seconds`,
      "Time to look at an autoscaler.",
      { labels: ["action", "error"], buckets },
    ),
    computations: meter.counter(`${prefix}_metric_computation_total`, "Computations of a metric.", [
      "action",
      "error",
      "metric_type",
    ]),
    computationSeconds: meter.histogram(
      `${prefix}_metric_computation_duration_seconds`,
      "Time to read and compute a metric.",
      { labels: ["action", "error", "metric_type"], buckets },
    ),
    autoscalers: meter.gauge(`${prefix}_num_horizontal_pod_autoscalers`, "Autoscalers there are."),
    desiredReplicas: meter.gauge(`${prefix}_desired_replicas`, "Replicas that an autoscaler wants.", [
      "namespace",
      "hpa_name",
    ]),
  };
}

import type { Meter } from "../../../base/os/metrics.ts";

const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
const labels = ["name", "type", "operation"] as const;

/** Figures of webhooks, under Kubernetes' names. `type` is admit (mutating) or validating. */
export const webhookMetrics = (meter: Meter) => ({
  seconds: meter.histogram(
    "apiserver_admission_webhook_admission_duration_seconds",
    "Time for one call of a webhook.",
    {
      labels: [...labels, "rejected"],
      buckets,
    },
  ),
  requests: meter.counter("apiserver_admission_webhook_request_total", "Calls of webhooks.", [
    ...labels,
    "code",
    "rejected",
  ]),
  rejections: meter.counter(
    "apiserver_admission_webhook_rejection_count",
    "Requests refused for a webhook, by who erred: calling_webhook_error, apiserver_internal_error, no_error.",
    [...labels, "error_type", "rejection_code"],
  ),
  failOpen: meter.counter(
    "apiserver_admission_webhook_fail_open_count",
    "Failed calls that were ignored, as the webhook's failure policy says.",
    ["name", "type"],
  ),
  matchExclusions: meter.counter(
    "apiserver_admission_match_condition_exclusions_total",
    "Webhooks that were not asked since a match condition was not met.",
    ["name", "kind", ...labels.slice(1)],
  ),
});
/** Of conversions of custom resources. */
export const conversionMetrics = (meter: Meter) => {
  const outcome = ["result", "failure_type"] as const;
  return {
    requests: meter.counter(
      "apiserver_conversion_webhook_request_total",
      "Conversions asked of webhooks.",
      outcome,
    ),
    seconds: meter.histogram("apiserver_conversion_webhook_duration_seconds", "Time for one conversion.", {
      labels: outcome,
      buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60],
    }),
  };
};
export type ConversionMetrics = ReturnType<typeof conversionMetrics>;
export type WebhookMetrics = ReturnType<typeof webhookMetrics>;

import type { Meter } from "../../../base/os/metrics.ts";

const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
const labels = ["name", "type", "operation"] as const;

/** Figures of webhooks, under Kubernetes' names. `type` is admit (mutating) or validating. */
export const webhookMetrics = (meter: Meter) => ({
  seconds: meter.histogram(
    "apiserver_admission_webhook_admission_duration_seconds",
    "[STABLE] Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).",
    {
      labels: [...labels, "rejected"],
      buckets,
    },
  ),
  requests: meter.counter(
    "apiserver_admission_webhook_request_total",
    "[ALPHA] Admission webhook request total, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify whether the request was rejected or not and an HTTP status code. Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.",
    [...labels, "code", "rejected"],
  ),
  rejections: meter.counter(
    "apiserver_admission_webhook_rejection_count",
    "[ALPHA] Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the request with an HTTP status code (honored by the apiserver when the code is greater or equal to 400). Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.",
    [...labels, "error_type", "rejection_code"],
  ),
  failOpen: meter.counter(
    "apiserver_admission_webhook_fail_open_count",
    "[ALPHA] Admission webhook fail open count, identified by name and broken out for each admission type (validating or admit).",
    ["name", "type"],
  ),
  matchExclusions: meter.counter(
    "apiserver_admission_match_condition_exclusions_total",
    "[ALPHA] Admission match condition evaluation exclusions count, identified by name of resource containing the match condition and broken out for each kind containing matchConditions (webhook or policy), operation and admission type (validate or admit).",
    ["name", "kind", ...labels.slice(1)],
  ),
});
/** Of conversions of custom resources. */
export const conversionMetrics = (meter: Meter) => {
  const outcome = ["result", "failure_type"] as const;
  return {
    requests: meter.counter(
      "apiserver_conversion_webhook_request_total",
      "[ALPHA] Counter for conversion webhook requests with success/failure and failure error type",
      outcome,
    ),
    seconds: meter.histogram(
      "apiserver_conversion_webhook_duration_seconds",
      "[ALPHA] Conversion webhook request latency",
      {
        labels: outcome,
        buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60],
      },
    ),
  };
};
export type ConversionMetrics = ReturnType<typeof conversionMetrics>;
export type WebhookMetrics = ReturnType<typeof webhookMetrics>;

import type { Meter } from "../../../base/os/metrics.ts";

/** Figures of logs that are asked for, under Kubernetes' names. */
export const logMetrics = (meter: Meter) => ({
  requests: meter.tally<"usage">(
    "kube_apiserver_pod_logs_insecure_backend_total",
    "[ALPHA] Total number of requests for pods/logs sliced by usage type: enforce_tls, skip_tls_allowed, skip_tls_denied",
  ),
  tlsFailures: meter
    .tally<never>(
      "kube_apiserver_pod_logs_backend_tls_failure_total",
      "[ALPHA] Total number of requests for pods/logs that failed due to kubelet server TLS verification",
    )
    .of({}),
});
export type LogMetrics = ReturnType<typeof logMetrics>;

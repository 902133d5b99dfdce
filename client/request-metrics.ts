import type { Meter } from "../base/os/metrics.ts";
import { oncePerMeter } from "../base/os/once-per-meter.ts";

/** What a process' clients of the API report of their requests, under the names of Kubernetes' client. Shared: several components
 *  may live in one process. */
export interface RequestMetrics {
  /** `code`: undefined where there was no answer. */
  readonly answered: (asked: {
    readonly method: string;
    readonly host: string;
    readonly code: number | undefined;
    readonly tookMs: number;
  }) => void;
}

export const requestMetrics = oncePerMeter(declare);

function declare(meter: Meter): RequestMetrics {
  const requests = meter.counter(
    "rest_client_requests_total",
    "[ALPHA] Number of HTTP requests, partitioned by status code, method, and host.",
    ["code", "method", "host"],
  );
  const seconds = meter.histogram(
    "rest_client_request_duration_seconds",
    "[ALPHA] Request latency in seconds. Broken down by verb, and host.",
    { labels: ["verb", "host"], buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60] },
  );
  return {
    answered({ method, host, code, tookMs }) {
      requests.inc({ code: code ?? "<error>", method, host });
      seconds.observe({ verb: method, host }, tookMs / 1000);
    },
  };
}

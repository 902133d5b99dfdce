import type { FlagTable } from "../../../base/os/flags.ts";

/** prometheus-adapter's names, but for its `--config`. */
export const customMetricsFlags = {
  "custom-metrics-rules": {
    kind: "string",
    value: "FILE",
    help: "Serve custom.metrics.k8s.io and external.metrics.k8s.io by this rule file of prometheus-adapter; an adapter that is installed takes their place",
  },
  "prometheus-url": {
    kind: "string",
    value: "URL",
    help: "The Prometheus that custom metrics come from, such as http://prometheus.monitoring.svc:9090 (default: pods annotated prometheus.io/scrape are read for the series of the rules)",
  },
  "prometheus-ca-file": { kind: "string", value: "FILE", help: "Authority of its certificate, PEM" },
  "prometheus-token-file": {
    kind: "string",
    value: "FILE",
    help: "Bearer token for it, read anew for each request",
  },
} as const satisfies FlagTable;

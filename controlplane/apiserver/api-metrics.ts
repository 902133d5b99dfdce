import type { Meter } from "../../base/os/metrics.ts";
import type { RequestKind, SeatCounts } from "./filters/seats.ts";

/** The API server's own figures, under Kubernetes' names. */
export const apiMetrics = (meter: Meter) => ({
  requests: meter.counter(
    "apiserver_request_total",
    "Requests answered, by verb, resource and status code.",
    ["verb", "group", "version", "resource", "subresource", "code"],
  ),
  authorizations: meter.counter(
    "authorization_attempts_total",
    "Requests by whether somebody allowed them: allowed, no-opinion (refused), error.",
    ["result"],
  ),
  requestSeconds: meter.histogram(
    "apiserver_request_duration_seconds",
    "Time from a request's head to its end.",
    {
      labels: ["verb", "group", "resource", "subresource"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    },
  ),
  longRunning: meter.gauge("apiserver_longrunning_requests", "Watches, logs and execs under way.", [
    "verb",
    "resource",
  ]),
});
export type ApiMetrics = ReturnType<typeof apiMetrics>;

export interface ObservedParts {
  readonly counts: SeatCounts;
  readonly caches: () => Iterable<{
    readonly count: number;
    readonly sizeBytes: number;
    readonly listenerCount: number;
    readonly window: { readonly count: number; readonly sizeBytes: number };
  }>;
}

/** Figures that are read when somebody looks. */
export function observeApi(meter: Meter, { counts, caches }: ObservedParts): void {
  const total = (field: "count" | "sizeBytes" | "listenerCount") => () => {
    let sum = 0;
    for (const cache of caches()) sum += cache[field];
    return sum;
  };
  const history = (field: "count" | "sizeBytes") => () => {
    let sum = 0;
    for (const { window } of caches()) sum += window[field];
    return sum;
  };
  meter.observed(
    "apiserver_watch_history_events",
    "Recent changes that watches can resume from.",
    history("count"),
  );
  meter.observed("apiserver_watch_history_bytes", "What these keep in memory.", history("sizeBytes"));
  const byKind = (name: string, help: string, of: Readonly<Record<RequestKind, number>>) =>
    meter.observedBy(name, help, ["request_kind"], () => [
      [{ request_kind: "mutating" }, of.mutating] as const,
      [{ request_kind: "readOnly" }, of.readOnly] as const,
    ]);
  byKind("apiserver_current_inflight_requests", "Requests under way.", counts.executing);
  byKind("apiserver_current_inqueue_requests", "Requests that wait for a seat.", counts.waiting);
  meter.observed("apiserver_registered_watchers", "Open watches.", total("listenerCount"));
  meter.observed("apiserver_storage_objects", "Objects in the watch caches.", total("count"));
  meter.observed(
    "apiserver_watch_cache_bytes",
    "Stored bytes of the objects in the watch caches.",
    total("sizeBytes"),
  );
}

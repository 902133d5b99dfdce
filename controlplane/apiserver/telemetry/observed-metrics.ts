import type { Meter } from "../../../base/os/metrics.ts";
import type { RequestKind, SeatCounts } from "../filters/seats.ts";
import type { Kind } from "../registry/kind.ts";

export interface ObservedParts {
  readonly counts: SeatCounts;
  readonly caches: () => Iterable<ObservedCache>;
}

interface ObservedCache {
  readonly kind: Pick<Kind, "group" | "plural">;
  readonly revision: number;
  readonly count: number;
  readonly sizeBytes: number;
  readonly listenerCount: number;
  readonly window: { readonly count: number; readonly sizeBytes: number };
}

/** Figures that are read when somebody looks: kube-apiserver's, and, named so, a few of our own. */
export function observeApi(meter: Meter, { counts, caches }: ObservedParts): void {
  const total = (read: (cache: ObservedCache) => number) => () => {
    let sum = 0;
    for (const cache of caches()) sum += read(cache);
    return sum;
  };
  const byResource = (name: string, help: string, read: (cache: ObservedCache) => number) =>
    meter.observedBy(name, help, ["group", "resource"], () =>
      [...caches()].map((one) => [{ group: one.kind.group, resource: one.kind.plural }, read(one)] as const),
    );
  const byKind = (name: string, help: string, of: Readonly<Record<RequestKind, number>>) =>
    meter.observedBy(name, help, ["request_kind"], () => [
      [{ request_kind: "mutating" }, of.mutating] as const,
      [{ request_kind: "readOnly" }, of.readOnly] as const,
    ]);
  byKind(
    "apiserver_current_inflight_requests",
    "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
    counts.executing,
  );
  byKind(
    "apiserver_current_inqueue_requests",
    "[ALPHA] Maximal number of queued requests in this apiserver per request kind in last second.",
    counts.waiting,
  );
  meter.observedBy(
    "apiserver_storage_objects",
    "[STABLE] (Deprecated since 1.34.0) [DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.",
    ["resource"],
    () =>
      [...caches()].map(({ kind: { group, plural }, count }) => {
        const resource = group === "" ? plural : `${plural}.${group}`;
        return [{ resource }, count] as const;
      }),
  );
  byResource(
    "apiserver_resource_objects",
    "[ALPHA] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.",
    ({ count }) => count,
  );
  byResource(
    "apiserver_resource_size_estimate_bytes",
    "[ALPHA] Estimated size of stored objects in database. Estimate is based on sum of last observed sizes of serialized objects. In case of a fetching error, the value will be -1.",
    ({ sizeBytes }) => sizeBytes,
  );
  byResource(
    "apiserver_watch_cache_resource_version",
    "[ALPHA] Current resource version of watch cache broken by resource type. This is truncated to the 15 least significant digits.",
    ({ revision }) => revision % 1e15,
  );
  meter.observed(
    "pintle_apiserver_watches",
    "Open watches.",
    total(({ listenerCount }) => listenerCount),
  );
  meter.observed(
    "pintle_apiserver_watch_history_events",
    "Recent changes that watches can resume from.",
    total(({ window }) => window.count),
  );
  meter.observed(
    "pintle_apiserver_watch_history_bytes",
    "What these keep in memory.",
    total(({ window }) => window.sizeBytes),
  );
}

import type { Meter } from "../../../base/os/metrics.ts";
import { Buckets, Counting } from "../../../base/os/tally.ts";
import type { Kind } from "../registry/kind.ts";

/** What is counted of one kind's cache. */
export interface CacheFigures {
  /** Its objects were read from the store. */
  readonly initializations: Counting;
  /** Changes that the store told. */
  readonly received: Counting;
  /** Those that whoever watches was told of. */
  readonly dispatched: Counting;
  /** Objects that watches began with. */
  readonly initial: Counting;
  /** Watches that were ended because their readers were too slow. */
  readonly terminated: Counting;
  /** How long reads waited until the cache was as new as they need. */
  readonly waitSeconds: Buckets;
  /** Lists of what is there now: from the cache, or, where it did not get there, from the store. */
  readonly consistent: Counting;
  readonly fallback: Counting;
  readonly returned: Counting;
  /** @param index What objects were looked up by; empty: all were looked at. */
  readonly lists: (index: string) => ListFigures;
}

export interface ListFigures {
  readonly total: Counting;
  readonly fetched: Counting;
}

export type FiguresOfCache = (kind: Pick<Kind, "group" | "plural">) => CacheFigures;

const waitBounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3];

/** For caches that nobody asks about. */
export const uncountedCache: FiguresOfCache = () => ({
  initializations: new Counting(),
  received: new Counting(),
  dispatched: new Counting(),
  initial: new Counting(),
  terminated: new Counting(),
  waitSeconds: new Buckets(waitBounds),
  consistent: new Counting(),
  fallback: new Counting(),
  returned: new Counting(),
  lists: () => ({ total: new Counting(), fetched: new Counting() }),
});

type Labels = "group" | "resource";

/** Under Kubernetes' names. */
export function cacheFigures(meter: Meter): FiguresOfCache {
  const counter = (name: string, help: string) => meter.tally<Labels>(`apiserver_${name}`, `[ALPHA] ${help}`);
  const byIndex = (name: string, help: string) =>
    meter.tally<Labels | "index">(`apiserver_cache_list_${name}`, `[ALPHA] ${help}`);
  const families = {
    initializations: counter(
      "watch_cache_initializations_total",
      "Counter of watch cache initializations broken by resource type.",
    ),
    received: counter(
      "watch_cache_events_received_total",
      "Counter of events received in watch cache broken by resource type.",
    ),
    dispatched: counter(
      "watch_cache_events_dispatched_total",
      "Counter of events dispatched in watch cache broken by resource type.",
    ),
    initial: counter(
      "init_events_total",
      "Counter of init events processed in watch cache broken by resource type.",
    ),
    terminated: counter(
      "terminated_watchers_total",
      "Counter of watchers closed due to unresponsiveness broken by resource type.",
    ),
    returned: counter(
      "cache_list_returned_objects_total",
      "Number of objects returned for a LIST request from watch cache",
    ),
  };
  const waitSeconds = meter.buckets<Labels>(
    "apiserver_watch_cache_read_wait_seconds",
    "[ALPHA] Histogram of time spent waiting for a watch cache to become fresh.",
    waitBounds,
  );
  const consistent = meter.tally<Labels | "success" | "fallback">(
    "apiserver_watch_cache_consistent_read_total",
    "[ALPHA] Counter for consistent reads from cache.",
  );
  const total = byIndex("total", "Number of LIST requests served from watch cache");
  const fetched = byIndex(
    "fetched_objects_total",
    "Number of objects read from watch cache in the course of serving a LIST request",
  );
  return ({ group, plural: resource }) => {
    const labels = { group, resource };
    // Looked up when they are needed: nothing is told of what never happened.
    return {
      get initializations() {
        return families.initializations.of(labels);
      },
      get received() {
        return families.received.of(labels);
      },
      get dispatched() {
        return families.dispatched.of(labels);
      },
      get initial() {
        return families.initial.of(labels);
      },
      get terminated() {
        return families.terminated.of(labels);
      },
      get returned() {
        return families.returned.of(labels);
      },
      get waitSeconds() {
        return waitSeconds.of(labels);
      },
      get consistent() {
        return consistent.of({ ...labels, success: "true", fallback: "false" });
      },
      get fallback() {
        return consistent.of({ ...labels, success: "true", fallback: "true" });
      },
      lists: (index) => ({
        total: total.of({ ...labels, index }),
        fetched: fetched.of({ ...labels, index }),
      }),
    };
  };
}

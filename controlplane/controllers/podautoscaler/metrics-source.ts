import type { Selector } from "../../../base/label-selector.ts";

/** The pods that a metric is wanted of. */
export interface PodsAsked {
  readonly namespace: string;
  readonly selector: Selector;
}

/** What one pod takes, container by container: PodMetrics of metrics.k8s.io. */
export interface PodUsage {
  readonly name: string;
  readonly timestampMs: number;
  readonly windowMs: number;
  readonly containers: readonly {
    readonly name: string;
    /** Quantities by resource. */
    readonly usage: Readonly<Record<string, string>>;
  }[];
}

/** Where resource metrics come from. Rejects with a MetricProblem that says why there are none. */
export interface MetricsSource {
  resourceUsage(asked: PodsAsked, signal: AbortSignal): Promise<readonly PodUsage[]>;
}

import { type Selector, SelectorError, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { ownField } from "../../../base/own-field.ts";
import type { CustomMetrics } from "./custom-metrics.ts";
import { MetricProblem } from "./metric-problem.ts";
import type { MetricsSource, PodsAsked, PodUsage } from "./metrics-source.ts";
import type { MetricSpec, Reading } from "./plan-metric.ts";
import { int64Max, type PodMetric } from "./plan-replicas.ts";
import { milliOf } from "./pod-requests-milli.ts";

export interface MetricReaders {
  readonly resources: MetricsSource;
  readonly custom: CustomMetrics;
}

/** What is measured for one metric of an autoscaler; a problem is part of what is read. */
export async function readMetric(
  { type, resource, containerResource, pods, object, external }: MetricSpec,
  asked: PodsAsked,
  { resources, custom }: MetricReaders,
  signal: AbortSignal,
): Promise<Reading> {
  const { namespace } = asked;
  try {
    switch (type) {
      case "Resource": {
        const usage = await resources.resourceUsage(asked, signal);
        return { kind: "pods", metrics: podTotals(usage, resource?.name ?? "") };
      }
      case "ContainerResource": {
        const usage = await resources.resourceUsage(asked, signal);
        const { name = "", container = "" } = containerResource ?? {};
        return { kind: "pods", metrics: containerUsage(usage, name, container) };
      }
      case "Pods": {
        const metric = pods?.metric ?? { name: "" };
        const query = { metric: metric.name, metricSelector: selectorOf(metric.selector) };
        return { kind: "pods", metrics: await custom.ofPods(asked, query, signal) };
      }
      case "Object": {
        const metric = object?.metric ?? { name: "" };
        const query = { metric: metric.name, metricSelector: selectorOf(metric.selector) };
        const described = object?.describedObject ?? { kind: "", name: "" };
        return { kind: "total", milli: await custom.ofObject(namespace, described, query, signal) };
      }
      case "External": {
        const metric = external?.metric ?? { name: "" };
        const query = { metric: metric.name, metricSelector: selectorOf(metric.selector) };
        return { kind: "total", milli: sum(await custom.external(namespace, query, signal)) };
      }
      default:
        return { kind: "none", why: "no such type" };
    }
  } catch (error) {
    if (error instanceof MetricProblem || error instanceof SelectorError)
      return { kind: "none", why: error.message };
    throw error;
  }
}

const selectorOf = (from: Parameters<typeof selectorFromLabelSelector>[0]): Selector =>
  selectorFromLabelSelector(from);

/** Of pods whose containers were all measured. */
export function podTotals(usage: readonly PodUsage[], resource: string): ReadonlyMap<string, PodMetric> {
  const totals = new Map<string, PodMetric>();
  for (const { name, timestampMs, windowMs, containers } of usage) {
    const parts = containers.map((one) => ownField(one.usage, resource));
    if (parts.length === 0 || parts.includes(undefined)) continue;
    const milli = sum(parts.map((text) => milliOf(text ?? "0")));
    totals.set(name, { milli, timestampMs, windowMs });
  }
  return totals;
}

export function containerUsage(
  usage: readonly PodUsage[],
  resource: string,
  container: string,
): ReadonlyMap<string, PodMetric> {
  const found = new Map<string, PodMetric>();
  for (const { name, timestampMs, windowMs, containers } of usage) {
    const text = ownField(containers.find((one) => one.name === container)?.usage ?? {}, resource);
    if (text !== undefined) found.set(name, { milli: milliOf(text), timestampMs, windowMs });
  }
  return found;
}

/** No more than a number of 64 bits holds. */
function sum(values: readonly bigint[]): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total > int64Max ? int64Max : total;
}

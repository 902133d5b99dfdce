import type { HorizontalPodAutoscaler } from "../../../client/types.ts";

type Metric = NonNullable<HorizontalPodAutoscaler["spec"]["metrics"]>[number];
type Status = NonNullable<NonNullable<HorizontalPodAutoscaler["status"]>["currentMetrics"]>[number];

const shownMax = 2;
const unknown = "<unknown>";

/** What an autoscaler measures: `cpu: 40%/80%, 3/10 (avg) + 2 more...`. Pure. */
export function metricsText(metrics: readonly Metric[], statuses: readonly Status[]): string {
  if (metrics.length === 0) return "<none>";
  const texts = metrics.map((metric, index) => metricText(metric, statuses[index]));
  const shown = texts.slice(0, shownMax).join(", ");
  return texts.length > shownMax ? `${shown} + ${texts.length - shownMax} more...` : shown;
}

function metricText(metric: Metric, status: Status | undefined): string {
  switch (metric.type) {
    case "External":
      return amountText(metric.external?.target, status?.external?.current);
    case "Object":
      return amountText(metric.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods === undefined ? unknown : (status.pods.current.averageValue ?? "0")}/${metric.pods?.target.averageValue ?? ""}`;
    case "Resource":
      return resourceText(metric.resource, status?.resource?.current);
    case "ContainerResource":
      return resourceText(metric.containerResource, status?.containerResource?.current);
    default:
      return "<unknown type>";
  }
}

type Target = NonNullable<Metric["object"]>["target"];
type Current = NonNullable<Status["object"]>["current"];

function amountText(target: Target | undefined, current: Current | undefined): string {
  if (target?.averageValue !== undefined)
    return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current === undefined ? unknown : (current.value ?? "0")}/${target?.value ?? ""}`;
}

function resourceText(metric: Metric["resource"], current: Current | undefined): string {
  const { name = "", target } = metric ?? {};
  if (target?.averageValue !== undefined)
    return `${name}: ${current === undefined ? unknown : (current.averageValue ?? "0")}/${target.averageValue}`;
  const percent = (value: number | undefined, absent: string) => (value === undefined ? absent : `${value}%`);
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, "<auto>")}`;
}

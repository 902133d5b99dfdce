import { resources } from "../../../client/resources.ts";
import type {
  HorizontalPodAutoscaler,
  LimitRange,
  PodDisruptionBudget,
  Resource,
  ResourceQuota,
} from "../../../client/types.ts";
import { amountOf } from "./amounts.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  conditionSeries,
  count,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  generation,
  info,
  one,
  type Series,
  type StateKind,
  stable,
} from "./series.ts";

type Metric = NonNullable<NonNullable<HorizontalPodAutoscaler["spec"]>["metrics"]>[number];
type CurrentMetric = NonNullable<NonNullable<HorizontalPodAutoscaler["status"]>["currentMetrics"]>[number];

export const autoscalerKind: StateKind<HorizontalPodAutoscaler> = {
  resource: resources.horizontalpodautoscalers,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    horizontalpodautoscaler: metadata.name,
  }),
  families: [
    alpha("kube_horizontalpodautoscaler_info", "Information about this autoscaler.", ({ spec }) => {
      const { apiVersion, kind = "", name = "" } = spec?.scaleTargetRef ?? {};
      return info({
        ...(apiVersion && { scaletargetref_api_version: apiVersion }),
        scaletargetref_kind: kind,
        scaletargetref_name: name,
      });
    }),
    stable(
      "kube_horizontalpodautoscaler_metadata_generation",
      "The generation observed by the HorizontalPodAutoscaler controller.",
      generation,
    ),
    stable(
      "kube_horizontalpodautoscaler_spec_max_replicas",
      "Upper limit for the number of pods that can be set by the autoscaler; cannot be smaller than MinReplicas.",
      ({ spec }) => count(spec?.maxReplicas),
    ),
    stable(
      "kube_horizontalpodautoscaler_spec_min_replicas",
      "Lower limit for the number of pods that can be set by the autoscaler, default 1.",
      ({ spec }) => one(spec?.minReplicas ?? 1),
    ),
    alpha(
      "kube_horizontalpodautoscaler_spec_target_metric",
      "The metric specifications used by this autoscaler when calculating the desired replica count.",
      ({ spec }) =>
        (spec?.metrics ?? []).flatMap((metric) => {
          const [name, target, container] = targetOf(metric);
          return metricSeries(name, target, container);
        }),
    ),
    stable(
      "kube_horizontalpodautoscaler_status_target_metric",
      "The current metric status used by this autoscaler when calculating the desired replica count.",
      ({ status }) =>
        (status?.currentMetrics ?? []).flatMap((metric) => {
          const [name, current, container] = currentOf(metric);
          return metricSeries(name, current, container);
        }),
    ),
    stable(
      "kube_horizontalpodautoscaler_status_current_replicas",
      "Current number of replicas of pods managed by this autoscaler.",
      ({ status }) => count(status?.currentReplicas),
    ),
    stable(
      "kube_horizontalpodautoscaler_status_desired_replicas",
      "Desired number of replicas of pods managed by this autoscaler.",
      ({ status }) => count(status?.desiredReplicas),
    ),
    ...labelFamilies<HorizontalPodAutoscaler>("horizontalpodautoscaler", "horizontalpodautoscalers"),
    stable(
      "kube_horizontalpodautoscaler_status_condition",
      "The condition of this autoscaler.",
      ({ status }) => conditionSeries(status?.conditions),
    ),
    alpha("kube_horizontalpodautoscaler_created", createdHelp, created),
    alpha("kube_horizontalpodautoscaler_deletion_timestamp", deletedHelp, deleted),
    alpha(
      "kube_horizontalpodautoscaler_spec_behavior_scale_up_tolerance",
      "The tolerance on the ratio between the current and desired metric value below which no scale up occurs.",
      ({ spec }) => tolerance(spec?.behavior?.scaleUp?.tolerance),
    ),
    alpha(
      "kube_horizontalpodautoscaler_spec_behavior_scale_down_tolerance",
      "The tolerance on the ratio between the current and desired metric value below which no scale down occurs.",
      ({ spec }) => tolerance(spec?.behavior?.scaleDown?.tolerance),
    ),
  ],
};

interface MetricValues {
  readonly value?: string;
  readonly averageValue?: string;
  readonly averageUtilization?: number;
}

type Named = readonly [name: string, values: MetricValues | undefined, container?: string | undefined];

function targetOf(metric: Metric): Named {
  const { object, pods, resource, containerResource, external } = metric;
  if (object !== undefined) return [object.metric.name, object.target];
  if (pods !== undefined) return [pods.metric.name, pods.target];
  if (resource !== undefined) return [resource.name, resource.target];
  if (external !== undefined) return [external.metric.name, external.target];
  return [containerResource?.name ?? "", containerResource?.target, containerResource?.container];
}

function currentOf(metric: CurrentMetric): Named {
  const { object, pods, resource, containerResource, external } = metric;
  if (object !== undefined) return [object.metric.name, object.current];
  if (pods !== undefined) return [pods.metric.name, pods.current];
  if (resource !== undefined) return [resource.name, resource.current];
  if (external !== undefined) return [external.metric.name, external.current];
  return [containerResource?.name ?? "", containerResource?.current, containerResource?.container];
}

function metricSeries(name: string, values: MetricValues | undefined, container = ""): readonly Series[] {
  const { value, averageValue, averageUtilization } = values ?? {};
  const labels = (type: string) => ({ metric_name: name, metric_target_type: type, container });
  return [
    ...one(value === undefined ? undefined : amountOf(value), labels("value")),
    ...one(averageUtilization, labels("utilization")),
    ...one(averageValue === undefined ? undefined : amountOf(averageValue), labels("average")),
  ];
}

const tolerance = (quantity: string | undefined) =>
  one(quantity === undefined ? undefined : amountOf(quantity));

export const disruptionBudgetKind: StateKind<PodDisruptionBudget> = {
  resource: resources.poddisruptionbudgets,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    poddisruptionbudget: metadata.name,
  }),
  families: [
    ...labelFamilies<PodDisruptionBudget>("poddisruptionbudget", "poddisruptionbudgets", {
      labels: false,
    }),
    stable("kube_poddisruptionbudget_created", createdHelp, created),
    stable(
      "kube_poddisruptionbudget_status_current_healthy",
      "Current number of healthy pods",
      ({ status }) => count(status?.currentHealthy),
    ),
    stable(
      "kube_poddisruptionbudget_status_desired_healthy",
      "Minimum desired number of healthy pods",
      ({ status }) => count(status?.desiredHealthy),
    ),
    stable(
      "kube_poddisruptionbudget_status_pod_disruptions_allowed",
      "Number of pod disruptions that are currently allowed",
      ({ status }) => count(status?.disruptionsAllowed),
    ),
    stable(
      "kube_poddisruptionbudget_status_expected_pods",
      "Total number of pods counted by this disruption budget",
      ({ status }) => count(status?.expectedPods),
    ),
    stable(
      "kube_poddisruptionbudget_status_observed_generation",
      "Most recent generation observed when updating this PDB status",
      ({ status }) => count(status?.observedGeneration),
    ),
    alpha("kube_poddisruptionbudget_deletion_timestamp", deletedHelp, deleted),
  ],
};

const quantities = (
  amounts: Readonly<Record<string, string>> | undefined,
  labels: (name: string) => Readonly<Record<string, string>>,
) => Object.entries(amounts ?? {}).flatMap(([name, quantity]) => one(amountOf(quantity), labels(name)));

export const resourceQuotaKind: StateKind<ResourceQuota> = {
  resource: resources.resourcequotas,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", resourcequota: metadata.name }),
  families: [
    stable("kube_resourcequota_created", createdHelp, created),
    stable("kube_resourcequota", "Information about resource quota.", ({ status }) => [
      ...quantities(status?.hard, (resource) => ({ resource, type: "hard" })),
      ...quantities(status?.used, (resource) => ({ resource, type: "used" })),
    ]),
    ...labelFamilies<ResourceQuota>("resourcequota", "resourcequotas"),
  ],
};

const limitRanges: Resource<LimitRange> = {
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  namespaced: true,
};
const constraints = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

export const limitRangeKind: StateKind<LimitRange> = {
  resource: limitRanges,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", limitrange: metadata.name }),
  families: [
    stable("kube_limitrange", "Information about limit range.", ({ spec }) =>
      (spec?.limits ?? []).flatMap((limit) =>
        constraints.flatMap((constraint) =>
          quantities(limit[constraint], (resource) => ({ resource, type: limit.type, constraint })),
        ),
      ),
    ),
    stable("kube_limitrange_created", createdHelp, created),
  ],
};

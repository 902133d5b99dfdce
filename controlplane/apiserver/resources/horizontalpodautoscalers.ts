import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { HorizontalPodAutoscaler } from "../../../client/types.ts";
import {
  autoscalerFromV1,
  autoscalerToV1,
  withoutFormAnnotations,
} from "../registry/autoscaler-conversion.ts";
import type { FieldError } from "../registry/kind.ts";
import { metricsText } from "./autoscaler-cells.ts";
import { validateAutoscaler } from "./autoscaler-validation.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { fillIn } from "./fill-in.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

type Behavior = NonNullable<HorizontalPodAutoscaler["spec"]["behavior"]>;
type Rules = NonNullable<Behavior["scaleUp"]>;

const cpuUtilizationDefault = 80;
const periodSeconds = 15;
const scaleUp = (): Rules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds },
    { type: "Percent", value: 100, periodSeconds },
  ],
});
/** How long the autoscaler looks back before it scales down is its own setting, unless a rule says so. */
const scaleDown = (): Rules => ({
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds }],
});

/** Stored as v2; v1 keeps in annotations what it has no fields for. */
export const horizontalPodAutoscalers = kindOf<HorizontalPodAutoscaler>({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  singular: "horizontalpodautoscaler",
  shortNames: ["hpa"],
  categories: ["all"],
  namespaced: true,
  subresources: { status: true },
  otherForms: [
    { group: "autoscaling", version: "v1", toServed: autoscalerToV1, fromServed: autoscalerFromV1 },
  ],
  nameRule: dns1123Subdomain,
  applyDefaults(object) {
    const { spec, metadata } = object;
    withoutFormAnnotations(metadata);
    spec.minReplicas ??= 1;
    if (spec.metrics === undefined || spec.metrics.length === 0)
      spec.metrics = [
        {
          type: "Resource",
          resource: {
            name: "cpu",
            target: { type: "Utilization", averageUtilization: cpuUtilizationDefault },
          },
        },
      ];
    if (spec.behavior !== undefined) {
      fillIn(spec.behavior, "scaleUp", scaleUp());
      fillIn(spec.behavior, "scaleDown", scaleDown());
    }
    object.status ??= { desiredReplicas: 0 };
  },
  prepareForCreate(object) {
    object.status = { desiredReplicas: 0 };
  },
  prepareForUpdate: keepStatus,
  validate: (object, _facts, current) => validateAutoscaler(object, current),
  validateStatus: ({ status }): readonly FieldError[] => [
    ...validateCount(status?.currentReplicas, "status.currentReplicas"),
    ...validateCount(status?.desiredReplicas, "status.desiredReplicas"),
  ],
  columns: [
    column("Reference"),
    column("Targets"),
    column("MinPods"),
    column("MaxPods"),
    column("Replicas"),
    ageColumn,
  ],
  cells: ({ metadata, spec, status }, nowMs) => [
    `${spec.scaleTargetRef?.kind ?? ""}/${spec.scaleTargetRef?.name ?? ""}`,
    metricsText(spec.metrics ?? [], status?.currentMetrics ?? []),
    spec.minReplicas === undefined ? "<unset>" : `${spec.minReplicas}`,
    spec.maxReplicas,
    status?.currentReplicas ?? 0,
    age(metadata.creationTimestamp, nowMs),
  ],
});

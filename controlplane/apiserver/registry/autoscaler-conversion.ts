import { isQuantity } from "../../../base/quantity.ts";
import { isObject, type JsonObject, jsonText, listOf, objectOf, stringOf } from "../json.ts";
import { specFromV1, specToV1, statusFromV1, statusToV1 } from "./autoscaler-metric-forms.ts";

/** Autoscalers of autoscaling/v1, which know one metric, the CPU's utilization. What else an autoscaler has stands there in
 *  annotations, as Kubernetes writes it (pkg/apis/autoscaling/v1/conversion.go). Pure. */

const prefix = "autoscaling.alpha.kubernetes.io/";
const annotation = {
  metrics: `${prefix}metrics`,
  behavior: `${prefix}behavior`,
  statuses: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
  toleranceUp: `${prefix}scale-up-tolerance`,
  toleranceDown: `${prefix}scale-down-tolerance`,
} as const;

/** These annotations belong to v1 alone, whoever sends them. */
export function withoutFormAnnotations(metadata: { annotations?: { [name: string]: string } }): void {
  const { annotations } = metadata;
  if (annotations === undefined) return;
  for (const name of Object.values(annotation)) delete annotations[name];
  if (Object.keys(annotations).length === 0) delete metadata.annotations;
}

const isCpu = (metric: JsonObject) => metric.type === "Resource" && objectOf(metric.resource).name === "cpu";
const utilizationOf = (metric: JsonObject, of: "target" | "current") =>
  objectOf(objectOf(metric.resource)[of]).averageUtilization;
const isCpuTarget = (metric: JsonObject) => isCpu(metric) && utilizationOf(metric, "target") !== undefined;

export function autoscalerToV1(object: Readonly<JsonObject>): JsonObject {
  const { metrics, behavior, ...spec } = objectOf(object.spec);
  const { currentMetrics, conditions, ...status } = objectOf(object.status);
  const all = listOf(metrics).map(objectOf);
  const measured = listOf(currentMetrics).map(objectOf);
  const others = all.filter((metric) => !isCpuTarget(metric));
  const added: Record<string, string> = {};
  if (others.length > 0) added[annotation.metrics] = jsonText(others.map(specToV1));
  if (measured.length > 0) added[annotation.statuses] = jsonText(measured.map(statusToV1));
  if (behavior !== undefined) added[annotation.behavior] = jsonText(behaviorText(objectOf(behavior)));
  if (listOf(conditions).length > 0)
    added[annotation.conditions] = jsonText(listOf(conditions).map((one) => conditionText(objectOf(one))));
  const metadata = objectOf(object.metadata);
  const cpu = all.find(isCpuTarget);
  const used = measured.filter((one) => isCpu(one) && utilizationOf(one, "current") !== undefined).at(-1);
  return {
    ...object,
    metadata:
      Object.keys(added).length === 0
        ? metadata
        : { ...metadata, annotations: { ...objectOf(metadata.annotations), ...added } },
    spec: {
      ...spec,
      ...(cpu !== undefined && { targetCPUUtilizationPercentage: utilizationOf(cpu, "target") }),
    },
    status: {
      currentReplicas: 0,
      ...status,
      ...(used !== undefined && { currentCPUUtilizationPercentage: utilizationOf(used, "current") }),
    },
  };
}

export function autoscalerFromV1(object: JsonObject): JsonObject {
  const { targetCPUUtilizationPercentage: wanted, ...spec } = objectOf(object.spec);
  const { currentCPUUtilizationPercentage: used, ...status } = objectOf(object.status);
  const annotations = objectOf(objectOf(object.metadata).annotations);
  const read = <T>(name: string, of: (one: unknown) => T | undefined) => listFrom(annotations[name], of);
  const cpu =
    wanted === undefined
      ? []
      : [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: wanted } },
          },
        ];
  const metrics = [...(read(annotation.metrics, specFromV1) ?? []), ...cpu];
  const behavior = behaviorFrom(parsed(annotations[annotation.behavior]));
  const measured =
    read(annotation.statuses, statusFromV1) ??
    (used === undefined
      ? undefined
      : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: used } } }]);
  const conditions = read(annotation.conditions, conditionFrom);
  return {
    ...object,
    spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(behavior && { behavior }) },
    ...((object.status !== undefined || measured !== undefined || conditions !== undefined) && {
      status: {
        ...status,
        ...(measured && { currentMetrics: measured }),
        ...(conditions && { conditions }),
      },
    }),
  };
}

function parsed(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // as good as absent
  }
}

/** Undefined where the text is no list of such. */
function listFrom<T>(text: unknown, of: (one: unknown) => T | undefined): readonly T[] | undefined {
  const all = parsed(text);
  if (!Array.isArray(all)) return undefined;
  const read = all.map(of).filter((one) => one !== undefined);
  return read.length === all.length ? read : undefined;
}

function conditionText({ type, status, lastTransitionTime, reason, message }: JsonObject): JsonObject {
  return {
    type,
    status,
    lastTransitionTime: lastTransitionTime ?? null,
    ...(stringOf(reason) !== "" && { reason }),
    ...(stringOf(message) !== "" && { message }),
  };
}

function conditionFrom(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const known = ["type", "status", "lastTransitionTime", "reason", "message"];
  const entries = known.flatMap((name) => (value[name] == null ? [] : [[name, value[name]] as const]));
  if (entries.some(([, one]) => typeof one !== "string")) return undefined;
  const time = stringOf(value.lastTransitionTime);
  if (time !== "" && Number.isNaN(Date.parse(time))) return undefined;
  return { type: "", status: "", ...Object.fromEntries(entries) };
}

/** By the names of Kubernetes' own type. */
function behaviorText({ scaleUp, scaleDown }: JsonObject): JsonObject {
  return { ScaleUp: rulesText(scaleUp), ScaleDown: rulesText(scaleDown) };
}

function rulesText(rules: unknown): JsonObject | null {
  if (!isObject(rules)) return null;
  const { stabilizationWindowSeconds = null, selectPolicy = null, policies, tolerance = null } = rules;
  return {
    StabilizationWindowSeconds: stabilizationWindowSeconds,
    SelectPolicy: selectPolicy,
    Policies: Array.isArray(policies)
      ? policies.map(objectOf).map(({ type, value, periodSeconds }) => ({
          Type: type,
          Value: value,
          PeriodSeconds: periodSeconds,
        }))
      : null,
    Tolerance: tolerance,
  };
}

function behaviorFrom(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const fields = byName(value);
  const [up, down] = [fields.scaleup, fields.scaledown].map((one) =>
    one == null ? undefined : (rulesFrom(one) ?? null),
  );
  if (up === null || down === null) return undefined;
  if (up === undefined && down === undefined) return undefined;
  return { ...(up && { scaleUp: up }), ...(down && { scaleDown: down }) };
}

function rulesFrom(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const { stabilizationwindowseconds: seconds, selectpolicy, policies, tolerance } = byName(value);
  if (seconds != null && !Number.isInteger(seconds)) return undefined;
  if (selectpolicy != null && typeof selectpolicy !== "string") return undefined;
  if (tolerance != null && !(typeof tolerance === "string" && isQuantity(tolerance))) return undefined;
  const read =
    policies == null ? undefined : Array.isArray(policies) ? policies.map(policyFrom) : [undefined];
  if (read?.includes(undefined)) return undefined;
  return {
    ...(seconds != null && { stabilizationWindowSeconds: seconds }),
    ...(selectpolicy != null && { selectPolicy: selectpolicy }),
    ...(read && { policies: read }),
    ...(tolerance != null && { tolerance }),
  };
}

function policyFrom(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const { type, value: amount, periodseconds: periodSeconds } = byName(value);
  const fine =
    (type == null || typeof type === "string") &&
    [amount, periodSeconds].every((one) => one == null || Number.isInteger(one));
  return fine ? { type: type ?? "", value: amount ?? 0, periodSeconds: periodSeconds ?? 0 } : undefined;
}

/** Go reads fields whatever their case. */
function byName(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
}

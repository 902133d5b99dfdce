import { goSelectorText } from "../../../base/label-selector.ts";
import { amountText } from "../../../base/quantity-text.ts";
import type * as models from "../../../client/models.ts";
import { MetricProblem } from "./metric-problem.ts";
import {
  averageProposal,
  type PodMetrics,
  type Proposal,
  shareProposal,
  utilizationProposal,
  valueProposal,
  type Workload,
} from "./plan-replicas.ts";
import { milliOf } from "./pod-requests-milli.ts";

/** What one metric of an autoscaler proposes, in Kubernetes' words where it proposes nothing. Pure. */

export type MetricSpec = models.MetricSpec;
export type MetricStatus = models.MetricStatus;
type Target = models.MetricTarget;
type Current = models.MetricValueStatus;

/** What was measured for it, or why nothing was. */
export type Reading =
  | { readonly kind: "pods"; readonly metrics: PodMetrics }
  | { readonly kind: "total"; readonly milli: bigint }
  | { readonly kind: "none"; readonly why: string };

export type MetricPlan =
  | {
      readonly ok: true;
      readonly replicas: number;
      /** As events name it. */
      readonly name: string;
      readonly status: MetricStatus;
    }
  | {
      readonly ok: false;
      /** Of the condition and the event. */
      readonly reason: string;
      readonly why: string;
      /** The same, with what it was about. */
      readonly whole: string;
    };

export function planMetric(
  spec: MetricSpec,
  reading: Reading,
  workload: Workload,
  namespace: string,
): MetricPlan {
  switch (spec.type) {
    case "Resource":
      return resourcePlan(spec, reading, workload);
    case "ContainerResource":
      return resourcePlan(spec, reading, workload);
    case "Pods":
      return podsPlan(spec, reading, workload);
    case "Object":
      return objectPlan(spec, reading, workload, namespace);
    case "External":
      return externalPlan(spec, reading, workload, namespace);
    default: {
      const why = `unknown metric source type ${JSON.stringify(spec.type)}`;
      return { ok: false, reason: "InvalidMetricSourceType", why, whole: why };
    }
  }
}

/** Runs what may throw a MetricProblem. */
function attempt<T>(
  propose: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string } {
  try {
    return { ok: true, value: propose() };
  } catch (error) {
    if (error instanceof MetricProblem) return { ok: false, why: error.message };
    throw error;
  }
}

function podMetrics(reading: Reading, what: string): PodMetrics {
  if (reading.kind === "pods") return reading.metrics;
  throw new MetricProblem(`${what}: ${reading.kind === "none" ? reading.why : "not measured by pod"}`);
}

function resourcePlan(
  { type, resource, containerResource }: MetricSpec,
  reading: Reading,
  workload: Workload,
): MetricPlan {
  const isContainer = type === "ContainerResource";
  const source = isContainer ? containerResource : resource;
  const name = source?.name ?? "";
  const target: Target = source?.target ?? { type: "" };
  const container = isContainer ? (containerResource?.container ?? "") : undefined;
  const reason = isContainer ? "FailedGetContainerResourceMetric" : "FailedGetResourceMetric";
  const about = isContainer ? `${container} container` : `${name} resource`;
  const failed = (why: string): MetricPlan => ({
    ok: false,
    reason,
    why,
    whole: `failed to get ${about} metric value: ${why}`,
  });
  if (target.averageValue === undefined && target.averageUtilization === undefined)
    return failed(
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    );
  const isUsage = target.averageValue !== undefined;
  const tried = attempt((): Proposal => {
    const metrics = podMetrics(reading, `unable to get metrics for resource ${name}`);
    return target.averageValue !== undefined
      ? averageProposal(workload, metrics, milliOf(target.averageValue), name)
      : utilizationProposal(workload, metrics, {
          resource: name,
          percent: target.averageUtilization ?? 0,
          ...(container !== undefined && { container }),
        });
  });
  if (!tried.ok) return failed(`failed to get ${name} ${isUsage ? "usage" : "utilization"}: ${tried.why}`);
  const { usageMilli, utilization, replicas } = tried.value;
  const current: Current = {
    averageValue: quantityOf(usageMilli, name === "memory"),
    ...(utilization !== undefined && { averageUtilization: utilization }),
  };
  const status: MetricStatus = isContainer
    ? { type, containerResource: { name, container: container ?? "", current } }
    : { type, resource: { name, current } };
  const kind = isContainer ? "container resource" : "resource";
  const shown = isUsage ? `${name} resource` : `${name} ${kind} utilization (percentage of request)`;
  return { ok: true, replicas, name: shown, status };
}

function podsPlan({ type, pods }: MetricSpec, reading: Reading, workload: Workload): MetricPlan {
  const metric = pods?.metric ?? { name: "" };
  const tried = attempt(() =>
    averageProposal(
      workload,
      podMetrics(reading, `unable to get metric ${metric.name}`),
      milliOf(pods?.target.averageValue ?? "0"),
    ),
  );
  if (!tried.ok) {
    const whole = `failed to get pods metric value: ${tried.why}`;
    return { ok: false, reason: "FailedGetPodsMetric", why: tried.why, whole };
  }
  const current = { averageValue: quantityOf(tried.value.usageMilli) };
  return {
    ok: true,
    replicas: tried.value.replicas,
    name: `pods metric ${metric.name}`,
    status: { type, pods: { metric, current } },
  };
}

/** Of a metric that is one number: by value or by share. */
function totalProposal(
  target: Target,
  reading: Reading,
  workload: Workload,
  problem: (why: string) => string,
): { readonly proposal: Proposal; readonly current: Current } {
  if (reading.kind !== "total")
    throw new MetricProblem(problem(reading.kind === "none" ? reading.why : "measured by pod"));
  if (target.averageValue !== undefined) {
    const proposal = shareProposal(workload, reading.milli, milliOf(target.averageValue));
    return { proposal, current: { averageValue: quantityOf(proposal.usageMilli) } };
  }
  const proposal = valueProposal(workload, reading.milli, milliOf(target.value ?? "0"));
  return { proposal, current: { value: quantityOf(proposal.usageMilli) } };
}

function objectPlan(
  { type, object }: MetricSpec,
  reading: Reading,
  workload: Workload,
  namespace: string,
): MetricPlan {
  const reason = "FailedGetObjectMetric";
  const target: Target = object?.target ?? { type: "" };
  const byValue = target.type === "Value" && target.value !== undefined;
  const byShare = target.type === "AverageValue" && target.averageValue !== undefined;
  const about = "failed to get object metric value";
  if (object === undefined || (!byValue && !byShare)) {
    const why = "invalid object metric source: neither a value target nor an average value target was set";
    return { ok: false, reason, why, whole: `${about}: ${why}` };
  }
  const { describedObject, metric } = object;
  // Kubernetes puts the two last words of this text so.
  const problem = (why: string) =>
    `unable to get metric ${metric.name}: ${describedObject.kind} on ${namespace} ${describedObject.name}/${why}`;
  const asked: Target = byValue
    ? { type: target.type, ...(target.value !== undefined && { value: target.value }) }
    : target;
  const tried = attempt(() => totalProposal(asked, reading, workload, problem));
  if (!tried.ok) {
    const shown = byValue ? tried.why : `failed to get ${metric.name} object metric: ${tried.why}`;
    return { ok: false, reason, why: tried.why, whole: `${about}: ${shown}` };
  }
  const { proposal, current } = tried.value;
  return {
    ok: true,
    replicas: proposal.replicas,
    name: byValue ? `${describedObject.kind} metric ${metric.name}` : externalName(metric),
    status: { type, object: { describedObject, metric, current } },
  };
}

function externalPlan(
  { type, external }: MetricSpec,
  reading: Reading,
  workload: Workload,
  namespace: string,
): MetricPlan {
  const reason = "FailedGetExternalMetric";
  const target: Target = external?.target ?? { type: "" };
  const metric = external?.metric ?? { name: "" };
  const about = `failed to get ${metric.name} external metric value`;
  if (target.averageValue === undefined && target.value === undefined) {
    const why = "invalid external metric source: neither a value target nor an average value target was set";
    return { ok: false, reason, why, whole: `${about}: ${why}` };
  }
  const problem = (why: string) =>
    `unable to get external metric ${namespace}/${metric.name}/${goSelectorText(metric.selector)}: ${why}`;
  const tried = attempt(() => totalProposal(target, reading, workload, problem));
  if (!tried.ok) {
    const what =
      target.averageValue === undefined
        ? `failed to get external metric ${metric.name}`
        : `failed to get ${metric.name} external metric`;
    return { ok: false, reason, why: tried.why, whole: `${about}: ${what}: ${tried.why}` };
  }
  const { proposal, current } = tried.value;
  return {
    ok: true,
    replicas: proposal.replicas,
    name: externalName(metric),
    status: { type, external: { metric, current } },
  };
}

const externalName = ({ name, selector }: models.MetricIdentifier) =>
  `external metric ${name}(${goSelectorText(selector)})`;

/** Thousandths as a quantity; memory by powers of 1024, as a metrics server writes it. */
function quantityOf(milli: bigint, binary = false): string {
  return amountText({ nanos: milli * 1_000_000n, notation: binary ? "binary" : "decimal" });
}

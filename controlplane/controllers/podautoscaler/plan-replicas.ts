import type { Pod } from "../../../client/types.ts";
import { conditionOf } from "../conditions.ts";
import { isReady } from "../pod-state.ts";
import { timeMs } from "../times.ts";
import { MetricProblem } from "./metric-problem.ts";
import { podRequestsMilli } from "./pod-requests-milli.ts";

/** How many replicas a metric calls for. Pure; whole numbers of thousandths are exact, as in Kubernetes. */

export const int32Max = 2_147_483_647;
export const int64Max = 9_223_372_036_854_775_807n;

/** What was measured of one pod. */
export interface PodMetric {
  readonly milli: bigint;
  readonly timestampMs: number;
  readonly windowMs: number;
}

/** By pod. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** How far from 1 the ratio of usage to target may be without anything being done. */
export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

/** Whose measurements do not count yet. */
export interface ReadinessRules {
  readonly cpuInitializationMs: number;
  readonly initialReadinessMs: number;
  readonly nowMs: number;
}

/** What a proposal is made from, beside the metric itself. */
export interface Workload {
  /** What the target asks for. */
  readonly replicas: number;
  /** What it has. */
  readonly presentReplicas: number;
  /** Those that its selector chooses. */
  readonly pods: readonly Pod[];
  readonly tolerances: Tolerances;
  readonly rules: ReadinessRules;
}

export interface Proposal {
  readonly replicas: number;
  /** Of one pod on average, or of all together where the target is a value. */
  readonly usageMilli: bigint;
  readonly utilization?: number;
}

const isWithin = ({ down, up }: Tolerances, ratio: number) => 1 - down <= ratio && ratio <= 1 + up;

const toInt32 = (value: number) => Math.min(int32Max, Math.ceil(value));

interface Groups {
  readonly readyCount: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
  /** Of pods that are ready. */
  readonly counted: ReadonlyMap<string, bigint>;
}

function groupPods(
  pods: readonly Pod[],
  metrics: PodMetrics,
  resource: string,
  rules: ReadinessRules,
): Groups {
  const counted = new Map([...metrics].map(([name, { milli }]) => [name, milli]));
  const unready: string[] = [];
  const missing: string[] = [];
  let readyCount = 0;
  for (const pod of pods) {
    const { name } = pod.metadata;
    const metric = metrics.get(name);
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Failed") counted.delete(name);
    else if (pod.status?.phase === "Pending") unready.push(name);
    else if (metric === undefined) missing.push(name);
    else if (resource === "cpu" && isWarmingUp(pod, metric, rules)) unready.push(name);
    else readyCount++;
  }
  for (const name of unready) counted.delete(name);
  return { readyCount, unready, missing, counted };
}

/** While a pod starts, and until it was ready once, what it takes of CPU says nothing of its load. */
function isWarmingUp({ status }: Pod, metric: PodMetric, rules: ReadinessRules): boolean {
  const ready = conditionOf(status?.conditions, "Ready");
  if (ready === undefined || status?.startTime === undefined) return true;
  const startMs = timeMs(status.startTime);
  const changedMs = timeMs(ready.lastTransitionTime);
  if (startMs + rules.cpuInitializationMs > rules.nowMs)
    return ready.status === "False" || metric.timestampMs < changedMs + metric.windowMs;
  return ready.status === "False" && startMs + rules.initialReadinessMs > changedMs;
}

/** How usage relates to the target, and the usage itself. */
interface Ratio {
  readonly ratio: number;
  readonly usageMilli: bigint;
  readonly utilization?: number;
}

/** What a pod counts for that was not measured: as much as holds back the direction in which scaling would go. */
interface Assumed {
  readonly whenLow: (name: string) => bigint;
  readonly ratioOf: (usage: ReadonlyMap<string, bigint>) => Ratio;
}

/** The rule of metrics that are measured pod by pod. */
function perPodProposal(
  { replicas, pods, tolerances, rules }: Workload,
  metrics: PodMetrics,
  resource: string,
  assumedFor: () => Assumed,
): Proposal {
  if (pods.length === 0)
    throw new MetricProblem("no pods returned by selector while calculating replica count");
  const { readyCount, unready, missing, counted } = groupPods(pods, metrics, resource, rules);
  if (counted.size === 0)
    throw new MetricProblem("did not receive metrics for targeted pods (pods might be unready)");
  const { whenLow, ratioOf } = assumedFor();
  const { ratio, ...usage } = ratioOf(counted);
  const rises = unready.length > 0 && ratio > 1;
  const stay = { replicas, ...usage };
  if (!rises && missing.length === 0)
    return isWithin(tolerances, ratio) ? stay : { ...usage, replicas: toInt32(ratio * readyCount) };
  const whole = new Map(counted);
  if (ratio < 1) for (const name of missing) whole.set(name, whenLow(name));
  else if (ratio > 1) for (const name of missing) whole.set(name, 0n);
  if (rises) for (const name of unready) whole.set(name, 0n);
  const { ratio: next } = ratioOf(whole);
  if (isWithin(tolerances, next) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return stay;
  const wanted = toInt32(next * whole.size);
  if ((next < 1 && wanted > replicas) || (next > 1 && wanted < replicas)) return stay;
  return { ...usage, replicas: wanted };
}

/** A resource against a share of what pods request; of one container where it is named. */
export function utilizationProposal(
  workload: Workload,
  metrics: PodMetrics,
  target: { readonly resource: string; readonly container?: string; readonly percent: number },
): Proposal {
  return perPodProposal(workload, metrics, target.resource, () => {
    const requests = new Map(
      workload.pods.map((pod) => [
        pod.metadata.name,
        podRequestsMilli(pod, target.resource, target.container),
      ]),
    );
    return {
      whenLow: (name) => ((requests.get(name) ?? 0n) * BigInt(Math.max(100, target.percent))) / 100n,
      ratioOf: (usage) => utilizationRatio(usage, requests, target.percent),
    };
  });
}

function utilizationRatio(
  usage: ReadonlyMap<string, bigint>,
  requests: ReadonlyMap<string, bigint>,
  percent: number,
): Ratio {
  let used = 0n;
  let requested = 0n;
  let count = 0n;
  for (const [name, milli] of usage) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += milli;
    requested += request;
    count++;
  }
  if (requested === 0n) throw new MetricProblem("no metrics returned matched known pods");
  const utilization = Number((used * 100n) / requested);
  return { ratio: utilization / percent, utilization, usageMilli: used / count };
}

/** A metric of pods, or a resource, against an average.
 *  @param resource Empty for a metric that is none. */
export function averageProposal(
  workload: Workload,
  metrics: PodMetrics,
  targetMilli: bigint,
  resource = "",
): Proposal {
  return perPodProposal(workload, metrics, resource, () => ({
    whenLow: () => targetMilli,
    ratioOf: (usage) => {
      let used = 0n;
      for (const milli of usage.values()) used += milli;
      const usageMilli = used / BigInt(usage.size);
      return { ratio: Number(usageMilli) / Number(targetMilli), usageMilli };
    },
  }));
}

/** One number (of an object, or from outside) against a value: replicas follow in proportion to the pods that are ready. */
export function valueProposal(
  { replicas, pods, tolerances }: Workload,
  usageMilli: bigint,
  targetMilli: bigint,
): Proposal {
  const ratio = Number(usageMilli) / Number(targetMilli);
  if (replicas === 0) return { usageMilli, replicas: toInt32(ratio) };
  if (isWithin(tolerances, ratio)) return { usageMilli, replicas };
  if (pods.length === 0)
    throw new MetricProblem(
      "unable to calculate ready pods: no pods returned by selector while calculating replica count",
    );
  const ready = pods.filter((pod) => pod.status?.phase === "Running" && isReady(pod));
  return { usageMilli, replicas: toInt32(ratio * ready.length) };
}

/** One number against an average: as many replicas as shares of that size. */
export function shareProposal(
  { presentReplicas, tolerances }: Workload,
  usageMilli: bigint,
  targetMilli: bigint,
): Proposal {
  const ratio = Number(usageMilli) / (Number(targetMilli) * presentReplicas);
  const replicas = isWithin(tolerances, ratio)
    ? presentReplicas
    : toInt32(Number(usageMilli) / Number(targetMilli));
  return { replicas, usageMilli: average(usageMilli, presentReplicas) };
}

/** Rounded up. Over no replicas at all it is the whole. */
function average(milli: bigint, count: number): bigint {
  if (milli >= int64Max) return int64Max;
  const by = BigInt(Math.max(1, count));
  const down = milli / by;
  return milli % by > 0n ? down + 1n : down;
}

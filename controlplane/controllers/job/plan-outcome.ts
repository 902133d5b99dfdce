import type { Job, Pod } from "../../../client/types.ts";
import { conditionOf, isTrue } from "../conditions.ts";
import { isActive, restarts } from "../pod-state.ts";
import { timeMs } from "../times.ts";
import { failureVerdict } from "./failure-policy.ts";
import type { JobCondition } from "./job-types.ts";
import { hasFailed } from "./pod-end.ts";
import { metSuccessPolicy } from "./success-policy.ts";

/** How a Job ends, once that is sure. */
export interface Outcome {
  readonly final: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

export function isOver({ status }: Job): boolean {
  return isTrue(status?.conditions, "Complete") || isTrue(status?.conditions, "Failed");
}

export interface Numbers {
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  readonly nowMs: number;
}

/** Decided earlier (by the condition that announces it), or decided now by the numbers. Pure. */
export function outcomeOf(job: Job, pods: readonly Pod[], numbers: Numbers): Outcome | undefined {
  const conditions = job.status?.conditions;
  const failing = conditionOf(conditions, "FailureTarget");
  if (failing?.status === "True") return announced("Failed", failing);
  const met = conditionOf(conditions, "SuccessCriteriaMet");
  if (met?.status === "True") return announced("Complete", met);
  for (const pod of pods) {
    const message = hasFailed(job, pod) ? failureVerdict(job, pod).message : undefined;
    if (message !== undefined) return { final: "Failed", reason: "PodFailurePolicy", message };
  }
  if (exceedsBackoff(job, pods, numbers.failed))
    return {
      final: "Failed",
      reason: "BackoffLimitExceeded",
      message: "Job has reached the specified backoff limit",
    };
  if (deadlineInMs(job, numbers.nowMs) === 0)
    return {
      final: "Failed",
      reason: "DeadlineExceeded",
      message: "Job was active longer than specified deadline",
    };
  const byIndexes = failedByIndexes(job, numbers);
  if (byIndexes !== undefined) return byIndexes;
  const rule = metSuccessPolicy(job, numbers.completedIndexes);
  if (rule !== undefined) return { final: "Complete", reason: "SuccessPolicy", message: rule };
  return isComplete(job, pods, numbers.succeeded)
    ? {
        final: "Complete",
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
      }
    : undefined;
}

function failedByIndexes({ spec }: Job, { completedIndexes, failedIndexes }: Numbers): Outcome | undefined {
  const failed = failedIndexes.size;
  if (spec.backoffLimitPerIndex === undefined || failed === 0) return undefined;
  if (spec.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes)
    return {
      final: "Failed",
      reason: "MaxFailedIndexesExceeded",
      message: "Job has exceeded the specified maximal number of failed indexes",
    };
  return failed + completedIndexes.size >= (spec.completions ?? 0)
    ? { final: "Failed", reason: "FailedIndexes", message: "Job has failed indexes" }
    : undefined;
}

function announced(final: Outcome["final"], { reason = "", message = "" }: JobCondition): Outcome {
  return { final, reason, message };
}

function isComplete({ spec }: Job, pods: readonly Pod[], succeeded: number): boolean {
  if (spec.completions !== undefined) return succeeded >= spec.completions;
  return succeeded > 0 && !pods.some(isActive);
}

function exceedsBackoff({ spec }: Job, pods: readonly Pod[], failed: number): boolean {
  const limit = spec.backoffLimit ?? 6;
  if (failed > limit) return true;
  if (spec.template.spec?.restartPolicy !== "OnFailure") return false;
  const restarted = pods
    .filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .reduce((sum, pod) => sum + restarts(pod), 0);
  return limit === 0 ? restarted > 0 : restarted >= limit;
}

/** Until activeDeadlineSeconds pass, from now; undefined when the Job has none or does not run. */
export function deadlineInMs({ spec, status }: Job, nowMs: number): number | undefined {
  const seconds = spec.activeDeadlineSeconds;
  if (seconds === undefined || status?.startTime === undefined || spec.suspend === true) return undefined;
  return Math.max(0, timeMs(status.startTime) + seconds * 1000 - nowMs);
}

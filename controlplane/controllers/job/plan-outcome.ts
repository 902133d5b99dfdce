import type { Job, Pod } from "../../../client/types.ts";
import { conditionOf, isTrue } from "../conditions.ts";
import { isActive, restarts } from "../pod-state.ts";
import { timeMs } from "../times.ts";
import type { JobCondition } from "./job-types.ts";

/** How a Job ends, once that is sure. */
export interface Outcome {
  readonly final: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

export function isOver({ status }: Job): boolean {
  return isTrue(status?.conditions, "Complete") || isTrue(status?.conditions, "Failed");
}

/** Decided earlier (by the condition that announces it), or decided now by the numbers. Pure. */
export function outcomeOf(
  job: Job,
  pods: readonly Pod[],
  numbers: { readonly succeeded: number; readonly failed: number; readonly nowMs: number },
): Outcome | undefined {
  const conditions = job.status?.conditions;
  const failing = conditionOf(conditions, "FailureTarget");
  if (failing?.status === "True") return announced("Failed", failing);
  const met = conditionOf(conditions, "SuccessCriteriaMet");
  if (met?.status === "True") return announced("Complete", met);
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
  return isComplete(job, pods, numbers.succeeded)
    ? {
        final: "Complete",
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
      }
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

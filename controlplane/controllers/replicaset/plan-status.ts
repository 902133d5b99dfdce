import type { ReplicaSet } from "../../../client/types.ts";
import { conditionOf, withCondition, without } from "../conditions.ts";
import { canonicalJson } from "../template-hash.ts";
import { timeText } from "../times.ts";
import type { ReplicaAction, ReplicaCounts } from "./plan-replicas.ts";

export type ReplicaStatus = NonNullable<ReplicaSet["status"]>;

/** What carrying out the plan met. */
export interface Failure {
  readonly doing: ReplicaAction["action"];
  readonly message: string;
}

/** The status to write, or undefined when it stands already. The failure condition comes with a failure and goes with
 *  the next success. Pure. */
export function planStatus(
  current: ReplicaStatus | undefined,
  counts: ReplicaCounts,
  observed: {
    readonly generation: number;
    readonly failure: Failure | undefined;
    readonly nowMs: number;
    /** Replication controllers do not tell how many pods are on their way out. */
    readonly tellsTerminating: boolean;
  },
): ReplicaStatus | undefined {
  const { failure, generation, nowMs, tellsTerminating } = observed;
  const before = current?.conditions ?? [];
  const conditions =
    failure === undefined
      ? without(before, "ReplicaFailure")
      : conditionOf(before, "ReplicaFailure") !== undefined
        ? before
        : withCondition(before, {
            type: "ReplicaFailure",
            status: "True",
            reason: failure.doing === "create" ? "FailedCreate" : "FailedDelete",
            message: failure.message,
            lastTransitionTime: timeText(nowMs),
          });
  const next: ReplicaStatus = {
    replicas: counts.replicas,
    ...nonZero(counts),
    ...(tellsTerminating && { terminatingReplicas: counts.terminatingReplicas }),
    observedGeneration: generation,
    ...(conditions.length > 0 && { conditions }),
  };
  return canonicalJson(next) === canonicalJson(current ?? {}) ? undefined : next;
}

/** Kubernetes leaves these out when zero. */
function nonZero(counts: ReplicaCounts): Partial<ReplicaStatus> {
  const { fullyLabeledReplicas, readyReplicas, availableReplicas } = counts;
  return {
    ...(fullyLabeledReplicas > 0 && { fullyLabeledReplicas }),
    ...(readyReplicas > 0 && { readyReplicas }),
    ...(availableReplicas > 0 && { availableReplicas }),
  };
}

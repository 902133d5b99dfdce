import type { Deployment, ReplicaSet } from "../../../client/types.ts";
import { conditionOf, isTrue, withCondition, without } from "../conditions.ts";
import { timeMs, timeText } from "../times.ts";
import { fenceposts, wantedReplicas } from "./fenceposts.ts";
import {
  availableOf,
  type DeploymentCondition,
  type DeploymentStatus,
  type Generations,
  replicasOf,
  sum,
} from "./plan-types.ts";

/** A deadline that was never meant to pass. */
const noDeadlineSeconds = 2 ** 31 - 1;

export function progressDeadlineMs({ spec }: Deployment): number | undefined {
  const seconds = spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === noDeadlineSeconds ? undefined : seconds * 1000;
}

/** Counts, and the condition Available. Progressing and ReplicaFailure stand as they were. Pure. */
export function countStatus(
  deployment: Deployment,
  { current, old }: Generations,
  nowMs: number,
): DeploymentStatus {
  const all = [...old, ...(current ? [current] : [])];
  const available = sum(all.map(availableOf));
  const ready = sum(all.map(({ status }) => status?.readyReplicas ?? 0));
  const replicas = sum(all.map(({ status }) => status?.replicas ?? 0));
  const updated = current?.status?.replicas ?? 0;
  const unavailable = Math.max(0, sum(all.map(replicasOf)) - available);
  const enough = available >= wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  const before = deployment.status;
  const terminating = terminatingReplicas(all);
  return {
    ...(before?.collisionCount !== undefined && { collisionCount: before.collisionCount }),
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(replicas > 0 && { replicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    ...(unavailable > 0 && { unavailableReplicas: unavailable }),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    conditions: setCondition(
      before?.conditions ?? [],
      enough
        ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        : condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
          ),
      nowMs,
    ),
  };
}

/** Undefined while a ReplicaSet with a status does not tell; one that has none yet has no pods either. */
function terminatingReplicas(all: readonly ReplicaSet[]): number | undefined {
  const told = all.map(
    ({ status }) => status?.terminatingReplicas ?? (status?.observedGeneration ? undefined : 0),
  );
  return told.reduce((total, one) => (total === undefined || one === undefined ? undefined : total + one), 0);
}

type Said = Pick<DeploymentCondition, "type" | "status"> & { reason: string; message: string };

export function condition(type: string, status: string, reason: string, message: string): Said {
  return { type, status, reason, message };
}

/** A condition that says the same as before (status and reason) stays untouched, its times too. */
export function setCondition(
  conditions: readonly DeploymentCondition[],
  said: Said,
  nowMs: number,
): DeploymentCondition[] {
  const current = conditionOf(conditions, said.type);
  if (current?.status === said.status && current.reason === said.reason) return [...conditions];
  return renewCondition(conditions, said, nowMs);
}

/** Also when it says the same: its update time moves, which is what the progress deadline counts from. */
function renewCondition(
  conditions: readonly DeploymentCondition[],
  said: Said,
  nowMs: number,
): DeploymentCondition[] {
  const now = timeText(nowMs);
  return withCondition(conditions, { ...said, lastUpdateTime: now, lastTransitionTime: now });
}

/** All that the template and replicas ask for is there, and nothing else. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** The status of a rollout under way or done: counts, Progressing, ReplicaFailure. */
export function rolloutStatus(
  deployment: Deployment,
  generations: Generations,
  nowMs: number,
): DeploymentStatus {
  const status = countStatus(deployment, generations, nowMs);
  const progressed = withProgress(deployment, generations, status, nowMs);
  return { ...status, conditions: withFailure(progressed, generations) };
}

/** The status while only sizes change: counts, which are no progress. But where a rollout had failed, and a rollback changes the
 *  size as well, what it takes back counts: who waits reads the generation that is observed, and would take the failure before
 *  it for its own. (Kubernetes tells of that one sync later.) */
export function scalingStatus(
  deployment: Deployment,
  generations: Generations,
  nowMs: number,
): DeploymentStatus {
  const status = countStatus(deployment, generations, nowMs);
  if (conditionOf(status.conditions, "Progressing")?.reason !== "ProgressDeadlineExceeded") return status;
  return { ...status, conditions: withProgress(deployment, generations, status, nowMs) };
}

function withProgress(
  deployment: Deployment,
  { current }: Generations,
  status: DeploymentStatus,
  nowMs: number,
): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) return without(conditions, "Progressing");
  const before = conditionOf(conditions, "Progressing");
  const settled =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && before?.reason === "NewReplicaSetAvailable";
  if (settled) return [...conditions];
  const subject = current
    ? `ReplicaSet "${current.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  const say = (value: string, reason: string, rest: string) =>
    condition("Progressing", value, reason, `${subject} ${rest}`);
  if (isComplete(deployment, status))
    return setCondition(
      conditions,
      say("True", "NewReplicaSetAvailable", "has successfully progressed."),
      nowMs,
    );
  if (hasProgressed(deployment.status ?? {}, status))
    return renewCondition(conditions, say("True", "ReplicaSetUpdated", "is progressing."), nowMs);
  if (isTimedOut(before, deadlineMs, nowMs))
    return setCondition(
      conditions,
      say("False", "ProgressDeadlineExceeded", "has timed out progressing."),
      nowMs,
    );
  return [...conditions];
}

/** More updated, ready or available pods, or fewer old ones. */
function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(
  progressing: DeploymentCondition | undefined,
  deadlineMs: number,
  nowMs: number,
): boolean {
  if (progressing === undefined || progressing.reason === "NewReplicaSetAvailable") return false;
  if (progressing.reason === "ProgressDeadlineExceeded") return true;
  return timeMs(progressing.lastUpdateTime) + deadlineMs <= nowMs;
}

function withFailure(
  conditions: readonly DeploymentCondition[],
  { current, old }: Generations,
): DeploymentCondition[] {
  const rest = without(conditions, "ReplicaFailure");
  const failing = [...(current ? [current] : []), ...old].find(({ status }) =>
    isTrue(status?.conditions, "ReplicaFailure"),
  );
  const failure = conditionOf(failing?.status?.conditions, "ReplicaFailure");
  if (failure === undefined) return rest;
  const { lastTransitionTime } = failure;
  return [...rest, { ...failure, ...(lastTransitionTime && { lastUpdateTime: lastTransitionTime }) }];
}

/** When the deadline will pass if nothing happens, from now; undefined when none is running. */
export function deadlineInMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const progressing = conditionOf(status.conditions, "Progressing");
  if (deadlineMs === undefined || progressing === undefined || deployment.spec.paused === true)
    return undefined;
  if (isComplete(deployment, status) || progressing.reason === "ProgressDeadlineExceeded") return undefined;
  return Math.max(1000, timeMs(progressing.lastUpdateTime) + deadlineMs - nowMs + 1000);
}

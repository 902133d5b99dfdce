import type { ReplicaSet } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateCounts } from "./counts.ts";
import { invalid } from "./field-errors.ts";

interface Replicas {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
}

/** Of the pods that there are, no more can be in a state, and none is available that is not ready.
 *  @param ready How Kubernetes names the ready ones to this kind. */
export function validateReplicaStatus<Name extends string>(
  status: (Replicas & Readonly<Partial<Record<Name, number>>>) | undefined,
  parts: readonly Name[],
  ready: "readyReplicas" | "status.readyReplicas" = "readyReplicas",
): readonly FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? {};
  const tooMany = parts
    .filter((name) => (status?.[name] ?? 0) > replicas)
    .map((name) => invalid(`status.${name}`, status?.[name] ?? 0, "cannot be greater than status.replicas"));
  if (availableReplicas <= readyReplicas) return tooMany;
  const text = `cannot be greater than ${ready}`;
  return [...tooMany, invalid("status.availableReplicas", availableReplicas, text)];
}

/** The status of a ReplicaSet, or of what was one before there were any. */
export function validateReplicaSetStatus(status: ReplicaSet["status"]): readonly FieldError[] {
  const parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const;
  return [
    ...validateCounts(status, ["replicas", ...parts, "observedGeneration", "terminatingReplicas"]),
    ...validateReplicaStatus(status, parts),
  ];
}

interface Collisions {
  readonly collisionCount?: number;
}

/** How often a name was taken already is never forgotten. */
export function validateCollisions(next: Collisions = {}, current: Collisions = {}): readonly FieldError[] {
  const [after, before] = [next.collisionCount, current.collisionCount];
  if (before === undefined || (after !== undefined && after >= before)) return [];
  return [invalid("status.collisionCount", after ?? 0, "cannot be decremented")];
}

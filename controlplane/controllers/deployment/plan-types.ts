import type { Deployment, Draft, Pod, ReplicaSet } from "../../../client/types.ts";
import type { Annotations } from "./annotations.ts";

export type DeploymentStatus = NonNullable<Deployment["status"]>;
export type DeploymentCondition = NonNullable<DeploymentStatus["conditions"]>[number];

/** What the plan knows. `replicaSets` are the Deployment's own; `pods` theirs (needed for Recreate only). */
export interface Observed {
  readonly deployment: Deployment;
  readonly replicaSets: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  readonly nowMs: number;
}

export type DeploymentAction =
  | { readonly action: "createReplicaSet"; readonly object: Draft<ReplicaSet> }
  /** Annotations and minReadySeconds follow the Deployment. */
  | {
      readonly action: "updateReplicaSet";
      readonly name: string;
      readonly annotations: Annotations;
      readonly minReadySeconds: number;
    }
  | {
      readonly action: "scale";
      readonly name: string;
      readonly from: number;
      readonly to: number;
      readonly annotations: Annotations;
    }
  | { readonly action: "deleteReplicaSet"; readonly name: string }
  /** The Deployment shows the revision of its current ReplicaSet. */
  | { readonly action: "setRevision"; readonly revision: bigint }
  | { readonly action: "updateStatus"; readonly status: DeploymentStatus };

/** The ReplicaSets, told apart. `old` holds all others, oldest first. */
export interface Generations {
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

export const replicasOf = (replicaSet: ReplicaSet): number => replicaSet.spec.replicas ?? 1;
export const availableOf = (replicaSet: ReplicaSet): number => replicaSet.status?.availableReplicas ?? 0;
export const isScaledUp = (replicaSet: ReplicaSet): boolean => replicasOf(replicaSet) > 0;
export const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

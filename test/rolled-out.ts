import type { DaemonSet, Deployment, StatefulSet } from "../client/types.ts";

/** Whether all pods of a workload are of its newest template and available, and no others are left, as its status tells it. */
export function isRolledOut(workload: DaemonSet | Deployment | StatefulSet): boolean {
  const { generation = 0 } = workload.metadata;
  if ((workload.status?.observedGeneration ?? 0) < generation) return false;
  switch (workload.kind) {
    case "DaemonSet": {
      const { status } = workload as DaemonSet;
      const wanted = status?.desiredNumberScheduled;
      return status?.updatedNumberScheduled === wanted && status?.numberAvailable === wanted;
    }
    case "StatefulSet": {
      const { spec, status } = workload as StatefulSet;
      return (
        status?.currentRevision === status?.updateRevision &&
        [status?.replicas, status?.updatedReplicas, status?.availableReplicas].every(
          (count) => (count ?? 0) === spec.replicas,
        )
      );
    }
    default: {
      const { spec, status } = workload as Deployment;
      return [status?.replicas, status?.updatedReplicas, status?.availableReplicas].every(
        (count) => (count ?? 0) === spec.replicas,
      );
    }
  }
}

import type { KubeObject } from "../client/types.ts";

interface Condition {
  readonly type?: string;
  readonly status?: string;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;

/** Whether an object is what `kubectl wait` and `kubectl rollout status` would wait for. Pure.
 *  Workloads: all their pods are of the newest template and available. Jobs: complete. Claims: bound. Pods: ready, or ended well.
 *  Everything else with conditions: its `Ready`, `Available`, `Established` or `Accepted` is true. What has none is ready. */
export function isReady(object: KubeObject): boolean {
  const { generation } = object.metadata;
  const spec = fieldsOf(object.spec);
  const status = fieldsOf(object.status);
  const conditions = (Array.isArray(status.conditions) ? status.conditions : []) as readonly Condition[];
  const holds = (type: string) => conditions.some((one) => one.type === type && one.status === "True");
  const isSeen = numberOf(status.observedGeneration, 0) >= numberOf(generation, 0);
  const replicas = numberOf(spec.replicas, 1);
  const are = (count: number, ...fields: readonly string[]) =>
    fields.every((field) => numberOf(status[field], 0) === count);
  switch (object.kind) {
    case "Deployment":
      return isSeen && are(replicas, "replicas", "updatedReplicas", "availableReplicas");
    case "ReplicaSet":
      return isSeen && are(replicas, "replicas", "availableReplicas");
    case "ReplicationController":
      return isSeen && are(replicas, "replicas", "readyReplicas");
    case "StatefulSet":
      return isSeen && are(replicas, "replicas", "availableReplicas") && isRolledOut(spec, status, replicas);
    case "DaemonSet": {
      const wanted = numberOf(status.desiredNumberScheduled, -1);
      return isSeen && are(wanted, "updatedNumberScheduled", "numberAvailable");
    }
    case "Job":
      return holds("Complete") || holds("SuccessCriteriaMet");
    case "Pod":
      return holds("Ready") || status.phase === "Succeeded";
    case "PersistentVolumeClaim":
      return status.phase === "Bound";
    case "PersistentVolume":
      return status.phase === "Bound" || status.phase === "Available";
    case "Namespace":
      return status.phase === "Active";
    default: {
      const told = ["Ready", "Available", "Established", "Accepted"].filter((type) =>
        conditions.some((one) => one.type === type),
      );
      return told.length === 0 || told.some(holds);
    }
  }
}

function isRolledOut(
  spec: Readonly<Record<string, unknown>>,
  status: Readonly<Record<string, unknown>>,
  replicas: number,
): boolean {
  const { type, rollingUpdate } = fieldsOf(spec.updateStrategy);
  if (type === "OnDelete") return true;
  const partition = numberOf(fieldsOf(rollingUpdate).partition, 0);
  return numberOf(status.updatedReplicas, 0) >= replicas - partition;
}

import type { Kind } from "../kube/define-kind.ts";
import { parseApiVersion } from "../kube/manifest.ts";
import type { KubeObject } from "../types.ts";

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly observedGeneration?: number;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;

/** What decides for every other kind: the first of these conditions that is told. */
const deciding = ["Ready", "Available", "Established", "Programmed", "Accepted"] as const;

/** Whether an object is what `kubectl wait` and `kubectl rollout status` would wait for. Pure.
 *  Workloads: all their pods are of the newest template and available. Jobs: complete. Claims: bound. Pods: ready, or ended well.
 *  Every other object, as `kstatus` of Kubernetes' cli-utils has it: it is not ready while its status is of an older generation
 *  (`observedGeneration`), or says `Reconciling` or `Stalled`. Then its condition `Ready` decides or, where there is none, the
 *  first of `Available`, `Established`, `Programmed` and `Accepted`; a condition of an older generation does not count. One that
 *  tells none of them is ready, unless its kind has a status and nobody has written one yet. What is being deleted is not ready.
 *  @param kind As `client.kindOf` says it, which knows of custom kinds whether they have a status. */
export function isReady(object: KubeObject, kind: Pick<Kind<unknown>, "hasStatus"> = {}): boolean {
  const { generation, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined) return false;
  const spec = fieldsOf(object.spec);
  const status = fieldsOf(object.status);
  const conditions = (Array.isArray(status.conditions) ? status.conditions : []) as readonly Condition[];
  const newest = numberOf(generation, 0);
  const holds = (type: string) =>
    conditions.some(
      (one) =>
        one.type === type && one.status === "True" && numberOf(one.observedGeneration, newest) >= newest,
    );
  const isSeen = numberOf(status.observedGeneration, 0) >= newest;
  const replicas = numberOf(spec.replicas, 1);
  const are = (count: number, ...fields: readonly string[]) =>
    fields.every((field) => numberOf(status[field], 0) === count);
  const { group = "" } = parseApiVersion(object.apiVersion) ?? {};
  switch (group === "" ? object.kind : `${object.kind}.${group}`) {
    case "Deployment.apps":
      return isSeen && are(replicas, "replicas", "updatedReplicas", "availableReplicas");
    case "ReplicaSet.apps":
      return isSeen && are(replicas, "replicas", "availableReplicas");
    case "ReplicationController":
      return isSeen && are(replicas, "replicas", "readyReplicas");
    case "StatefulSet.apps":
      return isSeen && are(replicas, "replicas", "availableReplicas") && isRolledOut(spec, status, replicas);
    case "DaemonSet.apps": {
      const wanted = numberOf(status.desiredNumberScheduled, -1);
      return isSeen && are(wanted, "updatedNumberScheduled", "numberAvailable");
    }
    case "Job.batch":
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
      if (kind.hasStatus && object.status === undefined) return false;
      if (numberOf(status.observedGeneration, newest) < newest) return false;
      if (holds("Reconciling") || holds("Stalled")) return false;
      const told = deciding.find((type) => conditions.some((one) => one.type === type));
      return told === undefined || holds(told);
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

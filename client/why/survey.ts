import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { KubeObject, Pod } from "../types.ts";
import { type CauseCode, severities } from "./causes.ts";
import { explained, findingsOf } from "./explain.ts";
import { isWellPod } from "./explain-pod.ts";
import type { Facts } from "./facts.ts";
import { type Finding, type Named, nameOf, type ObjectName } from "./finding.ts";

/** One cause, and all that it shows in. */
export interface Fold {
  readonly finding: Finding;
  /** What has it, workloads before what they made. */
  readonly subjects: readonly ObjectName[];
}

/** Of the pods that one owner made only so many are gone into. */
const podsPerOwner = 2;
const foldsMax = 500;

/** What is wrong in a namespace, or in all: causes, the worst first. Read as a whole, not object by object. */
export function survey(namespace: string | undefined, facts: Facts): readonly Fold[] {
  facts.wantWarnings(namespace);
  const kinds = explained.filter(
    ({ resource }) => namespace === undefined || resource.namespaced || resource.kind === "Node",
  );
  const lists = kinds.map(({ resource }) => ({
    resource,
    objects: facts.list(resource, resource.namespaced ? namespace : undefined),
  }));
  facts.list(resources.endpointslices, namespace);
  // Nothing is said of a half of the facts.
  if (facts.wants.length > 0) return [];
  const folds = new Map<string, { finding: Finding; subjects: ObjectName[] }>();
  const looked = new Map<string, number>();
  for (const { resource, objects = [] } of lists)
    for (const object of objects) {
      if (!isToBeLookedAt(resource.kind, object, looked, facts.nowMs)) continue;
      const [first] = findingsOf(resource, object as KubeObject, facts);
      if (first === undefined || first.severity === "info" || first.severity === "well") continue;
      const key = foldKey(first);
      const fold = folds.get(key);
      if (fold !== undefined) fold.subjects.push(nameOf(object as Stored & Named));
      else if (folds.size < foldsMax)
        folds.set(key, { finding: first, subjects: [nameOf(object as Stored & Named)] });
    }
  return [...folds.values()].sort(
    (a, b) =>
      severities.indexOf(a.finding.severity) - severities.indexOf(b.finding.severity) ||
      rank(a.finding.code) - rank(b.finding.code) ||
      b.subjects.length - a.subjects.length,
  );
}

/** The same cause in the same namespace is one, wherever it shows. */
const foldKey = ({ code, cause, object }: Finding): string => `${code}\n${cause}\n${object.namespace ?? ""}`;

/** What others stand on comes first. */
const foundations: readonly CauseCode[] = [
  "no-nodes",
  "node-not-ready",
  "webhook-unreachable",
  "api-service",
  "certificate-expired",
  "node-pressure",
];
const rank = (code: CauseCode): number => {
  const at = foundations.indexOf(code);
  return at < 0 ? foundations.length : at;
};

function isToBeLookedAt(kind: string, object: Stored, looked: Map<string, number>, nowMs: number): boolean {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
  if (kind === "Pod") {
    if (isWellPod(object as Pod, nowMs)) return false;
    // A workload's pods are gone into with it.
    if (
      owner !== undefined &&
      ["ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"].includes(owner.kind)
    ) {
      if (object.metadata.deletionTimestamp === undefined) return false;
    }
    const key = owner?.uid ?? object.metadata.uid;
    const count = looked.get(key) ?? 0;
    looked.set(key, count + 1);
    return count < podsPerOwner;
  }
  return (
    !(kind === "ReplicaSet" && owner?.kind === "Deployment") && !(kind === "Job" && owner?.kind === "CronJob")
  );
}

import type { Deployment, ReplicaSet } from "../../../client/types.ts";
import { fenceposts, wantedReplicas } from "./fenceposts.ts";

/** Revisions and remembered sizes, kept in ReplicaSets' annotations. Pure. */
export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxAnnotation = "deployment.kubernetes.io/max-replicas";
export const templateHashLabel = "pod-template-hash";

/** Not handed down from a Deployment to its ReplicaSets. */
const ownAnnotations: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);

export type Annotations = Readonly<Record<string, string>>;

/** A 64-bit number, which others may have set: larger than a JavaScript number holds exactly. */
export function revisionOf(object: { readonly metadata: { readonly annotations?: Annotations } }): bigint {
  return revision64(object.metadata.annotations?.[revisionAnnotation]) ?? 0n;
}

/** The revision after those of all the old ReplicaSets. */
export function revisionAfter(old: readonly ReplicaSet[]): bigint {
  return old.map(revisionOf).reduce((most, one) => (one > most ? one : most), 0n) + 1n;
}

const revisionMax = 2n ** 63n - 1n;

function revision64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^\d{1,19}$/.test(text)) return undefined;
  return BigInt(text) <= revisionMax ? BigInt(text) : undefined;
}

/** The number of replicas that the Deployment wanted when the ReplicaSet was last sized. */
export function desiredWhenSized(replicaSet: ReplicaSet): number | undefined {
  return wholeNumber(replicaSet.metadata.annotations?.[desiredAnnotation]);
}

/** The same with the surge. */
export function maxWhenSized(replicaSet: ReplicaSet): number | undefined {
  return wholeNumber(replicaSet.metadata.annotations?.[maxAnnotation]);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

export function sizeAnnotations(deployment: Deployment): Annotations {
  const wanted = wantedReplicas(deployment);
  return {
    [desiredAnnotation]: String(wanted),
    [maxAnnotation]: String(wanted + fenceposts(deployment).maxSurge),
  };
}

/** What the current ReplicaSet carries: the Deployment's annotations and the revision. A revision that is used again
 *  after a rollback leaves its old number in the history. */
export function currentAnnotations(
  deployment: Deployment,
  existing: Annotations,
  revision: bigint,
): Annotations {
  const handedDown = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([name]) => !ownAnnotations.has(name),
  );
  const next: Record<string, string> = { ...existing, ...Object.fromEntries(handedDown) };
  const before = revision64(existing[revisionAnnotation]);
  if (before === undefined || before < revision) {
    next[revisionAnnotation] = String(revision);
    if (before !== undefined) {
      const history = existing[historyAnnotation];
      next[historyAnnotation] = history ? `${history},${before}` : String(before);
    }
  }
  return next;
}

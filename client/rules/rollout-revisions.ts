import { isSameJson } from "../../base/same-json.ts";
import type { ControllerRevision, PodTemplateSpec, ReplicaSet } from "../types.ts";

const revisionAnnotation = "deployment.kubernetes.io/revision";
const causeAnnotation = "kubernetes.io/change-cause";
const hashLabel = "pod-template-hash";
/** What a Deployment says of itself, and does not take over from a revision. */
const ownAnnotations: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  "deployment.kubernetes.io/revision-history",
  "deployment.kubernetes.io/desired-replicas",
  "deployment.kubernetes.io/max-replicas",
  "deprecated.deployment.rollback.to",
]);

/** A pod template that a workload has had, and who keeps it. */
export interface Revision<Keeper = ReplicaSet | ControllerRevision> {
  readonly number: number;
  /** What whoever changed it said why. */
  readonly cause: string | undefined;
  readonly template: PodTemplateSpec;
  readonly keeper: Keeper;
}

/** Anything that keeps revisions, as far as it is looked at. */
export interface Rolling {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid?: string | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec: { readonly template: PodTemplateSpec; readonly paused?: boolean | undefined };
}

/** A change of a workload, as `kubectl rollout undo` makes it; or why there is none to make, in its words. */
export type Rollback =
  | { readonly is: "patch"; readonly type: "json" | "strategic"; readonly patch: unknown }
  | { readonly is: "skipped"; readonly why: string }
  | { readonly is: "refused"; readonly why: string };

/** What a Deployment has run, oldest first. */
export function replicaSetRevisions(
  uid: string | undefined,
  replicaSets: readonly ReplicaSet[],
): readonly Revision<ReplicaSet>[] {
  return revisionsOf(uid, replicaSets, (replicaSet) => {
    const template = structuredClone(replicaSet.spec.template ?? {}) as PodTemplateSpec;
    delete template.metadata?.labels?.[hashLabel];
    return { number: Number(replicaSet.metadata.annotations?.[revisionAnnotation] ?? 0), template };
  });
}

/** What a StatefulSet or DaemonSet has run, oldest first. */
export function controllerRevisions(
  uid: string | undefined,
  revisions: readonly ControllerRevision[],
): readonly Revision<ControllerRevision>[] {
  return revisionsOf(uid, revisions, ({ revision, data }) => {
    const { spec } = (data ?? {}) as { readonly spec?: { readonly template?: PodTemplateSpec } };
    const { $patch: _, ...template } = (spec?.template ?? {}) as PodTemplateSpec & { $patch?: string };
    return { number: revision, template };
  });
}

function revisionsOf<Keeper extends ReplicaSet | ControllerRevision>(
  uid: string | undefined,
  keepers: readonly Keeper[],
  read: (keeper: Keeper) => Pick<Revision, "number" | "template">,
): readonly Revision<Keeper>[] {
  return keepers
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map((keeper) => ({ ...read(keeper), cause: keeper.metadata.annotations?.[causeAnnotation], keeper }))
    .sort((a, b) => a.number - b.number);
}

/** Whether a workload's pods are made by that revision now, as far as its template tells. */
export const isCurrent = ({ spec }: Rolling, { template }: Revision): boolean =>
  isSameJson(withoutHash(spec.template), withoutHash(template));

/** @param wanted a revision's number; 0 for the one before the last */
export function rollbackTo(owner: Rolling, revisions: readonly Revision[], wanted: number): Rollback {
  const isDeployment = owner.kind === "Deployment";
  const found = wanted === 0 ? revisions.at(-2) : revisions.find(({ number }) => number === wanted);
  const refused = (why: string): Rollback => ({ is: "refused", why });
  if (found === undefined && wanted !== 0)
    return refused(`unable to find specified revision ${wanted} in history`);
  if (found === undefined)
    return refused(
      isDeployment
        ? `no rollout history found for deployment "${owner.metadata.name}"`
        : "no last revision to roll back to",
    );
  if (isDeployment && owner.spec.paused)
    return refused(
      "cannot rollback a paused deployment; resume it first with 'rollout resume' and try again",
    );
  if (isCurrent(owner, found))
    return { is: "skipped", why: `current template already matches revision ${found.number}` };
  if (!isDeployment)
    return { is: "patch", type: "strategic", patch: (found.keeper as ControllerRevision).data };
  const patch = [
    { op: "replace", path: "/spec/template", value: found.template },
    // "add" takes the place of what is there, and may be the first.
    { op: "add", path: "/metadata/annotations", value: annotationsAfter(owner, found.keeper) },
  ];
  return { is: "patch", type: "json", patch };
}

/** Those of the revision, such as why it was made, and the Deployment's own. */
function annotationsAfter({ metadata }: Rolling, keeper: Revision["keeper"]): Record<string, string> {
  const own = Object.entries(metadata.annotations ?? {}).filter(([name]) => ownAnnotations.has(name));
  const kept = Object.entries(keeper.metadata.annotations ?? {}).filter(
    ([name]) => !ownAnnotations.has(name),
  );
  return Object.fromEntries([...own, ...kept]);
}

function withoutHash(template: PodTemplateSpec): unknown {
  const { labels = {}, ...metadata } = template.metadata ?? {};
  const { [hashLabel]: _, ...rest } = labels;
  return { ...template, metadata: { ...metadata, labels: rest } };
}

import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { canonicalJson, templateHash } from "../template-hash.ts";
import { timeMs } from "../times.ts";
import {
  currentAnnotations,
  revisionAfter,
  revisionOf,
  sizeAnnotations,
  templateHashLabel,
} from "./annotations.ts";
import { fenceposts, isRolling, wantedReplicas } from "./fenceposts.ts";
import { type DeploymentAction, type Generations, replicasOf, sum } from "./plan-types.ts";

/** Tells the ReplicaSet of the current template from the others. Of several with the same template (a collision long
 *  past) the oldest is current. Pure. */
export function generations(deployment: Deployment, replicaSets: readonly ReplicaSet[]): Generations {
  const byAge = [...replicaSets].sort(
    (a, b) =>
      timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  const template = templateKey(deployment.spec.template);
  const current = byAge.find(({ spec }) => spec.template && templateKey(spec.template) === template);
  return { current, old: byAge.filter((replicaSet) => replicaSet !== current) };
}

/** Equal for equal templates, whatever hash label they carry. */
export function templateKey(template: PodTemplateSpec): string {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return canonicalJson({ ...template, metadata: { ...template.metadata, labels } });
}

/** Brings the current ReplicaSet's annotations and the Deployment's revision up to date. */
export function planCurrent(
  deployment: Deployment,
  { current, old }: Generations,
): readonly DeploymentAction[] {
  if (current === undefined) return [];
  const existing = current.metadata.annotations ?? {};
  const annotations = currentAnnotations(deployment, existing, revisionAfter(old));
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const actions: DeploymentAction[] = [];
  if (
    canonicalJson(annotations) !== canonicalJson(existing) ||
    minReadySeconds !== (current.spec.minReadySeconds ?? 0)
  )
    actions.push({ action: "updateReplicaSet", name: current.metadata.name, annotations, minReadySeconds });
  const revision = revisionOf({ metadata: { annotations } });
  if (revision !== revisionOf(deployment)) actions.push({ action: "setRevision", revision });
  return actions;
}

/** The ReplicaSet to make for a template that has none. */
export function planCreation(deployment: Deployment, { old }: Generations): readonly DeploymentAction[] {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const hashLabel = { [templateHashLabel]: hash };
  const revision = revisionAfter(old);
  const labels = { ...template.metadata?.labels, ...hashLabel };
  const object = {
    metadata: {
      name: `${name}-${hash}`,
      namespace: namespace ?? "",
      labels,
      annotations: { ...currentAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: firstReplicas(deployment, old),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, ...hashLabel } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  return [
    { action: "createReplicaSet", object },
    { action: "setRevision", revision },
  ];
}

function firstReplicas(deployment: Deployment, old: readonly ReplicaSet[]): number {
  if (!isRolling(deployment)) return wantedReplicas(deployment);
  return replicasWithinSurge(deployment, 0, sum(old.map(replicasOf)));
}

/** How far a ReplicaSet of `own` replicas may grow when all together want `total`. */
export function replicasWithinSurge(deployment: Deployment, own: number, total: number): number {
  const wanted = wantedReplicas(deployment);
  const room = wanted + fenceposts(deployment).maxSurge - total;
  return room <= 0 ? own : own + Math.max(0, Math.min(room, wanted - own));
}

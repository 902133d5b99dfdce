import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../client/types.ts";
import { OperatorError } from "../command.ts";
import { podSelector } from "./pod-choice.ts";

const revisionAnnotation = "deployment.kubernetes.io/revision";
const causeAnnotation = "kubernetes.io/change-cause";
const hashLabel = "pod-template-hash";

export interface Revision {
  readonly number: number;
  readonly cause: string;
  readonly replicaSet: ReplicaSet;
}

/** What a deployment has run, oldest first. */
export async function revisionsOf(client: RestClient, deployment: Deployment): Promise<readonly Revision[]> {
  const { namespace, uid } = deployment.metadata;
  const labelSelector = podSelector({ ...deployment });
  const { items } = await client.list(resources.replicasets, { namespace, labelSelector });
  return items
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map((replicaSet) => ({
      number: Number(replicaSet.metadata.annotations?.[revisionAnnotation] ?? 0),
      cause: replicaSet.metadata.annotations?.[causeAnnotation] ?? "<none>",
      replicaSet,
    }))
    .sort((a, b) => a.number - b.number);
}

/** The pod template of a revision (0: the one before the current), as a deployment holds it. */
export function templateOf(revisions: readonly Revision[], wanted: number): PodTemplateSpec {
  const found = wanted === 0 ? revisions.at(-2) : revisions.find(({ number }) => number === wanted);
  if (found === undefined)
    throw new OperatorError(
      wanted === 0 ? "no rollout history found" : `unable to find specified revision ${wanted} in history`,
    );
  const template = structuredClone(found.replicaSet.spec.template);
  if (template === undefined) throw new OperatorError(`revision ${found.number} has no template`);
  delete template.metadata?.labels?.[hashLabel];
  return template;
}

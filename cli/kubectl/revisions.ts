import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import {
  controllerRevisions,
  type Revision,
  replicaSetRevisions,
} from "../../client/rules/rollout-revisions.ts";
import type { Deployment, KubeObject, ReplicaSet } from "../../client/types.ts";
import { podSelector } from "./pod-choice.ts";

/** What a deployment has run, oldest first. */
export async function deploymentRevisions(
  client: RestClient,
  deployment: Deployment,
): Promise<readonly Revision<ReplicaSet>[]> {
  const { namespace, uid } = deployment.metadata;
  const labelSelector = podSelector({ ...deployment });
  const { items } = await client.list(resources.replicasets, { namespace, labelSelector });
  return replicaSetRevisions(uid, items);
}

/** What a stateful set or a daemon set has run, oldest first. */
export async function setRevisions(client: RestClient, set: KubeObject): Promise<readonly Revision[]> {
  const { namespace, uid } = set.metadata;
  const labelSelector = podSelector(set);
  const { items } = await client.list(resources.controllerrevisions, { namespace, labelSelector });
  return controllerRevisions(uid, items);
}

import { must } from "../../../base/assert.ts";
import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { isAlreadyExists, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { Deployment, Draft, Pod, ReplicaSet } from "../../../client/types.ts";
import type { WorkQueue } from "../../../client/work-queue.ts";
import { claim, isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { confirmAfterMs } from "../expectations.ts";
import { OwnWrites } from "../own-writes.ts";
import { enqueueOwners, enqueueSelf } from "../owner-events.ts";
import { controllerOf, isControlledBy } from "../owners.ts";
import { revisionAnnotation } from "./annotations.ts";
import { isRolling } from "./fenceposts.ts";
import { planDeployment } from "./plan-deployment.ts";
import { templateKey } from "./plan-new-replica-set.ts";
import { deadlineInMs } from "./plan-status.ts";
import type { DeploymentAction } from "./plan-types.ts";

const family = { owners: resources.deployments, children: resources.replicasets };

export const deploymentController: Controller = {
  name: "deployment-controller",
  workers: 5,
  setUp(context, queue) {
    const deployments = context.informers.informer(resources.deployments);
    const replicaSets = context.informers.informer(resources.replicasets);
    const pods = context.informers.informer(resources.pods);
    enqueueSelf(queue, deployments);
    enqueueOwners(queue, replicaSets, {
      owners: deployments,
      kind: "Deployment",
      group: "apps",
      wouldAdopt: ({ spec }, child) =>
        matchesLabels(selectorFromLabelSelector(spec.selector), child.metadata.labels),
    });
    pods.subscribe({ onDelete: (pod) => enqueueRecreated(queue, replicaSets, deployments, pod) });
    const writes = new OwnWrites(replicaSets, context.clock);
    const ownWrites = new OwnWrites(deployments, context.clock);
    deployments.subscribe({
      onDelete: ({ metadata }) => {
        writes.forget(metadata.uid);
        ownWrites.forget(metadata.uid);
      },
    });
    const parts = { context, replicaSets, pods, writes, ownWrites };
    return async (key) => {
      const deployment = deployments.getByKey(key);
      return deployment === undefined ? undefined : sync(parts, deployment);
    };
  },
};

/** Recreate goes on when the last old pod is gone. */
function enqueueRecreated(
  queue: WorkQueue,
  replicaSets: Informer<ReplicaSet>,
  deployments: Informer<Deployment>,
  pod: Pod,
): void {
  const { namespace } = pod.metadata;
  const above = controllerOf(pod);
  const replicaSet =
    above?.kind === "ReplicaSet" ? replicaSets.get({ name: above.name, namespace }) : undefined;
  const owner = replicaSet === undefined ? undefined : controllerOf(replicaSet);
  const deployment = owner === undefined ? undefined : deployments.get({ name: owner.name, namespace });
  if (deployment !== undefined && !isRolling(deployment)) queue.add(keyOf(deployment));
}

interface Parts {
  readonly context: ControllerContext;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  readonly writes: OwnWrites<ReplicaSet>;
  /** To the Deployments themselves. */
  readonly ownWrites: OwnWrites<Deployment>;
}

async function sync(parts: Parts, deployment: Deployment) {
  const { context, replicaSets, pods, writes } = parts;
  const selector = selectorFromLabelSelector(deployment.spec.selector);
  const own = await claim(context.client, { ...family, informer: replicaSets }, deployment, selector);
  // The event that shows the write brings us back.
  const { uid } = deployment.metadata;
  if (!writes.areShown(uid) || !parts.ownWrites.areShown(uid)) return { requeueAfterMs: confirmAfterMs };
  const nowMs = context.clock.wallMs();
  const podsOfOwn = isRolling(deployment) ? [] : own.flatMap(({ metadata }) => pods.byOwner(metadata.uid));
  const plan = planDeployment({ deployment, replicaSets: own, pods: podsOfOwn, nowMs });
  const newest: Newest = { deployment, replicaSets: new Map(own.map((one) => [one.metadata.name, one])) };
  for (const step of plan) await carryOut(parts, newest, step);
  const status =
    plan.flatMap((step) => (step.action === "updateStatus" ? [step.status] : [])).at(-1) ?? deployment.status;
  return { requeueAfterMs: deadlineInMs(deployment, status ?? {}, nowMs) };
}

/** What was planned on, replaced by the server's answers as the plan is carried out: each write names the version it
 *  goes on from, so that a change by anyone else in between stops it. */
interface Newest {
  deployment: Deployment;
  readonly replicaSets: Map<string, ReplicaSet>;
}

async function carryOut(parts: Parts, newest: Newest, step: DeploymentAction): Promise<void> {
  const { context } = parts;
  const { client } = context;
  const { deployment } = newest;
  switch (step.action) {
    case "createReplicaSet":
      return createReplicaSet(parts, deployment, step.object);
    case "updateReplicaSet": {
      const { annotations, minReadySeconds } = step;
      return patchReplicaSet(parts, newest, step.name, {
        metadata: { annotations },
        spec: { minReadySeconds },
      });
    }
    case "scale": {
      const { name, from, to, annotations } = step;
      await patchReplicaSet(parts, newest, name, { metadata: { annotations }, spec: { replicas: to } });
      if (from !== to) recordScaling(context, deployment, { name, from, to });
      return;
    }
    case "deleteReplicaSet":
      return deleteReplicaSet(context, newest.replicaSets.get(step.name));
    case "setRevision": {
      const body = { metadata: { annotations: { [revisionAnnotation]: String(step.revision) } } };
      newest.deployment = await client.patch(resources.deployments, deployment.metadata, body, {
        type: "merge",
      });
      parts.ownWrites.wrote(deployment.metadata.uid, newest.deployment);
      return;
    }
    case "updateStatus":
      newest.deployment = await client.updateStatus(resources.deployments, {
        ...deployment,
        status: step.status,
      });
      parts.ownWrites.wrote(deployment.metadata.uid, newest.deployment);
  }
}

async function patchReplicaSet(
  { context, writes }: Parts,
  { deployment, replicaSets }: Newest,
  name: string,
  change: { readonly metadata: object; readonly spec: object },
): Promise<void> {
  const { uid, resourceVersion, namespace } = must(replicaSets.get(name), `no ReplicaSet ${name}`).metadata;
  const body = { metadata: { ...change.metadata, uid, resourceVersion }, spec: change.spec };
  const written = await context.client.patch(resources.replicasets, { name, namespace }, body, {
    type: "merge",
  });
  writes.wrote(deployment.metadata.uid, written);
  replicaSets.set(name, written);
}

/** A name that is taken by a ReplicaSet of ours with the same template was made by us and the cache lags; taken by
 *  anything else it is a collision of hashes, and the next hash counts in one more. */
async function createReplicaSet(
  { context, writes }: Parts,
  deployment: Deployment,
  object: Draft<ReplicaSet>,
): Promise<void> {
  const { client, recorder } = context;
  const ref = { name: object.metadata.name ?? "", namespace: object.metadata.namespace };
  try {
    writes.wrote(deployment.metadata.uid, await client.create(resources.replicasets, object));
    recordScaling(context, deployment, { name: ref.name, from: 0, to: object.spec.replicas ?? 0 });
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    if (isAlreadyExists(error)) {
      const holder = await client.get(resources.replicasets, ref);
      const [held, asked] = [holder.spec.template, object.spec.template];
      const same = held !== undefined && asked !== undefined && templateKey(held) === templateKey(asked);
      if (same && isControlledBy(holder, deployment)) return;
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      await client.updateStatus(resources.deployments, {
        ...deployment,
        status: { ...deployment.status, collisionCount },
      });
      throw error;
    }
    const message = error instanceof Error ? error.message : String(error);
    recorder.record(deployment, {
      type: "Warning",
      reason: "ReplicaSetCreateError",
      message: `Failed to create new replica set "${ref.name}": ${message}`,
    });
    throw error;
  }
}

async function deleteReplicaSet(
  { client }: ControllerContext,
  replicaSet: ReplicaSet | undefined,
): Promise<void> {
  if (replicaSet === undefined) return;
  const { uid, resourceVersion } = replicaSet.metadata;
  try {
    await client.delete(resources.replicasets, replicaSet.metadata, {
      preconditions: { uid, resourceVersion },
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function recordScaling(
  { recorder }: ControllerContext,
  deployment: Deployment,
  { name, from, to }: { readonly name: string; readonly from: number; readonly to: number },
): void {
  const direction = to > from ? "up" : "down";
  recorder.record(deployment, {
    type: "Normal",
    reason: "ScalingReplicaSet",
    message: `Scaled ${direction} replica set ${name} from ${from} to ${to}`,
  });
}

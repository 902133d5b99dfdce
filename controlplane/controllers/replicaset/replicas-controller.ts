import { matchesLabels } from "../../../base/label-selector.ts";
import type { Informer } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { Draft, Pod } from "../../../client/types.ts";
import { claim } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { Expectations } from "../expectations.ts";
import { OwnWrites } from "../own-writes.ts";
import { enqueueOwners, enqueueSelf } from "../owner-events.ts";
import { controllerOf, isBeingDeleted } from "../owners.ts";
import { PodControl } from "../pod-control.ts";
import { isActive, nextAvailableInMs } from "../pod-state.ts";
import { podFromTemplate } from "../pod-template.ts";
import { countReplicas, planReplicas, type ReplicaAction, type WantedReplicas } from "./plan-replicas.ts";
import { type Failure, planStatus } from "./plan-status.ts";
import {
  type ReplicaKind,
  type ReplicaOwner,
  replicaSetKind,
  replicationControllerKind,
} from "./replica-kinds.ts";

export const replicaSetController = replicasController(replicaSetKind);
export const replicationControllerController = replicasController(replicationControllerKind);

function replicasController<T extends ReplicaOwner>(kind: ReplicaKind<T>): Controller {
  return {
    name: kind.controller,
    workers: 5,
    setUp(context, queue) {
      const owners = context.informers.informer(kind.resource);
      const pods = context.informers.informer(resources.pods);
      enqueueSelf(queue, owners);
      enqueueOwners(queue, pods, {
        owners,
        kind: kind.resource.kind,
        group: kind.resource.group,
        wouldAdopt: (owner, pod) => matchesLabels(kind.selector(owner), pod.metadata.labels),
      });
      const expectations = new Expectations(context.clock);
      const control = new PodControl({ ...context, pods, expectations });
      const statuses = new OwnWrites(owners, context.clock);
      owners.subscribe({
        onDelete: ({ metadata }) => {
          control.forget(metadata.uid);
          statuses.forget(metadata.uid);
        },
      });
      const parts: Parts<T> = { kind, context, owners, pods, control, statuses };
      return async (key) => {
        const owner = owners.getByKey(key);
        return owner === undefined ? undefined : sync(parts, owner);
      };
    },
  };
}

interface Parts<T extends ReplicaOwner> {
  readonly kind: ReplicaKind<T>;
  readonly context: ControllerContext;
  readonly owners: Informer<T>;
  readonly pods: Informer<Pod>;
  readonly control: PodControl;
  /** The statuses we wrote. */
  readonly statuses: OwnWrites<T>;
}

async function sync<T extends ReplicaOwner>(parts: Parts<T>, owner: T) {
  const { kind, context, control, pods } = parts;
  const want = wanted(kind, owner);
  const settled = await control.isSettled(owner);
  const family = { owners: kind.resource, children: resources.pods, informer: pods };
  const own = await claim(context.client, family, owner, kind.selector(owner));
  const nowMs = context.clock.wallMs();
  const plan = planReplicas(want, { pods: own, siblings: () => siblingPods(parts, owner), settled, nowMs });
  const { failure, error } = await carryOut(parts, owner, plan);
  const status = planStatus(owner.status, countReplicas(want, own, nowMs), {
    generation: owner.metadata.generation ?? 0,
    failure,
    nowMs,
    tellsTerminating: kind.tellsTerminating,
  });
  // Written over a state of before our last status it would only meet a conflict; when the cache shows that one we are
  // called again.
  if (status !== undefined && parts.statuses.areShown(owner.metadata.uid)) {
    const written = await context.client.updateStatus(kind.resource, { ...owner, status } as Draft<T>);
    parts.statuses.wrote(owner.metadata.uid, written);
  }
  if (error !== undefined) throw error;
  const active = own.filter(isActive);
  return {
    requeueAfterMs: settled
      ? nextAvailableInMs(active, want.minReadySeconds, nowMs)
      : control.unsettledMs(owner),
  };
}

function wanted<T extends ReplicaOwner>(kind: ReplicaKind<T>, owner: T): WantedReplicas {
  return {
    replicas: owner.spec.replicas ?? 1,
    minReadySeconds: owner.spec.minReadySeconds ?? 0,
    templateLabels: kind.template(owner).metadata?.labels ?? {},
    beingDeleted: isBeingDeleted(owner),
  };
}

/** The pods of everything under the same controller: of all ReplicaSets of one Deployment. */
function siblingPods<T extends ReplicaOwner>({ owners, pods }: Parts<T>, owner: T): readonly Pod[] {
  const above = controllerOf(owner);
  const family = above === undefined ? [owner] : owners.byOwner(above.uid);
  return family.flatMap(({ metadata }) => pods.byOwner(metadata.uid));
}

async function carryOut<T extends ReplicaOwner>(
  { kind, control }: Parts<T>,
  owner: T,
  plan: readonly ReplicaAction[],
): Promise<{ readonly failure?: Failure; readonly error?: unknown }> {
  for (const step of plan) {
    try {
      if (step.action === "delete") await control.delete(owner, step.pods);
      else
        await control.create(owner, step.count, (name) => podFromTemplate(kind.template(owner), owner, name));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { failure: { doing: step.action, message }, error };
    }
  }
  return {};
}

import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOfRef, type Stored } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../../client/types.ts";
import { claim, isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { enqueueOwners, enqueueSelf } from "../owner-events.ts";
import { isBeingDeleted } from "../owners.ts";
import { nextAvailableInMs } from "../pod-state.ts";
import { revisionTemplate } from "../revision-data.ts";
import { canonicalJson } from "../template-hash.ts";
import { surplusRevisions } from "./plan-set-revisions.ts";
import { planStatefulSet, type SetAction } from "./plan-stateful-set.ts";
import { newestRevision } from "./set-revisions.ts";
import { ordinalOf, revisionLabel } from "./stateful-pod.ts";
import { StatefulPodControl } from "./stateful-pod-control.ts";

export const statefulSetController: Controller = {
  name: "statefulset-controller",
  workers: 2,
  setUp(context, queue) {
    const sets = context.informers.informer(resources.statefulsets);
    const pods = context.informers.informer(resources.pods);
    const revisions = context.informers.informer(resources.controllerrevisions);
    const claims = context.informers.informer(resources.persistentvolumeclaims);
    const selects = ({ spec }: StatefulSet, { metadata }: Stored) =>
      matchesLabels(selectorFromLabelSelector(spec.selector), metadata.labels);
    const family = { owners: sets, kind: "StatefulSet", group: "apps", wouldAdopt: selects };
    enqueueSelf(queue, sets);
    enqueueOwners(queue, pods, {
      ...family,
      wouldAdopt: (set, pod) => ordinalOf(set, pod) !== undefined && selects(set, pod),
    });
    enqueueOwners(queue, revisions, family);
    const parts = { context, pods, revisions, claims };
    return async (key) => {
      const set = sets.getByKey(key);
      return set === undefined ? undefined : sync(parts, set);
    };
  },
};

interface Parts {
  readonly context: ControllerContext;
  readonly pods: Informer<Pod>;
  readonly revisions: Informer<ControllerRevision>;
  readonly claims: Informer<PersistentVolumeClaim>;
}

async function sync(parts: Parts, set: StatefulSet) {
  const { context } = parts;
  const { client } = context;
  if (isBeingDeleted(set)) return undefined;
  const selector = selectorFromLabelSelector(set.spec.selector);
  const owners = resources.statefulsets;
  const history = await claim(
    client,
    { owners, children: resources.controllerrevisions, informer: parts.revisions },
    set,
    selector,
  );
  const isOurs = (pod: Pod) => ordinalOf(set, pod) !== undefined;
  const family = { owners, children: resources.pods, informer: parts.pods, isOurs };
  const pods = await claim(client, family, set, selector);
  const newest = await newestRevision(client, set, history);
  if (newest === undefined) return undefined;
  const { update, collisionCount } = newest;
  const current = history.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  const nowMs = context.clock.wallMs();
  const namespace = set.metadata.namespace ?? "";
  const claimOf = (name: string) => parts.claims.getByKey(keyOfRef({ name, namespace }));
  const { actions, status } = planStatefulSet({
    set,
    current: revisionOf(current),
    update: revisionOf(update),
    collisionCount,
    pods,
    claim: claimOf,
    nowMs,
  });
  const failure = await carryOut(new StatefulPodControl(context, set, claimOf), actions);
  if (canonicalJson(status) !== canonicalJson(set.status ?? {}))
    await client.updateStatus(resources.statefulsets, { ...set, status });
  const live = new Set([
    current.metadata.name,
    update.metadata.name,
    ...pods.map(({ metadata }) => metadata.labels?.[revisionLabel] ?? ""),
  ]);
  for (const { metadata } of surplusRevisions(set, history, live)) await forget(client, metadata);
  if (failure !== undefined) throw failure.error;
  return { requeueAfterMs: nextAvailableInMs(pods, set.spec.minReadySeconds ?? 0, nowMs) };
}

const revisionOf = (revision: ControllerRevision) => ({
  name: revision.metadata.name,
  template: revisionTemplate(revision),
});

/** One after the other, up to the first that is refused: what follows rests on it. */
async function carryOut(
  control: StatefulPodControl,
  actions: readonly SetAction[],
): Promise<{ readonly error: unknown } | undefined> {
  for (const action of actions) {
    try {
      await control.carryOut(action);
    } catch (error) {
      return isNamespaceTerminating(error) ? undefined : { error };
    }
  }
  return undefined;
}

async function forget(
  client: ControllerContext["client"],
  { name, namespace = "" }: ControllerRevision["metadata"],
): Promise<void> {
  try {
    await client.delete(resources.controllerrevisions, { name, namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

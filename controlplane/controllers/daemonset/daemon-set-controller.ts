import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { isAlreadyExists, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf, type Stored } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../../client/types.ts";
import { claim, isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { Expectations } from "../expectations.ts";
import { enqueueOwners, enqueueSelf } from "../owner-events.ts";
import { isBeingDeleted } from "../owners.ts";
import { PodControl } from "../pod-control.ts";
import { isFinished, nextAvailableInMs } from "../pod-state.ts";
import { keepsFor } from "../revision-data.ts";
import { canonicalJson } from "../template-hash.ts";
import { daemonPod, revisionLabel } from "./daemon-pod.ts";
import { countDaemonStatus, type DaemonObserved, endedPodAgeMs, planDaemonSet } from "./plan-daemon-set.ts";
import { planRevisions, type RevisionAction } from "./plan-revisions.ts";

export const daemonSetController: Controller = {
  name: "daemonset-controller",
  workers: 2,
  setUp(context, queue) {
    const daemonSets = context.informers.informer(resources.daemonsets);
    const pods = context.informers.informer(resources.pods);
    const nodes = context.informers.informer(resources.nodes);
    const revisions = context.informers.informer(resources.controllerrevisions);
    const wouldAdopt = ({ spec }: DaemonSet, { metadata }: Stored) =>
      matchesLabels(selectorFromLabelSelector(spec.selector), metadata.labels);
    const family = { owners: daemonSets, kind: "DaemonSet", group: "apps", wouldAdopt };
    enqueueSelf(queue, daemonSets);
    enqueueOwners(queue, pods, family);
    // A revision that comes is this controller's own, or says nothing that the template does not.
    enqueueOwners(queue, revisions, { ...family, heedsNew: false });
    const all = () => {
      for (const daemonSet of daemonSets.list()) queue.add(keyOf(daemonSet));
    };
    nodes.subscribe({
      onAdd: all,
      onDelete: all,
      onUpdate: (next, previous) => {
        if (placement(next) !== placement(previous)) all();
      },
    });
    const expectations = new Expectations(context.clock);
    const control = new PodControl({ ...context, pods, expectations });
    daemonSets.subscribe({ onDelete: ({ metadata }) => control.forget(metadata.uid) });
    const parts = { context, pods, nodes, revisions, control };
    return async (key) => {
      const daemonSet = daemonSets.getByKey(key);
      return daemonSet === undefined ? undefined : sync(parts, daemonSet);
    };
  },
};

/** What of a node decides whether a pod may be there. */
function placement({ metadata, spec }: Node): string {
  return canonicalJson([metadata.labels, spec?.taints, spec?.unschedulable]);
}

interface Parts {
  readonly context: ControllerContext;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly revisions: Informer<ControllerRevision>;
  readonly control: PodControl;
}

async function sync(parts: Parts, daemonSet: DaemonSet) {
  const { context, control, nodes } = parts;
  const { client } = context;
  if (isBeingDeleted(daemonSet)) return undefined;
  const settled = await control.isSettled(daemonSet);
  const selector = selectorFromLabelSelector(daemonSet.spec.selector);
  const owners = resources.daemonsets;
  const family = { owners, children: resources.pods, informer: parts.pods };
  const claimed = await claim(client, family, daemonSet, selector);
  const history = await claim(
    client,
    { owners, children: resources.controllerrevisions, informer: parts.revisions },
    daemonSet,
    selector,
  );
  const { hash, actions, pods: own } = planRevisions(daemonSet, history, claimed);
  for (const step of actions) await writeRevision(context, daemonSet, step);
  const nowMs = context.clock.wallMs();
  const observed: DaemonObserved = { daemonSet, nodes: nodes.list(), pods: own, hash, nowMs };
  let failure: unknown;
  if (settled) {
    try {
      await place(parts, observed);
    } catch (error) {
      failure = error;
    }
  }
  const status = countDaemonStatus(observed);
  if (canonicalJson(status) !== canonicalJson(daemonSet.status ?? {}))
    await client.updateStatus(resources.daemonsets, { ...daemonSet, status });
  if (failure !== undefined) throw failure;
  const soonMs = own.some(isFinished)
    ? endedPodAgeMs
    : nextAvailableInMs(own, daemonSet.spec.minReadySeconds ?? 0, nowMs);
  return { requeueAfterMs: settled ? soonMs : control.unsettledMs(daemonSet) };
}

async function place({ context, control }: Parts, observed: DaemonObserved): Promise<void> {
  const { daemonSet, hash } = observed;
  const plan = planDaemonSet(observed);
  for (const pod of plan.ended) {
    const failed = pod.status?.phase === "Failed";
    context.recorder.record(daemonSet, {
      type: failed ? "Warning" : "Normal",
      reason: failed ? "FailedDaemonPod" : "SucceededDaemonPod",
      message: `Found ${failed ? "failed" : "succeeded"} daemon pod ${keyOf(pod)} on node ${pod.spec.nodeName}, will try to ${failed ? "kill" : "delete"} it`,
    });
  }
  await control.delete(daemonSet, plan.remove);
  await control.create(daemonSet, plan.create.length, (name, index) =>
    daemonPod(daemonSet, plan.create[index] ?? "", name, hash),
  );
}

async function writeRevision(
  { client }: ControllerContext,
  daemonSet: DaemonSet,
  step: RevisionAction,
): Promise<void> {
  const namespace = daemonSet.metadata.namespace ?? "";
  switch (step.action) {
    case "create":
      return createRevision(client, daemonSet, step.object);
    case "renumber": {
      const { name, revision } = step;
      await client.patch(resources.controllerrevisions, { name, namespace }, { revision }, { type: "merge" });
      return;
    }
    case "relabel": {
      const change = { metadata: { labels: { [revisionLabel]: step.hash } } };
      return unlessGone(
        client.patch(resources.pods, { name: step.pod, namespace }, change, { type: "merge" }),
      );
    }
    case "delete":
      return unlessGone(client.delete(resources.controllerrevisions, { name: step.name, namespace }));
  }
}

async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** A name taken by our own revision of the same template, or by nobody's, means that the cache lags; by anything else, that
 *  two templates have the same hash, and the next one counts in a collision more. */
async function createRevision(
  client: ControllerContext["client"],
  daemonSet: DaemonSet,
  object: Parameters<typeof client.create<ControllerRevision>>[1],
): Promise<void> {
  try {
    await client.create(resources.controllerrevisions, object);
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    if (!isAlreadyExists(error)) throw error;
    const ref = { name: object.metadata.name ?? "", namespace: object.metadata.namespace };
    const holder = await client.get(resources.controllerrevisions, ref);
    if (keepsFor(holder, daemonSet, object.data)) return;
    const status = countless(daemonSet);
    await client.updateStatus(resources.daemonsets, {
      ...daemonSet,
      status: { ...status, collisionCount: (status.collisionCount ?? 0) + 1 },
    });
    throw error;
  }
}

function countless({ status }: DaemonSet): NonNullable<DaemonSet["status"]> {
  return (
    status ?? { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }
  );
}

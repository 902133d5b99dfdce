import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { Job, Pod } from "../../../client/types.ts";
import { claim } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { Expectations } from "../expectations.ts";
import { enqueueOwners, enqueueSelf } from "../owner-events.ts";
import { controllerOf } from "../owners.ts";
import { PodControl } from "../pod-control.ts";
import { slowStart } from "../slow-start.ts";
import { canonicalJson } from "../template-hash.ts";
import { jobPod } from "./job-pod.ts";
import { isIndexed, isTracked, trackingFinalizer } from "./job-types.ts";
import { isOrphan, orphanKey, orphanOf } from "./orphans.ts";
import { planJob } from "./plan-job.ts";
import { deadlineInMs, isOver } from "./plan-outcome.ts";

export const jobController: Controller = {
  name: "job-controller",
  workers: 5,
  setUp(context, queue) {
    const jobs = context.informers.informer(resources.jobs);
    const pods = context.informers.informer(resources.pods);
    enqueueSelf(queue, jobs);
    enqueueOwners(queue, pods, {
      owners: jobs,
      kind: "Job",
      group: "batch",
      wouldAdopt: ({ spec }, pod) =>
        matchesLabels(selectorFromLabelSelector(spec.selector), pod.metadata.labels),
    });
    pods.addIndex(jobIndex, jobKeyOf);
    const onOrphan = (pod: Pod) => {
      if (isOrphan(pod)) queue.add(orphanKey(pod));
    };
    pods.subscribe({ onAdd: onOrphan, onUpdate: onOrphan });
    const control = new PodControl({ ...context, pods, expectations: new Expectations(context.clock) });
    jobs.subscribe({ onDelete: ({ metadata }) => control.forget(metadata.uid) });
    const parts = { context, pods, control };
    return async (key) => {
      const orphan = orphanOf(key);
      if (orphan !== undefined) return freeOrphan(parts, pods.getByKey(orphan));
      const job = jobs.getByKey(key);
      if (job !== undefined && isManagedElsewhere(job)) return undefined;
      await freeLeftovers(parts, key, job?.metadata.uid);
      return job === undefined ? undefined : sync(parts, job);
    };
  },
};

/** Another controller runs the Job (managedBy): we touch neither it nor its pods. */
const isManagedElsewhere = ({ spec }: Job) =>
  spec.managedBy !== undefined && spec.managedBy !== "kubernetes.io/job-controller";

const jobIndex = "job";
const jobKeyOf = (pod: Pod): readonly string[] => {
  const owner = controllerOf(pod);
  return owner?.kind === "Job" ? [`${pod.metadata.namespace}/${owner.name}`] : [];
};

interface Parts {
  readonly context: ControllerContext;
  readonly pods: Informer<Pod>;
  readonly control: PodControl;
}

async function sync(parts: Parts, job: Job) {
  const { context, control, pods } = parts;
  const { client, recorder, clock } = context;
  const settled = await control.isSettled(job);
  const selector = selectorFromLabelSelector(job.spec.selector);
  const kinds = { owners: resources.jobs, children: resources.pods };
  const family = { ...kinds, informer: pods, finalizer: trackingFinalizer };
  const own = isOver(job)
    ? pods.byOwner(job.metadata.uid).filter((pod) => controllerOf(pod)?.uid === job.metadata.uid)
    : await claim(client, family, job, selector);
  const nowMs = clock.wallMs();
  const plan = planJob(job, own, { settled, nowMs });
  if (canonicalJson(plan.status) !== canonicalJson(job.status ?? {}))
    await client.updateStatus(resources.jobs, { ...job, status: plan.status });
  for (const event of plan.events) recorder.record(job, event);
  await all(plan.untrack, (pod) => untrack(context, pod));
  await all(plan.drop, (pod) => untrack(context, pod, { changed: "fails" }));
  await control.delete(job, [...plan.drop, ...plan.remove]);
  await control.create(
    job,
    plan.create,
    (name, at) => {
      const index = plan.indexes[at];
      return jobPod(job, name, {
        index,
        failures: index === undefined ? undefined : plan.failures.get(index),
      });
    },
    (index) => (isIndexed(job) ? `${job.metadata.name}-${plan.indexes[index]}-` : `${job.metadata.name}-`),
  );
  const waits = [
    settled ? undefined : control.unsettledMs(job),
    plan.waitMs,
    isOver(job) ? undefined : deadlineInMs({ ...job, status: plan.status }, nowMs),
  ].filter((wait): wait is number => wait !== undefined);
  return { requeueAfterMs: waits.length === 0 ? undefined : Math.max(100, Math.min(...waits)) };
}

/** Pods of a Job of this name that is gone: nobody counts them any more, so nothing may hold them. */
async function freeLeftovers({ context, pods }: Parts, key: string, uid: string | undefined): Promise<void> {
  const left = pods.byIndex(jobIndex, key).filter((pod) => controllerOf(pod)?.uid !== uid && isTracked(pod));
  await all(left, (pod) => untrack(context, pod));
}

/** A pod that no Job counts any more, or never did, may have been deleted already: nobody else would let it go. */
async function freeOrphan({ context }: Parts, pod: Pod | undefined): Promise<undefined> {
  if (pod !== undefined && isOrphan(pod)) await untrack(context, pod);
}

/** Takes the finalizer off. A pod that changed in between is looked at again when
 *  its event comes; one that is to be deleted next must not be deleted with it. */
async function untrack(
  { client }: ControllerContext,
  pod: Pod,
  options: { readonly changed: "fails" | "waits" } = { changed: "waits" },
): Promise<void> {
  if (!isTracked(pod)) return;
  const { uid, resourceVersion } = pod.metadata;
  const finalizers = (pod.metadata.finalizers ?? []).filter((one) => one !== trackingFinalizer);
  try {
    const body = { metadata: { uid, resourceVersion, finalizers } };
    await client.patch(resources.pods, pod.metadata, body, { type: "merge" });
  } catch (error) {
    if (isNotFound(error) || (isConflict(error) && options.changed === "waits")) return;
    throw error;
  }
}

async function all(pods: readonly Pod[], act: (pod: Pod) => Promise<void>): Promise<void> {
  const { error } = await slowStart(pods.length, async (index) => {
    const pod = pods[index];
    if (pod !== undefined) await act(pod);
  });
  if (error !== undefined) throw error;
}

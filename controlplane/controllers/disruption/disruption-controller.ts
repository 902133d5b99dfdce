import { goSelectorText, matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { Pod, PodDisruptionBudget } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { enqueueSelf } from "../owner-events.ts";
import { canonicalJson } from "../template-hash.ts";
import { expectedScale, type Workloads } from "./expected-scale.ts";
import { failedStatus, needsScale, planBudget } from "./plan-budget.ts";

export const disruptionController: Controller = {
  name: "disruption-controller",
  workers: 1,
  setUp(context, queue) {
    const { informers } = context;
    const budgets = informers.informer(resources.poddisruptionbudgets);
    const pods = informers.informer(resources.pods);
    const workloads = {
      deployments: informers.informer(resources.deployments),
      replicaSets: informers.informer(resources.replicasets),
      replicationControllers: informers.informer(resources.replicationcontrollers),
      statefulSets: informers.informer(resources.statefulsets),
    };
    enqueueSelf(queue, budgets);
    const ofPod = (pod: Pod) => {
      for (const budget of budgets.byNamespace(pod.metadata.namespace ?? ""))
        if (selects(budget, pod)) queue.add(keyOf(budget));
    };
    pods.subscribe({
      onAdd: ofPod,
      onDelete: ofPod,
      onUpdate: (next, previous) => {
        ofPod(next);
        ofPod(previous);
      },
    });
    const parts = { context, pods, workloads };
    return async (key) => {
      const budget = budgets.getByKey(key);
      return budget === undefined ? undefined : sync(parts, budget);
    };
  },
};

const selects = ({ spec }: PodDisruptionBudget, { metadata }: Pod) =>
  spec.selector !== undefined && matchesLabels(selectorFromLabelSelector(spec.selector), metadata.labels);

interface Parts {
  readonly context: ControllerContext;
  readonly pods: Informer<Pod>;
  readonly workloads: Workloads;
}

async function sync({ context, pods: informer, workloads }: Parts, budget: PodDisruptionBudget) {
  const { recorder, clock } = context;
  const pods = informer.byNamespace(budget.metadata.namespace ?? "").filter((pod) => selects(budget, pod));
  if (pods.length === 0)
    recorder.record(budget, { type: "Normal", reason: "NoPods", message: "No matching pods found" });
  const scale = needsScale(budget) ? expectedScale(pods, workloads) : undefined;
  const nowMs = clock.wallMs();
  if (scale?.ok === false) {
    const message = `Failed to calculate the number of expected pods: ${scale.why}`;
    recorder.record(budget, { type: "Warning", reason: "CalculateExpectedPodCountFailed", message });
    await writeStatus(context, budget, failedStatus(budget, scale.why, nowMs));
    return undefined;
  }
  if (scale !== undefined && scale.unmanaged.length > 0)
    recorder.record(budget, { type: "Warning", reason: "UnmanagedPods", message: unmanagedText(budget) });
  const plan = planBudget({ budget, pods, scale: scale?.count, nowMs });
  for (const pod of plan.notDeleted) {
    const { namespace, name } = budget.metadata;
    const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
    recorder.record(pod, { type: "Warning", reason: "NotDeleted", message });
  }
  await writeStatus(context, budget, plan.status);
  return plan.recheckInMs === undefined ? undefined : { requeueAfterMs: plan.recheckInMs + 1 };
}

const unmanagedText = ({ spec }: PodDisruptionBudget) =>
  `Pods selected by this PodDisruptionBudget (selector: ${goSelectorText(spec.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;

/** Names the version that was counted from: an eviction that was allowed meanwhile is never lost. */
async function writeStatus(
  { client }: ControllerContext,
  budget: PodDisruptionBudget,
  status: NonNullable<PodDisruptionBudget["status"]>,
): Promise<void> {
  if (canonicalJson(status) === canonicalJson(budget.status ?? {})) return;
  try {
    await client.updateStatus(resources.poddisruptionbudgets, { ...budget, status });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import {
  type BudgetStatus,
  disruptionCondition,
  disruptionConditions,
} from "../../../client/rules/disruption-allowed.ts";
import type { KubeObject, Pod, PodDisruptionBudget } from "../../../client/types.ts";
import type { Requester } from "../admission/admission.ts";
import { forbidden, tooManyRequests, unknownError } from "../api-error.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { serverRequester } from "../registry/registry-deps.ts";
import { decodeStored, listPrefix } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";
import type { HandlerDeps } from "./call.ts";

const budgets = { group: "policy", plural: "poddisruptionbudgets" };
/** Evictions that nobody saw happen yet. */
const disruptedPodsMax = 2000;

/** How an eviction may go on. */
export interface Leave {
  /** The pod must still be as it was found, for what was found is why it may go. */
  readonly onlyAsFound: boolean;
  /** What to say where it is not. */
  readonly refusal?: Error;
}

/** Takes the eviction off the budget that holds for the pod, if there is one. Fails with 429 where it allows none. */
export async function spendBudget(
  deps: HandlerDeps,
  pod: Pod,
  { dryRun, claim }: { readonly dryRun: boolean; readonly claim: Requester["claim"] },
): Promise<Leave> {
  const { namespace = "", name } = pod.metadata;
  const kind = deps.kinds.named(budgets.group, budgets.plural)?.kind;
  if (kind === undefined) return { onlyAsFound: false };
  // From the store: a budget that was just made holds.
  const { entries } = await deps.storage.list(listPrefix(kind, namespace));
  const all = entries.map(
    ({ value, modRevision }) => decodeStored(kind, value, modRevision) as PodDisruptionBudget,
  );
  const found = all.filter(
    ({ spec }) =>
      spec.selector !== undefined &&
      matchesLabels(selectorFromLabelSelector(spec.selector), pod.metadata.labels),
  );
  const [budget, second] = found;
  if (budget === undefined) return { onlyAsFound: false };
  if (second !== undefined)
    throw unknownError(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  if (!isReady(pod) && mayGoUnready(budget))
    return { onlyAsFound: true, refusal: stillProcessed(budget.metadata.name) };
  const now = rfc3339(deps.clock.wallMs());
  const spend = (current: KubeObject) => {
    const next = current as PodDisruptionBudget;
    next.status = spent(next, name, now);
    return next;
  };
  const address = { namespace, name: budget.metadata.name };
  const by = { ...serverRequester, ...(claim && { claim }) };
  const how = { dryRun, via: "status", by, record: deps.recordOwn } as const;
  await updateObject(deps, kind, address, spend, how);
  return { onlyAsFound: false };
}

const isReady = ({ status }: Pod) =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;

/** A pod that is not ready does not count for the budget: it may go where the others are enough, or always. */
function mayGoUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

const violated = "Cannot evict pod as it would violate the pod's disruption budget.";
const refused = (why: string, retryAfterSeconds: number) =>
  tooManyRequests(violated, retryAfterSeconds, [{ reason: "DisruptionBudget", message: why }]);
const stillProcessed = (name: string) =>
  refused(`The disruption budget ${name} is still being processed by the server.`, 10);

/** The status with one disruption less. Fails where there is none left. */
export function spent({ metadata, status }: PodDisruptionBudget, pod: string, now: string): BudgetStatus {
  const { name, generation = 0 } = metadata;
  if (status === undefined || (status.observedGeneration ?? 0) < generation) throw stillProcessed(name);
  const { disruptionsAllowed = 0, disruptedPods = {} } = status;
  const about = { group: "policy", plural: "poddisruptionbudget" };
  if (disruptionsAllowed < 0) throw forbidden(about, name, "pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > disruptedPodsMax)
    throw forbidden(
      about,
      name,
      "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
    );
  if (disruptionsAllowed === 0) throw refused(whyNone(name, status), 0);
  const next = {
    ...status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [pod]: now },
  };
  return next.disruptionsAllowed > 0 ? next : { ...next, conditions: [...disruptionConditions(next, now)] };
}

function whyNone(name: string, status: BudgetStatus): string {
  const { status: value, reason, message = "" } = disruptionCondition(status) ?? {};
  const explained = value === "False" && message !== "";
  const budget = `The disruption budget ${name}`;
  if (explained && reason === "SyncFailed")
    return `${budget} does not allow evicting pods currently because it failed sync: ${message}`;
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  if (currentHealthy <= desiredHealthy)
    return `${budget} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  const rest = explained ? ` (${reason}): ${message}` : "";
  return `${budget} does not allow evicting pods currently${rest}`;
}

import type { PodDisruptionBudget } from "../../../client/types.ts";
import type { NodeRefusal } from "../cycle/filter-run.ts";
import { count } from "../cycle/fit-error.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import { recalled } from "../cycle/node-memory.ts";
import type { Candidate, FailedAttempt, Trial } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { byBudgets } from "./budgets.ts";

/** Tries on each node in question, beginning anywhere, which pods would have to leave, until there are enough candidates
 *  of which one violates no budget. Nothing is changed: what is tried is undone. Pure. */
export function dryRun(
  attempt: FailedAttempt,
  budgets: readonly PodDisruptionBudget[],
  wanted: number,
): { readonly candidates: readonly Candidate[]; readonly reasons: ReadonlyMap<string, number> } {
  const { potential } = attempt;
  const harmless: Candidate[] = [];
  const violating: Candidate[] = [];
  const reasons = new Map<string, number>();
  const offset = attempt.below(potential.length);
  const tried = trier(attempt, budgets);
  for (let at = 0; at < potential.length; at++) {
    const node = potential[(offset + at) % potential.length] as NodeInfo;
    const found = tried(node);
    if ("reasons" in found) {
      for (const reason of found.reasons) count(reasons, reason);
      continue;
    }
    const list = found.violations === 0 ? harmless : violating;
    if (list.length < wanted) list.push(found);
    if (harmless.length > 0 && harmless.length + violating.length >= wanted) break;
  }
  return { candidates: [...harmless, ...violating], reasons };
}

/** Tries a node. Where nothing but the node and the pods on it counts, neither budgets nor pods that were promised it, a node that
 *  did not change is not tried again for pods that ask the same with the same priority. */
function trier(attempt: FailedAttempt, budgets: readonly PodDisruptionBudget[]): (node: NodeInfo) => Trial {
  const { pod, snapshot, filters } = attempt;
  const anew = (node: NodeInfo) => victimsOn(node, attempt, budgets);
  if (filters.question === undefined || budgets.length > 0) return anew;
  const kept = snapshot.trials.question(`${pod.priority} ${filters.question}`);
  return (node) => (snapshot.nominatedOn(node.name).length > 0 ? anew(node) : recalled(kept, node, anew));
}

const noVictims = { reasons: ["No preemption victims found for incoming pod"] };

/** Takes all less important pods off the node; if the pod then fits, puts back as many as can stay: first those whose
 *  leaving breaks a budget, the most important first. */
function victimsOn(
  original: NodeInfo,
  { pod, filters }: FailedAttempt,
  budgets: readonly PodDisruptionBudget[],
): Trial {
  const lower = [...original.pods.values()].filter(({ priority }) => priority < pod.priority);
  if (lower.length === 0) return noVictims;
  const node = original.clone();
  const off = new Set<PodInfo>();
  const remove = (victim: PodInfo) => {
    node.remove(victim.key);
    filters.remove(victim, node);
    off.add(victim);
  };
  const putBack = (victim: PodInfo) => {
    node.add(victim);
    filters.add(victim, node);
    off.delete(victim);
  };
  for (const victim of lower) remove(victim);
  const refusal: NodeRefusal | undefined = filters.judge(node);
  if (refusal !== undefined) {
    for (const victim of lower) filters.add(victim, node);
    return { reasons: refusal.reasons };
  }
  const { violating, others } = byBudgets(lower.sort(moreImportant), budgets);
  const victims: PodInfo[] = [];
  let violations = 0;
  for (const list of [violating, others])
    for (const victim of list) {
      putBack(victim);
      if (filters.judge(node) === undefined) continue;
      remove(victim);
      victims.push(victim);
      if (list === violating) violations++;
    }
  // The copy of the node is done with; what the filters count is not.
  for (const victim of off) filters.add(victim, node);
  if (victims.length === 0)
    return { reasons: [`expected at least one victim pod on node ${JSON.stringify(node.name)}`] };
  return { node: node.name, victims: victims.sort(moreImportant), violations };
}

/** Of higher priority, or longer there. Pods that have not started count as starting now. */
export function moreImportant(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.startedAt === b.startedAt) return 0;
  if (a.startedAt === undefined) return 1;
  if (b.startedAt === undefined) return -1;
  return a.startedAt < b.startedAt ? -1 : 1;
}

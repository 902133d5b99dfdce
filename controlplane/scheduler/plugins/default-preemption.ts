import type { PodDisruptionBudget } from "../../../client/types.ts";
import { fitErrorText } from "../cycle/fit-error.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { FailedAttempt, Rescue } from "../cycle/plugin.ts";
import { bestCandidate } from "../preemption/best-candidate.ts";
import { dryRun } from "../preemption/dry-run.ts";
import { isBeingPreempted } from "../preemption/eligible.ts";

export interface DefaultPreemptionArgs {
  /** How many candidates are looked for, in percent of the nodes in question. */
  readonly minCandidateNodesPercentage: number;
  /** At least so many. */
  readonly minCandidateNodesAbsolute: number;
}

/** Less important pods make room for a more important one that fits nowhere. */
export const defaultPreemption: PluginFactory = (given, handle) => ({
  name: "DefaultPreemption",
  postFilter: (attempt) => {
    const answer = preempt(attempt, given as DefaultPreemptionArgs, handle.budgets);
    return answer.outcome === "none" ? { ...answer, message: `preemption: ${answer.message}` } : answer;
  },
});

function preempt(
  attempt: FailedAttempt,
  args: DefaultPreemptionArgs,
  budgets: () => readonly PodDisruptionBudget[],
): Rescue {
  const { pod, snapshot, potential } = attempt;
  if (pod.pod.spec.preemptionPolicy === "Never")
    return { outcome: "none", message: "not eligible due to preemptionPolicy=Never.", keepsNomination: true };
  if (waitsForVictims(attempt))
    return {
      outcome: "none",
      message: "not eligible due to a terminating pod on the nominated node.",
      keepsNomination: true,
    };
  const wanted = candidatesWanted(potential.length, args);
  const found =
    potential.length === 0
      ? { candidates: [], reasons: new Map<string, number>() }
      : dryRun(attempt, budgets(), wanted);
  const best = bestCandidate(found.candidates);
  if (best !== undefined) return { outcome: "nominated", ...best, candidates: found.candidates };
  const reasons = new Map(found.reasons);
  const unasked = snapshot.nodes.length - potential.length;
  if (unasked > 0) reasons.set(notHelpful, (reasons.get(notHelpful) ?? 0) + unasked);
  const message = fitErrorText({ nodes: snapshot.nodes.length, reasons, plugins: new Set() });
  return { outcome: "none", message, keepsNomination: false };
}

const notHelpful = "Preemption is not helpful for scheduling";

/** Those of a node that was promised before are still on their way out. */
function waitsForVictims({ pod, snapshot, refusalOf }: FailedAttempt): boolean {
  const name = pod.pod.status?.nominatedNodeName;
  if (name === undefined || name === "" || refusalOf(name)?.lasting) return false;
  for (const other of snapshot.node(name)?.pods.values() ?? [])
    if (other.priority < pod.priority && isBeingPreempted(other.pod)) return true;
  return false;
}

function candidatesWanted(
  nodes: number,
  { minCandidateNodesPercentage, minCandidateNodesAbsolute }: DefaultPreemptionArgs,
): number {
  const share = Math.trunc((nodes * minCandidateNodesPercentage) / 100);
  return Math.min(Math.max(share, minCandidateNodesAbsolute), nodes);
}

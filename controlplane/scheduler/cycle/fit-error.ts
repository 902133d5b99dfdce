/** Why a pod fits no node, in kube-scheduler's words: people and tools read them. */
export interface FitError {
  readonly nodes: number;
  /** What kept the pod from every node before one was looked at. */
  readonly nowhere?: string;
  /** How many nodes gave each reason. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Nodes for which removing other pods cannot help. */
  readonly lasting: number;
  /** Nodes that run pods of lower priority, which this scheduler does not yet push aside. */
  readonly withLowerPriority: number;
  /** The plugins that refused. */
  readonly plugins: ReadonlySet<string>;
}

/** Such as `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}. preemption: …`. */
export function fitErrorText(error: FitError): string {
  if (error.nodes === 0) return "no nodes available to schedule pods";
  const none = `0/${error.nodes} nodes are available:`;
  const why = error.nowhere ?? histogram(error.reasons);
  return `${none} ${why}. preemption: ${none} ${histogram(preemption(error))}.`;
}

function preemption(error: FitError): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const rest = error.nodes - error.lasting - error.withLowerPriority;
  if (error.lasting > 0) counts.set("Preemption is not helpful for scheduling", error.lasting);
  if (error.withLowerPriority > 0)
    counts.set("Preemption is not supported by this scheduler", error.withLowerPriority);
  if (rest > 0) counts.set("No preemption victims found for incoming pod", rest);
  return counts;
}

function histogram(reasons: ReadonlyMap<string, number>): string {
  return [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

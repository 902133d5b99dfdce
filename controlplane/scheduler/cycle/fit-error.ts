/** Why a pod fits no node, in kube-scheduler's words: people and tools read them. */
export interface FitError {
  readonly nodes: number;
  /** What kept the pod from every node, whichever. */
  readonly nowhere?: string;
  /** How many nodes gave each reason. */
  readonly reasons: ReadonlyMap<string, number>;
  /** The plugins that refused. */
  readonly plugins: ReadonlySet<string>;
  /** What came of making room. */
  readonly rescue?: string;
}

/** Such as `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). preemption: …`. */
export function fitErrorText({ nodes, nowhere, reasons, rescue }: FitError): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  const why = nowhere ?? histogram(reasons);
  const text = `0/${nodes} nodes are available:${why === "" ? "" : ` ${why}.`}`;
  return rescue === undefined || rescue === "" ? text : `${text} ${rescue}`;
}

function histogram(reasons: ReadonlyMap<string, number>): string {
  return [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

/** Counts reasons. */
export function count(reasons: Map<string, number>, reason: string, by = 1): void {
  reasons.set(reason, (reasons.get(reason) ?? 0) + by);
}

import { below, type Random } from "../../../base/os/random.ts";
import type { FitError } from "./fit-error.ts";
import type { NodeInfo } from "./node-info.ts";
import type { Plugin, Prepared, Refusal, Snapshot } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";

export type Decision =
  | {
      readonly outcome: "placed";
      readonly node: string;
      readonly feasible: number;
      readonly examined: number;
    }
  | { readonly outcome: "unschedulable"; readonly error: FitError };

export interface CycleOptions {
  /** The share of nodes after which the search for feasible ones may end, in percent; 0 lets the size decide. */
  readonly percentageOfNodesToScore: number;
  /** Where in the list of nodes to begin, so that all get their turn. */
  readonly startAt: number;
}

/** As in Kubernetes: never fewer than this many nodes, nor less than this share, are looked for. */
const feasibleLeast = 100;
const percentageLeast = 5;

interface Ready {
  readonly plugin: Plugin;
  readonly prepared: Prepared;
}

/** Decides where a pod goes: filters nodes, scores those that remain, takes the best (of equals any). Pure. */
export function schedule(
  pod: PodInfo,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  options: CycleOptions,
  random: Random,
): Decision {
  const ready: Ready[] = [];
  for (const plugin of plugins) {
    const prepared = plugin.prepare(pod, snapshot);
    if (prepared?.nowhere !== undefined)
      return { outcome: "unschedulable", error: nowhere(prepared.nowhere, plugin, snapshot) };
    if (prepared !== undefined) ready.push({ plugin, prepared });
  }
  const found = filterNodes(pod, snapshot, ready, options);
  if (found.feasible.length === 0) return { outcome: "unschedulable", error: found.error };
  const node = best(found.feasible, ready, random);
  return { outcome: "placed", node: node.name, feasible: found.feasible.length, examined: found.examined };
}

function nowhere(why: string, { name }: Plugin, { nodes }: Snapshot): FitError {
  const counts = { reasons: new Map(), withLowerPriority: 0, plugins: new Set([name]) };
  return { nodes: nodes.length, nowhere: why, lasting: nodes.length, ...counts };
}

/** How many feasible nodes are enough. */
export function feasibleWanted(nodes: number, percentage: number): number {
  if (nodes < feasibleLeast) return nodes;
  const adaptive = percentage > 0 ? percentage : Math.max(percentageLeast, 50 - nodes / 125);
  return Math.max(feasibleLeast, Math.floor((nodes * Math.min(adaptive, 100)) / 100));
}

function filterNodes(pod: PodInfo, snapshot: Snapshot, ready: readonly Ready[], options: CycleOptions) {
  const { nodes } = snapshot;
  const filters = ready.flatMap(({ plugin, prepared }) =>
    prepared.filter === undefined ? [] : [{ name: plugin.name, filter: prepared.filter }],
  );
  const wanted = feasibleWanted(nodes.length, options.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  const reasons = new Map<string, number>();
  const refusers = new Set<string>();
  let lasting = 0;
  let withLowerPriority = 0;
  let examined = 0;
  while (examined < nodes.length && feasible.length < wanted) {
    const node = nodes[(options.startAt + examined) % nodes.length];
    examined++;
    if (node === undefined) continue;
    let refusal: Refusal | undefined;
    for (const { name, filter } of filters) {
      refusal = filter(node);
      if (refusal === undefined) continue;
      refusers.add(name);
      break;
    }
    if (refusal === undefined) {
      feasible.push(node);
      continue;
    }
    for (const reason of refusal.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (refusal.lasting) lasting++;
    else if (hasLowerPriority(node, pod)) withLowerPriority++;
  }
  const error: FitError = { nodes: nodes.length, reasons, lasting, withLowerPriority, plugins: refusers };
  return { feasible, examined, error };
}

function hasLowerPriority(node: NodeInfo, pod: PodInfo): boolean {
  for (const other of node.pods.values()) if (other.priority < pod.priority) return true;
  return false;
}

function best(feasible: readonly NodeInfo[], ready: readonly Ready[], random: Random): NodeInfo {
  const totals: number[] = new Array(feasible.length).fill(0);
  if (feasible.length > 1) {
    for (const { plugin, prepared } of ready) {
      if (prepared.score === undefined || plugin.weight === 0) continue;
      const raw = feasible.map(prepared.score);
      const scores = prepared.normalize?.(raw) ?? raw;
      for (const [at, score] of scores.entries())
        totals[at] = (totals[at] ?? 0) + Math.floor(score) * plugin.weight;
    }
  }
  let chosen = 0;
  let equals = 1;
  for (let at = 1; at < totals.length; at++) {
    const total = totals[at] ?? 0;
    const most = totals[chosen] ?? 0;
    if (total > most) {
      chosen = at;
      equals = 1;
    } else if (total === most && below(random, ++equals) === 0) chosen = at;
  }
  return feasible[chosen] as NodeInfo;
}

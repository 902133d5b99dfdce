import { FilterRun, type NodeRefusal, type ReadyFilter } from "./filter-run.ts";
import { count, type FitError } from "./fit-error.ts";
import type { Measure } from "./measure.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Profile } from "./profile.ts";
import { Refusals, RefusalTally } from "./refusals.ts";
import type { Snapshot } from "./snapshot.ts";

export interface SearchOptions {
  /** The share of nodes after which the search for feasible ones may end, in percent; 0 lets the size decide. */
  readonly percentageOfNodesToScore: number;
  /** Where in the list of nodes to begin, so that all get their turn. */
  readonly startAt: number;
  readonly measure: Measure;
}

export interface Found {
  readonly feasible: readonly NodeInfo[];
  /** How many nodes were looked at. */
  readonly examined: number;
  /** What is to be said if none is feasible. */
  readonly error: FitError;
  /** Nodes whose refusal removing pods may lift. */
  readonly potential: readonly NodeInfo[];
  readonly refusals: Refusals;
  readonly filters: FilterRun;
  /** What ended the search, worded as kube-scheduler does: no node is feasible, and none can be made so. */
  readonly fault?: string;
}

/** As in Kubernetes: never fewer than this many nodes, nor less than this share, are looked for. */
const feasibleLeast = 100;
const percentageLeast = 5;

/** How many feasible nodes are enough. */
export function feasibleWanted(nodes: number, percentage: number): number {
  if (nodes < feasibleLeast) return nodes;
  const adaptive = percentage > 0 ? percentage : Math.max(percentageLeast, 50 - Math.floor(nodes / 125));
  return Math.max(feasibleLeast, Math.floor((nodes * Math.min(adaptive, 100)) / 100));
}

/** Looks for nodes on which the pod may be. Pure. */
export function findNodes(pod: PodInfo, snapshot: Snapshot, profile: Profile, options: SearchOptions): Found {
  const prepared = prepare(pod, snapshot, profile, options.measure);
  if ("nowhere" in prepared) return nothing(pod, snapshot, prepared.nowhere, prepared.plugins);
  const filters = new FilterRun(pod, snapshot, prepared.ready);
  const startedMs = options.measure.nowMs();
  const found = promised(pod, snapshot, filters) ?? search(snapshot, filters, prepared, options);
  options.measure.point("Filter", statusOf(found), startedMs);
  return found;
}

function statusOf({ fault, feasible }: Found): "Success" | "Error" | "Unschedulable" {
  if (fault !== undefined) return "Error";
  return feasible.length > 0 ? "Success" : "Unschedulable";
}

interface Prepared {
  readonly ready: readonly ReadyFilter[];
  /** The only nodes worth looking at, and the plugins that say so. */
  readonly only: ReadonlySet<string> | undefined;
  readonly chosenBy: readonly string[];
}

function prepare(
  pod: PodInfo,
  snapshot: Snapshot,
  { filtering }: Profile,
  measure: Measure,
): Prepared | { readonly nowhere: string; readonly plugins: readonly string[] } {
  const startedMs = measure.nowMs();
  const ready: ReadyFilter[] = [];
  const chosenBy: string[] = [];
  let only: ReadonlySet<string> | undefined;
  for (const { plugin, chooses, judges } of filtering) {
    const pluginStartedMs = measure.sampled ? measure.nowMs() : 0;
    const prepared = plugin.prepareFilter?.(pod, snapshot);
    if (measure.sampled) measure.plugin("PreFilter", plugin.name, pluginStartedMs);
    if (prepared === undefined) continue;
    if (judges) ready.push({ plugin, prepared });
    if (!chooses) continue;
    if (prepared.nowhere !== undefined) {
      measure.point("PreFilter", "Unschedulable", startedMs);
      return { nowhere: prepared.nowhere, plugins: [plugin.name] };
    }
    const { nodes } = prepared;
    if (nodes === undefined) continue;
    chosenBy.push(plugin.name);
    only = only === undefined ? nodes : new Set([...only].filter((name) => nodes.has(name)));
    if (only.size > 0) continue;
    const [first, ...others] = [...chosenBy].sort();
    const nowhere =
      others.length === 0
        ? `node(s) didn't satisfy plugin ${first}`
        : `node(s) didn't satisfy plugin(s) [${[first, ...others].join(" ")}] simultaneously`;
    measure.point("PreFilter", "Unschedulable", startedMs);
    return { nowhere, plugins: chosenBy };
  }
  measure.point("PreFilter", "Success", startedMs);
  return { ready, only, chosenBy };
}

/** The node that the pod was promised, if it still fits there: nobody else is asked. */
function promised(pod: PodInfo, snapshot: Snapshot, filters: FilterRun): Found | undefined {
  const name = pod.pod.status?.nominatedNodeName;
  const node = name === undefined ? undefined : snapshot.node(name);
  if (node === undefined || filters.judge(node) !== undefined) return undefined;
  const error = { nodes: snapshot.nodes.length, reasons: new Map(), plugins: new Set<string>() };
  return { feasible: [node], examined: 1, error, potential: [], refusals: new Refusals(), filters };
}

function search(
  snapshot: Snapshot,
  filters: FilterRun,
  { only, chosenBy }: Prepared,
  options: SearchOptions,
): Found {
  const nodes = only === undefined ? snapshot.nodes : [...only].flatMap((name) => snapshot.node(name) ?? []);
  const wanted = feasibleWanted(nodes.length, options.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  const potential: NodeInfo[] = [];
  const refusals = new Refusals();
  const tally = new RefusalTally();
  let examined = 0;
  while (examined < nodes.length && feasible.length < wanted) {
    const node = nodes[(options.startAt + examined) % nodes.length] as NodeInfo;
    examined++;
    const refusal = filters.judge(node);
    if (refusal === undefined) {
      feasible.push(node);
      continue;
    }
    refusals.add(node.name, refusal);
    if (refusal.endsCycle) return broken(snapshot, filters, { refusal, refusals, examined });
    tally.add(refusal);
    if (!refusal.lasting) potential.push(node);
  }
  const { reasons, plugins } = tally.counts();
  const unseen = snapshot.nodes.length - nodes.length;
  if (only !== undefined && unseen > 0) {
    count(reasons, `node(s) didn't satisfy plugin(s) [${[...chosenBy].sort().join(" ")}]`, unseen);
    for (const name of chosenBy) plugins.add(name);
  }
  const error: FitError = { nodes: snapshot.nodes.length, reasons, plugins };
  return { feasible, examined, error, potential, refusals, filters };
}

/** The search that a refusal ended. */
function broken(
  snapshot: Snapshot,
  filters: FilterRun,
  {
    refusal: { plugin, reasons },
    refusals,
    examined,
  }: {
    readonly refusal: NodeRefusal;
    readonly refusals: Refusals;
    readonly examined: number;
  },
): Found {
  const fault = `running ${JSON.stringify(plugin)} filter plugin: ${reasons.join(", ")}`;
  const error = {
    nodes: snapshot.nodes.length,
    nowhere: fault,
    reasons: new Map(),
    plugins: new Set([plugin]),
  };
  return { feasible: [], examined, error, potential: [], refusals, filters, fault };
}

function nothing(pod: PodInfo, snapshot: Snapshot, nowhere: string, by: readonly string[]): Found {
  const error = { nodes: snapshot.nodes.length, nowhere, reasons: new Map(), plugins: new Set(by) };
  const filters = new FilterRun(pod, snapshot, []);
  return { feasible: [], examined: 0, error, potential: [], refusals: new Refusals(), filters };
}

import { below, type Random } from "../../../base/os/random.ts";
import { type Found, findNodes, type SearchOptions } from "./filter-nodes.ts";
import type { FitError } from "./fit-error.ts";
import { type Measure, noMeasure } from "./measure.ts";
import type { NodeInfo } from "./node-info.ts";
import type { Rescue } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Profile } from "./profile.ts";
import { highest, scoreNodes } from "./score-nodes.ts";
import type { Snapshot } from "./snapshot.ts";

export type Decision =
  | {
      readonly outcome: "placed";
      readonly node: string;
      readonly feasible: number;
      readonly examined: number;
    }
  | {
      readonly outcome: "unschedulable";
      readonly error: FitError;
      readonly examined: number;
      /** What was done to make room; undefined: nothing could be tried. */
      readonly rescue: Rescue | undefined;
      /** The cluster may have changed since. */
      readonly isStale?: true;
    }
  /** What was decided holds no more. */
  | { readonly outcome: "stale"; readonly examined: number }
  /** Somebody who must be asked could not be, or could not answer. */
  | { readonly outcome: "error"; readonly examined: number; readonly error: Error };

export interface CycleOptions {
  readonly startAt: number;
  readonly measure?: Measure;
}

/** Decides where a pod goes: filters nodes, scores those that remain, takes the best (of equals any); where none remains,
 *  looks how room could be made. Pure. */
export function schedule(
  pod: PodInfo,
  snapshot: Snapshot,
  profile: Profile,
  options: CycleOptions,
  random: Random,
): Decision {
  const measure = options.measure ?? noMeasure;
  const search: SearchOptions = {
    percentageOfNodesToScore: profile.percentageOfNodesToScore,
    startAt: options.startAt,
    measure,
  };
  const found = findNodes(pod, snapshot, profile, search);
  if (found.fault !== undefined)
    return { outcome: "error", examined: found.examined, error: new Error(found.fault) };
  if (found.feasible.length === 0) return rescue(pod, snapshot, profile, found, { measure, random });
  const node = best(pod, snapshot, profile, found.feasible, { measure, random });
  return { outcome: "placed", node: node.name, feasible: found.feasible.length, examined: found.examined };
}

interface Tools {
  readonly measure: Measure;
  readonly random: Random;
}

function best(
  pod: PodInfo,
  snapshot: Snapshot,
  profile: Profile,
  feasible: readonly NodeInfo[],
  { measure, random }: Tools,
): NodeInfo {
  if (feasible.length === 1) return feasible[0] as NodeInfo;
  return feasible[highest(scoreNodes(pod, snapshot, feasible, profile, measure), random)] as NodeInfo;
}

/** Asks the plugins in turn to make room, until one does. */
export function rescue(
  pod: PodInfo,
  snapshot: Snapshot,
  { points }: Profile,
  found: Found,
  { measure, random }: Tools,
): Decision & { outcome: "unschedulable" } {
  const { error, examined, potential, refusals, filters } = found;
  if (snapshot.nodes.length === 0 || points.postFilter.length === 0)
    return { outcome: "unschedulable", error, examined, rescue: undefined };
  const startedMs = measure.nowMs();
  const attempt = {
    pod,
    snapshot,
    potential,
    refusalOf: (node: string) => refusals.of(node) ?? lastingUnless(found),
    filters,
    below: (limit: number) => below(random, limit),
  };
  let last: Rescue | undefined;
  for (const plugin of points.postFilter) {
    last = plugin.postFilter?.(attempt) ?? last;
    if (last?.outcome === "nominated") break;
  }
  measure.point("PostFilter", last?.outcome === "nominated" ? "Success" : "Unschedulable", startedMs);
  const said = last?.outcome === "none" ? { ...error, rescue: last.message } : error;
  return { outcome: "unschedulable", error: said, examined, rescue: last };
}

/** Nodes that were never looked at are refused for good. */
function lastingUnless({ error }: Found) {
  return { reasons: error.nowhere === undefined ? [] : [error.nowhere], lasting: true };
}

import { below, type Random } from "../../../base/os/random.ts";
import type { Measure } from "./measure.ts";
import type { NodeInfo } from "./node-info.ts";
import { recalled } from "./node-memory.ts";
import type { PreparedScore } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Profile } from "./profile.ts";
import type { Snapshot } from "./snapshot.ts";

/** The weighted sum of all scores of each node. Pure. */
export function scoreNodes(
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: readonly NodeInfo[],
  { points, weights }: Profile,
  measure: Measure,
): number[] {
  const totals: number[] = new Array(feasible.length).fill(0);
  const startedMs = measure.nowMs();
  for (const plugin of points.score) {
    const pluginStartedMs = measure.sampled ? measure.nowMs() : 0;
    const prepared = plugin.prepareScore?.(pod, snapshot, feasible);
    if (prepared === undefined) continue;
    const weight = weights.get(plugin.name) ?? 1;
    const raw = rawScores(plugin.name, prepared, snapshot, feasible);
    const scores = prepared.normalize?.(raw) ?? raw;
    for (let at = 0; at < totals.length; at++)
      totals[at] = (totals[at] as number) + Math.trunc(scores[at] ?? 0) * weight;
    if (measure.sampled) measure.plugin("Score", plugin.name, pluginStartedMs);
  }
  measure.point("Score", "Success", startedMs);
  return totals;
}

function rawScores(
  plugin: string,
  { score, asks }: PreparedScore,
  { scores }: Snapshot,
  feasible: readonly NodeInfo[],
): readonly number[] {
  if (asks === undefined) return feasible.map(score);
  const kept = scores.question(`${plugin} ${asks}`);
  return feasible.map((node) => recalled(kept, node, score));
}

/** The place of the highest score, of equals any. */
export function highest(totals: readonly number[], random: Random): number {
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
  return chosen;
}

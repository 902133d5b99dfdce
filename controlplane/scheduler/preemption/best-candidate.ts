import type { Candidate } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

/** Each rule decides among those that the rules before left equal; more is better. */
const rules: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => -violations,
  ({ victims }) => -(victims[0]?.priority ?? 0),
  // Shifted above zero: few pods of a negative priority are better than many.
  ({ victims }) => -victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
  ({ victims }) => -victims.length,
  ({ victims }) => earliestStart(victims),
];

/** The candidate that hurts least: fewest budgets broken, then the lowest highest priority, the lowest sum of priorities,
 *  the fewest pods, the most important of which started last; of equals the first. Pure. */
export function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let left = candidates;
  for (const rule of rules) {
    if (left.length < 2) break;
    const worth = left.map(rule);
    const most = worth.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    left = left.filter((_, at) => worth[at] === most);
  }
  return left[0];
}

/** When the first of the most important victims started; not yet is the latest. */
function earliestStart(victims: readonly PodInfo[]): number {
  const highest = victims[0]?.priority;
  let earliest = Number.MAX_SAFE_INTEGER;
  for (const { priority, startedAt } of victims)
    if (priority === highest && startedAt !== undefined) earliest = Math.min(earliest, Date.parse(startedAt));
  return earliest;
}

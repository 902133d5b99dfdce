import type { Job } from "../../../client/types.ts";
import { parseIntervals } from "./indexes.ts";

/** Which rule of the Job's successPolicy its completed indexes meet, in Kubernetes' words; undefined: none. Pure. */
export function metSuccessPolicy({ spec }: Job, completed: ReadonlySet<number>): string | undefined {
  if (completed.size === 0) return undefined;
  for (const [index, rule] of (spec.successPolicy?.rules ?? []).entries()) {
    if (isMet(rule, completed, spec.completions ?? 0)) return `Matched rules at index ${index}`;
  }
  return undefined;
}

type Rule = NonNullable<Job["spec"]["successPolicy"]>["rules"][number];

function isMet(
  { succeededIndexes, succeededCount }: Rule,
  completed: ReadonlySet<number>,
  completions: number,
) {
  if (succeededIndexes === undefined) return succeededCount !== undefined && completed.size >= succeededCount;
  const required = parseIntervals(succeededIndexes, completions);
  const total = required.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (total === 0) return false;
  let done = 0;
  for (const index of completed)
    if (required.some(({ first, last }) => first <= index && index <= last)) done++;
  return done === total || (succeededCount !== undefined && done >= succeededCount);
}

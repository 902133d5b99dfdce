import { baselineChecks } from "./baseline-checks.ts";
import type { Check, CheckedPod, CheckRow, Violation } from "./check.ts";
import type { LevelVersion } from "./levels.ts";
import { restrictedChecks } from "./restricted-checks.ts";

/** What a pod violates of a level. Empty: nothing. Pure. */
export function violations({ level, minor }: LevelVersion, pod: CheckedPod): readonly Violation[] {
  if (level === "privileged") return [];
  const version = minor === "latest" ? Number.POSITIVE_INFINITY : minor;
  return checksOf(level, version).flatMap((check) => check(pod) ?? []);
}

/** `host namespaces (hostNetwork=true), privileged (container "c" …)` */
export const detailText = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");

export const reasonText = (found: readonly Violation[]): string =>
  found.map(({ reason }) => reason).join(", ");

function checksOf(level: "baseline" | "restricted", minor: number): readonly Check[] {
  const restricted = level === "baseline" ? [] : restrictedChecks;
  const overridden = restricted
    .filter((row) => checkAt(row, minor) !== undefined)
    .flatMap(({ overrides = [] }) => overrides);
  const baseline = baselineChecks.filter(({ id }) => !overridden.includes(id));
  return [...baseline, ...restricted].flatMap((row) => checkAt(row, minor) ?? []);
}

const checkAt = ({ versions }: CheckRow, minor: number): Check | undefined =>
  versions.findLast(([from]) => from <= minor)?.[1];

import type { Pod } from "../../../../client/types.ts";
import { reasonText, violations } from "./evaluate.ts";
import {
  compareLevels,
  isFullyPrivileged,
  type LevelVersion,
  labelPrefix,
  levelText,
  type Mode,
  type Policy,
  sameLevel,
} from "./levels.ts";

/** What a user is told who changes the labels of a namespace. Pure. */

/** Kubernetes' bound: so many pods are looked at. */
const podsMax = 3000;

/** Does a namespace ask for more than before? */
export function wantsCheck({ enforce: next }: Policy, { enforce: before }: Policy): boolean {
  if (sameLevel(next, before) || next.level === "privileged") return false;
  return next.minor !== before.minor || compareLevels(next.level, before.level) > 0;
}

export interface PodsOfNamespace {
  readonly pods: readonly Pod[];
  readonly enforce: LevelVersion;
  readonly exemptRuntimeClasses: readonly string[];
}

export function warningsOfPods(
  namespace: string,
  { pods, enforce, exemptRuntimeClasses }: PodsOfNamespace,
): readonly string[] {
  const all = uniqueFirst(
    pods.filter(({ spec }) => !exemptRuntimeClasses.includes(spec.runtimeClassName ?? "")),
  );
  const checked = all.slice(0, podsMax);
  const byReason = new Map<string, string[]>();
  for (const { metadata, spec } of checked) {
    const found = violations(enforce, { annotations: metadata.annotations ?? {}, spec });
    if (found.length === 0) continue;
    const reason = reasonText(found);
    byReason.set(reason, [...(byReason.get(reason) ?? []), metadata.name]);
  }
  const warnings: string[] = [];
  if (checked.length < all.length)
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked.length} of ${all.length} existing pods`,
    );
  if (byReason.size > 0)
    warnings.push(
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${levelText(enforce)}"`,
    );
  return [...warnings, ...[...byReason].map(([reason, names]) => `${whose(names)}: ${reason}`).sort()];
}

function whose(names: readonly string[]): string {
  const [first = ""] = [...names].sort();
  const others = names.length - 1;
  if (others === 0) return first;
  return `${first} (and ${others} other ${others === 1 ? "pod" : "pods"})`;
}

/** One pod of each controller before its others: they are likely alike. */
function uniqueFirst(pods: readonly Pod[]): readonly Pod[] {
  const seen = new Set<string>();
  const [first, more]: [Pod[], Pod[]] = [[], []];
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
    (owner !== undefined && seen.has(owner) ? more : first).push(pod);
    if (owner !== undefined) seen.add(owner);
  }
  return [...first, ...more];
}

export interface ExemptNamespace {
  readonly policy: Policy;
  readonly defaults: Policy;
  readonly labels: Readonly<Record<string, string>>;
}

/** Labels that say something where nothing is heeded. */
export function exemptNamespaceWarning(
  namespace: string,
  { policy, defaults, labels }: ExemptNamespace,
): string | undefined {
  if (isFullyPrivileged(policy) || sameAltogether(policy, defaults)) return undefined;
  const modes: readonly Mode[] = ["enforce", "audit", "warn"];
  const said = modes
    .filter(
      (mode) =>
        policy[mode].level !== "privileged" &&
        (Object.hasOwn(labels, labelPrefix + mode) || Object.hasOwn(labels, `${labelPrefix}${mode}-version`)),
    )
    .map((mode) => `${mode}=${levelText(policy[mode])}`);
  return `namespace "${namespace}" is exempt from Pod Security, and the policy (${said.join(", ")}) will be ignored`;
}

function sameAltogether(a: Policy, b: Policy): boolean {
  const modes: readonly Mode[] = ["enforce", "audit", "warn"];
  return modes.every(
    (mode) =>
      (a[mode].level === "privileged" && b[mode].level === "privileged") || sameLevel(a[mode], b[mode]),
  );
}

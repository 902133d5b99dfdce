import { claimQuota } from "./quota-claims.ts";
import { deviceClaimQuota } from "./quota-device-claims.ts";
import { objectCount, type QuotaEvaluator } from "./quota-evaluator.ts";
import { podQuota } from "./quota-pods.ts";
import { serviceQuota } from "./quota-services.ts";

const keyOf = (group: string, plural: string) => `${plural}.${group}`;

const special: ReadonlyMap<string, QuotaEvaluator> = new Map(
  [podQuota, serviceQuota, claimQuota, deviceClaimQuota].map((one) => [keyOf(one.group, one.plural), one]),
);

/** What is no object in the store, and events, which nobody ever counted. */
const uncounted: ReadonlySet<string> = new Set([
  keyOf("", "bindings"),
  keyOf("", "componentstatuses"),
  keyOf("", "events"),
  keyOf("events.k8s.io", "events"),
  keyOf("authentication.k8s.io", "tokenreviews"),
  keyOf("authentication.k8s.io", "selfsubjectreviews"),
  keyOf("authorization.k8s.io", "subjectaccessreviews"),
  keyOf("authorization.k8s.io", "selfsubjectaccessreviews"),
  keyOf("authorization.k8s.io", "localsubjectaccessreviews"),
  keyOf("authorization.k8s.io", "selfsubjectrulesreviews"),
]);

/** How objects of a kind count against quotas; undefined: not at all. */
export function quotaEvaluator(group: string, plural: string): QuotaEvaluator | undefined {
  const key = keyOf(group, plural);
  if (uncounted.has(key)) return undefined;
  return special.get(key) ?? objectCount(group, plural);
}

/** The kinds whose objects use up any of these amounts. */
export function evaluatorsFor(names: readonly string[]): readonly QuotaEvaluator[] {
  const found = new Map<string, QuotaEvaluator>();
  for (const name of names)
    for (const evaluator of usersOf(name)) found.set(keyOf(evaluator.group, evaluator.plural), evaluator);
  return [...found.values()];
}

function usersOf(name: string): readonly QuotaEvaluator[] {
  const users = [...special.values()].filter((one) => one.counts(name));
  if (users.length > 0) return users;
  const counted = name.startsWith("count/") ? name.slice("count/".length) : name;
  const dot = counted.indexOf(".");
  const plural = dot < 0 ? counted : counted.slice(0, dot);
  const evaluator = quotaEvaluator(dot < 0 ? "" : counted.slice(dot + 1), plural);
  return evaluator?.counts(name) ? [evaluator] : [];
}

import { type Amount, wholeAmount } from "../../base/quantity-text.ts";
import type { KubeObject, ResourceQuota } from "../types.ts";
import type { AmountsByName } from "./pod-amounts.ts";
import type { ScopeRequirement } from "./quota-scopes.ts";

/** A write as quotas see it. */
export interface QuotaWrite {
  readonly subresource: string;
  readonly object: KubeObject;
  /** Absent where the object is new. */
  readonly old: KubeObject | undefined;
}

/** How one kind counts against quotas: the same for who admits an object and for who counts them all. */
export interface QuotaEvaluator {
  readonly group: string;
  readonly plural: string;
  /** Is this one of the amounts that objects of the kind use up? */
  counts(name: string): boolean;
  usage(object: KubeObject, nowMs: number): AmountsByName;
  /** Is the object in the scope? Kinds without this are in none. */
  inScope?(object: KubeObject, requirement: ScopeRequirement): boolean;
  /** What the object must say where these amounts are limited, and does not. */
  unsaid?(object: KubeObject, limited: readonly string[]): string | undefined;
  /** May this write use up more? */
  charges(write: QuotaWrite): boolean;
  /** May this change of an object have given something back, or taken it unasked? */
  changes?(next: KubeObject, before: KubeObject, nowMs: number): boolean;
}

export const one: Amount = wholeAmount(1);

/** `count/pods`, `count/deployments.apps` */
export const objectCountName = (group: string, plural: string): string =>
  group === "" ? `count/${plural}` : `count/${plural}.${group}`;

/** What Kubernetes counted by these names before all objects could be counted. */
const oldNames: ReadonlySet<string> = new Set([
  "configmaps",
  "resourcequotas",
  "replicationcontrollers",
  "secrets",
]);

/** Objects of a kind of which nothing but their number counts. */
export function objectCount(group: string, plural: string): QuotaEvaluator {
  const names = [objectCountName(group, plural), ...(group === "" && oldNames.has(plural) ? [plural] : [])];
  const usage: AmountsByName = new Map(names.map((name) => [name, one]));
  return {
    group,
    plural,
    counts: (name) => names.includes(name),
    usage: () => usage,
    charges: ({ subresource, old }) => subresource === "" && old === undefined,
  };
}

export function scopesOf({ spec }: ResourceQuota): readonly ScopeRequirement[] {
  return [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
}

export function inScopes(
  evaluator: QuotaEvaluator,
  object: KubeObject,
  scopes: readonly ScopeRequirement[],
): boolean {
  return scopes.every((scope) => evaluator.inScope?.(object, scope) ?? false);
}

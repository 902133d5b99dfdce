import type { LabelSelector } from "../../../client/types.ts";
import { sameJson } from "../registry/object-meta.ts";
import { type AnyBinding, type AnyRole, autoupdate } from "./policy/default-policy.ts";
import { uncovered } from "./rules-cover.ts";

/** What a default role or binding that is there becomes at a server's start. Pure; Kubernetes' reconciliation: what is
 *  missing is added, what users added stays, and who says `autoupdate: "false"` is left alone. */

/** Undefined: it stays as it is. */
export function reconciledRole(existing: AnyRole, wanted: AnyRole): AnyRole | undefined {
  if (isProtected(existing)) return undefined;
  const next: AnyRole = { ...existing, metadata: withDefaults(existing.metadata, wanted.metadata) };
  const missing = uncovered(existing.rules ?? [], wanted.rules ?? []);
  if (missing.length > 0) next.rules = [...(existing.rules ?? []), ...missing];
  const selectors = existing.aggregationRule?.clusterRoleSelectors ?? [];
  const missingSelectors = selectorsWithout(wanted.aggregationRule?.clusterRoleSelectors ?? [], selectors);
  if (wanted.aggregationRule === undefined) delete next.aggregationRule;
  else if (missingSelectors.length > 0)
    next.aggregationRule = { clusterRoleSelectors: [...selectors, ...missingSelectors] };
  return sameJson(next, existing) ? undefined : next;
}

/** `recreate`: it grants another role, which cannot be changed: it must go and be made anew. */
export function reconciledBinding(
  existing: AnyBinding,
  wanted: AnyBinding,
): AnyBinding | "recreate" | undefined {
  if (isProtected(existing)) return undefined;
  const [{ kind, name }, ref] = [existing.roleRef, wanted.roleRef];
  if (kind !== ref.kind || name !== ref.name) return "recreate";
  const next: AnyBinding = { ...existing, metadata: withDefaults(existing.metadata, wanted.metadata) };
  const there = existing.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((one) => !there.some((other) => sameJson(one, other)));
  if (missing.length > 0) next.subjects = [...there, ...missing];
  return sameJson(next, existing) ? undefined : next;
}

type Metadata = AnyRole["metadata"];

function isProtected({ metadata }: { readonly metadata: Metadata }): boolean {
  return metadata.annotations?.[autoupdate] === "false";
}

function withDefaults(existing: Metadata, wanted: Metadata): Metadata {
  return {
    ...existing,
    labels: { ...wanted.labels, ...existing.labels },
    annotations: { ...wanted.annotations, ...existing.annotations },
  };
}

function selectorsWithout(
  wanted: readonly LabelSelector[],
  there: readonly LabelSelector[],
): readonly LabelSelector[] {
  return wanted.filter((one) => !there.some((other) => sameJson(one, other)));
}

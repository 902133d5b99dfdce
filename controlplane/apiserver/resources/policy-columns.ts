import { goSelectorText } from "../../../base/label-selector.ts";
import type { MatchResources, ParamKind, ParamRef } from "../../../client/types.ts";

/** What policies of both kinds are given, and show. */

/** Of a policy's constraints or a binding's resources. */
export function applyMatchDefaults(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= "*";
}

export function paramText(ref: ParamRef | undefined): string {
  if (ref === undefined) return "<unset>";
  if (ref.name) return `${ref.namespace || "*"}/${ref.name}`;
  return ref.selector === undefined ? "<unset>" : goSelectorText(ref.selector);
}

export function paramKindText(kind: ParamKind | undefined): string {
  return kind === undefined ? "<unset>" : `${kind.apiVersion}/${kind.kind}`;
}

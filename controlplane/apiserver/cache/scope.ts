import type { FieldRequirement, LabelRequirement } from "../registry/selectors.ts";
import { matchesFields, matchesLabels } from "../registry/selectors.ts";
import type { StoredObject } from "../registry/stored-object.ts";

/** Which objects of a kind somebody wants. */
export interface Scope {
  /** Key prefix: the kind's, or one namespace's. */
  readonly prefix: string;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
}

export function inScope(scope: Scope, object: StoredObject): boolean {
  return (
    object.key.startsWith(scope.prefix) &&
    matchesLabels(scope.labels, object.labels) &&
    (scope.fields.length === 0 || matchesFields(scope.fields, object.fields()))
  );
}

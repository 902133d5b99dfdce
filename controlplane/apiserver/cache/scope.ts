import type { FieldRequirement, LabelRequirement } from "../registry/selectors.ts";
import { matchesFields, matchesLabels } from "../registry/selectors.ts";
import type { StoredObject } from "../registry/stored-object.ts";

/** Which objects of a kind somebody wants. */
export interface Scope {
  /** Key prefix: the kind's, or one namespace's. */
  readonly prefix: string;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
  /** What objects must say in the version that is asked for, where others convert them: see ../registry/shown-selection.ts. */
  readonly shown: readonly FieldRequirement[];
}

/** Does the scope leave out any of the objects under its prefix? */
export function isSelective({ labels, fields, shown }: Scope): boolean {
  return labels.length > 0 || fields.length > 0 || shown.length > 0;
}

/** But for what `shown` wants. */
export function inScope(scope: Scope, object: StoredObject): boolean {
  return (
    object.key.startsWith(scope.prefix) &&
    matchesLabels(scope.labels, object.labels) &&
    (scope.fields.length === 0 || matchesFields(scope.fields, object.fields()))
  );
}

import type { Affinity } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { invalid, textsShown } from "./field-errors.ts";

/** Where a pod that is held back by gates may run: less and less, never elsewhere. */

type NodeAffinity = NonNullable<Affinity["nodeAffinity"]>;
type Term = NonNullable<
  NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]
>["nodeSelectorTerms"][number];
type Labels = Readonly<Record<string, string>>;

export function selectorNarrowed(
  next: Labels | undefined,
  current: Labels | undefined,
  field: string,
): readonly FieldError[] {
  const isKept = Object.entries(current ?? {}).every(([key, value]) => next?.[key] === value);
  if (isKept) return [];
  const text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
  return [invalid(field, textsShown(next), text)];
}

export function termsNarrowed(
  next: NodeAffinity | undefined,
  current: NodeAffinity | undefined,
  field: string,
): readonly FieldError[] {
  const at = `${field}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  const terms = (one: NodeAffinity | undefined) =>
    one?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const [after, before = []] = [terms(next), terms(current)];
  if (before.length > 0 && before.length !== (after ?? []).length) {
    const shown = new GoForm("[]core.NodeSelectorTerm", after);
    return [invalid(at, shown, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")];
  }
  return before.flatMap((term, index) => {
    if (hasOnlyMore(after?.[index] ?? {}, term)) return [];
    const shown = new GoForm("core.NodeSelectorTerm", after?.[index]);
    return [invalid(`${at}[${index}]`, shown, "only additions are allowed (no mutations or deletions)")];
  });
}

/** A term that asks for nothing matches no node, and stays so. */
function hasOnlyMore(next: Partial<Term>, current: Partial<Term>): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  const length = (term: Partial<Term>) => lists.reduce((sum, name) => sum + (term[name] ?? []).length, 0);
  if (length(current) === 0) return length(next) === 0;
  return lists.every((name) => {
    const before = current[name] ?? [];
    return before.length === 0 || sameValue((next[name] ?? []).slice(0, before.length), before);
  });
}

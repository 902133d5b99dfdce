import { labelValue, qualifiedName } from "../../../client/rules/names.ts";
import type { Node } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export type Taint = NonNullable<NonNullable<Node["spec"]>["taints"]>[number];

/** @param at Where the taints stand, as Kubernetes names it. */
export function validateTaints(taints: readonly Taint[], at: string): readonly FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const field = `${at}[${index}]`;
    const problems = qualifiedName(taint.key).map((text) => invalid(`${field}.key`, taint.key, text));
    problems.push(
      ...labelValue(taint.value ?? "").map((text) => invalid(`${field}.value`, taint.value, text)),
    );
    if (!taint.effect) problems.push(required(`${field}.effect`));
    else if (!taintEffects.includes(taint.effect))
      problems.push(notSupported(`${field}.effect`, taint.effect, taintEffects));
    const identity = `${taint.key}:${taint.effect}`;
    if (seen.has(identity)) {
      const { key: Key, value: Value = "", effect: Effect, timeAdded: TimeAdded = null } = taint;
      const shown = duplicate(field, { Key, Value, Effect, TimeAdded });
      problems.push({ ...shown, message: `${shown.message}: taints must be unique by key and effect pair` });
    }
    seen.add(identity);
    return problems;
  });
}

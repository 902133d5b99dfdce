import { isQuantity, quantityRule } from "../../../base/quantity.ts";
import type { Node } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { labelValue, qualifiedName } from "./names.ts";

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateNode(node: Node): readonly FieldError[] {
  return [...validateTaints(node), ...validateAmounts(node)];
}

function validateTaints({ spec }: Node): readonly FieldError[] {
  const seen = new Set<string>();
  return (spec?.taints ?? []).flatMap((taint, index) => {
    const field = `spec.taints[${index}]`;
    const problems = qualifiedName(taint.key).map((text) => invalid(`${field}.key`, taint.key, text));
    problems.push(
      ...labelValue(taint.value ?? "").map((text) => invalid(`${field}.value`, taint.value, text)),
    );
    if (!taint.effect) problems.push(required(`${field}.effect`));
    else if (!taintEffects.includes(taint.effect))
      problems.push(notSupported(`${field}.effect`, taint.effect, taintEffects));
    const identity = `${taint.key}:${taint.effect}`;
    if (seen.has(identity))
      problems.push({
        ...duplicate(field, taint),
        message: `Duplicate value: ${JSON.stringify(taint)}: taints must be unique by key and effect pair`,
      });
    seen.add(identity);
    return problems;
  });
}

function validateAmounts({ status }: Node): readonly FieldError[] {
  return (["capacity", "allocatable"] as const).flatMap((name) =>
    Object.entries(status?.[name] ?? {}).flatMap(([resource, amount]) =>
      isQuantity(amount) ? [] : [invalid(`status.${name}[${resource}]`, amount, quantityRule)],
    ),
  );
}

export function validateNodeUpdate(next: Node, current: Node): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const name of ["podCIDR", "podCIDRs"] as const) {
    const before = current.spec?.[name];
    if (before !== undefined && before.length > 0 && !sameValue(next.spec?.[name], before))
      problems.push(forbidden(`spec.${name}`, 'node updates may not change podCIDR except from "" to valid'));
  }
  const provider = current.spec?.providerID ?? "";
  if (provider !== "" && next.spec?.providerID !== provider)
    problems.push(
      forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'),
    );
  return problems;
}

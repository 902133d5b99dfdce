import { compareQuantities, isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import type { Node } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { ipRange } from "./addresses.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { labelValue, qualifiedName } from "./names.ts";

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateNode(node: Node): readonly FieldError[] {
  return [...validateTaints(node), ...validateAmounts(node), ...validatePodCidrs(node)];
}

/** At most one range of each family. */
function validatePodCidrs({ spec }: Node): readonly FieldError[] {
  const ranges = spec?.podCIDRs ?? [];
  const problems: FieldError[] = ranges.flatMap((range, index) => ipRange(`spec.podCIDRs[${index}]`, range));
  const families = new Set(ranges.map((range) => range.includes(":")));
  if (ranges.length > 1 && (ranges.length > 2 || families.size < 2))
    problems.push(invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family"));
  return problems;
}

/** Kubernetes looks for taints in the metadata, by its words. */
function validateTaints({ spec }: Node): readonly FieldError[] {
  const seen = new Set<string>();
  return (spec?.taints ?? []).flatMap((taint, index) => {
    const field = `metadata.taints[${index}]`;
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

function validateAmounts({ status }: Node): readonly FieldError[] {
  return (["capacity", "allocatable"] as const).flatMap((name) =>
    Object.entries(status?.[name] ?? {}).flatMap(([resource, amount]) => {
      const at = `status.${name}.${resource}`;
      if (!isQuantity(amount)) return [invalid(at, amount, quantityRule)];
      const counted = resource === "pods" || resource.includes("/");
      return [
        ...(compareQuantities(amount, "0") < 0
          ? [invalid(at, amount, "must be greater than or equal to 0")]
          : []),
        ...(counted && parseNanos(amount) % 1_000_000_000n !== 0n
          ? [invalid(at, amount, "must be an integer")]
          : []),
      ];
    }),
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

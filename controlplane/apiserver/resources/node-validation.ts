import { compareQuantities, isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import type { Node } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipRange } from "./addresses.ts";
import { duplicate, forbidden, invalid } from "./field-errors.ts";
import { validateNodeAnnotations } from "./node-annotations.ts";
import { validateTaints } from "./taint-validation.ts";

/** @param part Of a change of the status alone other rules are asked. */
export function validateNode(
  node: Node,
  _facts?: unknown,
  _current?: Node,
  part?: "status",
): readonly FieldError[] {
  if (part === "status") return [];
  return [
    ...validateNodeAnnotations(node.metadata.annotations ?? {}),
    ...validateTaints(node.spec?.taints ?? [], "metadata.taints"),
    ...validateAmounts(node),
    ...validateSwap(node),
    ...validateDeclaredFeatures(node),
    ...validatePodCidrs(node),
  ];
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

/** Kubernetes looks for it in the metadata, by its words. */
function validateSwap({ status }: Node): readonly FieldError[] {
  const capacity = status?.nodeInfo?.swap?.capacity;
  if (capacity === undefined || capacity > 0) return [];
  return [invalid("metadata.nodeSwapStatus.capacity", capacity, "must be greater than zero")];
}

const featureName = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const featureCharactersMax = 253;

function validateDeclaredFeatures({ status }: Node): readonly FieldError[] {
  const features = status?.declaredFeatures ?? [];
  return features.flatMap((feature, index) => {
    const field = `status.declaredFeatures[${index}]`;
    const problems: FieldError[] = [];
    const before = features[index - 1];
    if (before === feature) problems.push(duplicate(field, feature));
    else if (before !== undefined && before > feature)
      problems.push(invalid(field, feature, "list must be sorted alphabetically"));
    const why = featureFault(feature);
    if (why !== undefined)
      problems.push(invalid(field, feature, `invalid feature name ${JSON.stringify(feature)}: ${why}`));
    return problems;
  });
}

function featureFault(name: string): string | undefined {
  if (name.length > featureCharactersMax) return `must be no more than ${featureCharactersMax} characters`;
  if (featureName.test(name)) return undefined;
  return "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
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

/** What of a node may change, or of its status. Kubernetes looks at most of it once more, and so says its faults twice where the
 *  node itself changes. */
export function validateNodeUpdate(next: Node, current: Node): readonly FieldError[] {
  return [
    ...validateNodeAnnotations(next.metadata.annotations ?? {}),
    ...validateAmounts(next),
    ...validateDeclaredFeatures(next),
    ...validateAddresses(next),
    ...identityKept(next, current),
    ...validateTaints(next.spec?.taints ?? [], "metadata.taints"),
    ...((next.spec?.externalID ?? "") === (current.spec?.externalID ?? "")
      ? []
      : [forbidden("spec.externalID", "may not be updated")]),
  ];
}

function validateAddresses({ status }: Node): readonly FieldError[] {
  const seen = new Set<string>();
  return (status?.addresses ?? []).flatMap(({ type, address }, index) => {
    const identity = `${type} ${address}`;
    const isTwice = seen.has(identity);
    seen.add(identity);
    return isTwice ? [duplicate(`status.addresses[${index}]`, { Type: type, Address: address })] : [];
  });
}

/** What is given once: its pods' ranges, and how its provider knows it. */
function identityKept({ spec: next }: Node, { spec: current }: Node): readonly FieldError[] {
  const problems: FieldError[] = [];
  const [after, before] = [next?.podCIDRs ?? [], current?.podCIDRs ?? []];
  const isResized = before.length > 0 && before.length !== after.length;
  const changed = isResized ? [""] : before.filter((range, index) => range !== after[index]);
  for (const _ of changed)
    problems.push(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  const provider = current?.providerID ?? "";
  if (provider !== "" && next?.providerID !== provider)
    problems.push(
      forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'),
    );
  return problems;
}

import type { Pod, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid } from "./field-errors.ts";

const text =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** What of a pod may change once it is created. */
export function validatePodUpdate(next: Pod, current: Pod): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const name of ["containers", "initContainers"] as const) {
    if ((next.spec[name] ?? []).length !== (current.spec[name] ?? []).length)
      return [forbidden(`spec.${name}`, "pod updates may not add or remove containers")];
  }
  const before = current.spec.activeDeadlineSeconds;
  const after = next.spec.activeDeadlineSeconds;
  if (before !== undefined) {
    if (after === undefined)
      problems.push(
        invalid("spec.activeDeadlineSeconds", null, "must not update from a positive integer to nil value"),
      );
    else if (after > before)
      problems.push(
        invalid("spec.activeDeadlineSeconds", after, `must be less than or equal to previous value`),
      );
  }
  problems.push(...tolerationsKept(next.spec, current.spec));
  const gates = new Set((current.spec.schedulingGates ?? []).map(({ name }) => name));
  const added = (next.spec.schedulingGates ?? []).filter(({ name }) => !gates.has(name));
  if (added.length > 0)
    problems.push(
      forbidden(
        "spec.schedulingGates",
        `only deletion is allowed, but found new scheduling gate '${added[0]?.name ?? ""}'`,
      ),
    );
  if (!sameValue(fixedPart(next.spec, current.spec), current.spec)) problems.push(forbidden("spec", text));
  return problems;
}

/** Tolerations may be added and have their seconds changed; none may go. */
function tolerationsKept(next: PodSpec, current: PodSpec): readonly FieldError[] {
  const kept = (current.tolerations ?? []).every((before) =>
    (next.tolerations ?? []).some((after) =>
      sameValue({ ...after, tolerationSeconds: null }, { ...before, tolerationSeconds: null }),
    ),
  );
  if (kept) return [];
  return [
    forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"),
  ];
}

/** `next` with all that may change put back to how it was. */
function fixedPart(next: PodSpec, current: PodSpec): PodSpec {
  const copy = structuredClone(next);
  for (const name of ["containers", "initContainers"] as const) {
    copy[name]?.forEach((container, index) => {
      const image = current[name]?.[index]?.image;
      if (image === undefined) delete container.image;
      else container.image = image;
    });
  }
  const mutable = ["activeDeadlineSeconds", "tolerations", "schedulingGates"] as const;
  const fixed: PodSpec = { ...copy };
  for (const name of mutable) {
    delete fixed[name];
    if (current[name] !== undefined) Object.assign(fixed, { [name]: current[name] });
  }
  const gated = (current.schedulingGates ?? []).length > 0;
  // While gates hold a pod back, where it may run can still be narrowed.
  if (gated) Object.assign(fixed, { nodeSelector: current.nodeSelector, affinity: current.affinity });
  if (
    current.terminationGracePeriodSeconds !== undefined &&
    current.terminationGracePeriodSeconds < 0 &&
    next.terminationGracePeriodSeconds === 1
  )
    fixed.terminationGracePeriodSeconds = current.terminationGracePeriodSeconds;
  return fixed;
}

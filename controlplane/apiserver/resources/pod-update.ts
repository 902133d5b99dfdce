import type { Affinity, Pod, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid, required } from "./field-errors.ts";
import { forbiddenChange } from "./forbidden-change.ts";
import { validateTolerations } from "./placement-validation.ts";
import { validatePodAnnotationUpdate } from "./pod-annotations.ts";
import { selectorNarrowed, termsNarrowed } from "./pod-placement-update.ts";

const text =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

const int32Max = 2 ** 31 - 1;

/** What of a pod may change once it is created, in Kubernetes' order. */
export function validatePodUpdate(next: Pod, current: Pod): readonly FieldError[] {
  const problems: FieldError[] = [...validatePodAnnotationUpdate(next, current)];
  for (const name of ["containers", "initContainers"] as const) {
    const after = next.spec[name] ?? [];
    if (after.length !== (current.spec[name] ?? []).length)
      return [...problems, forbidden(`spec.${name}`, "pod updates may not add or remove containers")];
    problems.push(...imageProblems(after, `spec.${name}`));
  }
  const deadline = deadlineProblems(next.spec.activeDeadlineSeconds, current.spec.activeDeadlineSeconds);
  problems.push(...deadline.problems);
  if (deadline.isLast) return problems;
  problems.push(...tolerationsKept(next.spec, current.spec), ...gatesKept(next.spec, current.spec));
  if (sameValue(next.spec, current.spec)) return problems;
  const isGated = (current.spec.schedulingGates ?? []).length > 0;
  const fixed = fixedPart(next.spec, current.spec);
  // While gates hold a pod back, where it may run can still be narrowed.
  if (isGated) {
    problems.push(...placeProblems(fixed, current.spec));
    putPlaceBack(fixed, current.spec);
  }
  if (!sameValue(fixed, current.spec))
    problems.push(
      forbiddenChange("spec", `${text}\n`, { goType: "core.PodSpec", before: current.spec, after: fixed }),
    );
  return problems;
}

function imageProblems(containers: PodSpec["containers"], field: string): readonly FieldError[] {
  return containers.flatMap(({ image = "" }, index) => {
    const at = `${field}[${index}].image`;
    return [
      ...(image === "" ? [required(at)] : []),
      ...(image.trim() === image ? [] : [invalid(at, image, "must not have leading or trailing whitespace")]),
    ];
  });
}

/** A pod may get a deadline, and a nearer one; it is never let off. */
function deadlineProblems(
  after: number | undefined,
  before: number | undefined,
): { readonly problems: readonly FieldError[]; readonly isLast: boolean } {
  const at = "spec.activeDeadlineSeconds";
  if (after === undefined) {
    const lost = "must not update from a positive integer to nil value";
    return { problems: before === undefined ? [] : [invalid(at, null, lost)], isLast: false };
  }
  if (after < 0 || after > int32Max)
    return { problems: [invalid(at, after, `must be between 0 and ${int32Max}, inclusive`)], isLast: true };
  if (before !== undefined && before < after)
    return { problems: [invalid(at, after, "must be less than or equal to previous value")], isLast: true };
  return { problems: [], isLast: false };
}

/** Tolerations may be added and have their seconds changed; none may go. */
function tolerationsKept(next: PodSpec, current: PodSpec): readonly FieldError[] {
  const kept = (current.tolerations ?? []).every((before) =>
    (next.tolerations ?? []).some((after) =>
      sameValue({ ...after, tolerationSeconds: null }, { ...before, tolerationSeconds: null }),
    ),
  );
  const at = "spec.tolerations";
  if (kept) return validateTolerations(next.tolerations, at);
  return [forbidden(at, "existing toleration can not be modified except its tolerationSeconds")];
}

function gatesKept(next: PodSpec, current: PodSpec): readonly FieldError[] {
  const before = new Set((current.schedulingGates ?? []).map(({ name }) => name));
  return (next.schedulingGates ?? []).flatMap(({ name }, index) =>
    before.has(name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${index}].name`,
            `only deletion is allowed, but found new scheduling gate '${name}'`,
          ),
        ],
  );
}

/** `next` with all that may change put back to how it was. */
function fixedPart(next: PodSpec, current: PodSpec): PodSpec {
  const fixed: PodSpec = structuredClone(next);
  for (const name of ["containers", "initContainers"] as const) {
    fixed[name]?.forEach((container, index) => {
      const image = current[name]?.[index]?.image;
      if (image === undefined) delete container.image;
      else container.image = image;
    });
  }
  for (const name of ["activeDeadlineSeconds", "tolerations", "schedulingGates"] as const)
    putBack(fixed, current, name);
  const grace = current.terminationGracePeriodSeconds;
  if (grace !== undefined && grace < 0 && next.terminationGracePeriodSeconds === 1)
    fixed.terminationGracePeriodSeconds = grace;
  return fixed;
}

function placeProblems(next: PodSpec, current: PodSpec): readonly FieldError[] {
  const [after, before] = [next.affinity?.nodeAffinity, current.affinity?.nodeAffinity];
  return [
    ...selectorNarrowed(next.nodeSelector, current.nodeSelector, "spec.nodeSelector"),
    ...(sameValue(after, before) ? [] : termsNarrowed(after, before, "spec.affinity.nodeAffinity")),
  ];
}

function putPlaceBack(fixed: PodSpec, current: PodSpec): void {
  putBack(fixed, current, "nodeSelector");
  const before = current.affinity?.nodeAffinity;
  if (sameValue(fixed.affinity?.nodeAffinity, before)) return;
  const { nodeAffinity: _, ...others }: Affinity = fixed.affinity ?? {};
  const isNone = Object.keys(others).length === 0 && current.affinity === undefined;
  if (isNone) delete fixed.affinity;
  else fixed.affinity = { ...others, ...(before !== undefined && { nodeAffinity: before }) };
}

function putBack(fixed: PodSpec, current: PodSpec, name: keyof PodSpec): void {
  delete fixed[name];
  if (current[name] !== undefined) Object.assign(fixed, { [name]: current[name] });
}

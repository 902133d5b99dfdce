import type { Job, PodSpec, PodTemplateSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { immutable, invalid } from "./field-errors.ts";
import { validateOwnSpec } from "./job-validation.ts";

/** What of a job may change once it is made. Kubernetes looks at the whole spec once more, and so says its faults twice. */
export function validateJobUpdate(next: Job, current: Job): readonly FieldError[] {
  const [after, before] = [next.spec, current.spec];
  const problems: FieldError[] = [...validateOwnSpec(next)];
  const keeps = (name: keyof Job["spec"], goType?: string) =>
    problems.push(...immutable(`spec.${name}`, after[name], before[name], goType));
  // An indexed job may be resized if all its indexes run at once.
  const { completions, parallelism, completionMode } = after;
  if (completionMode !== "Indexed") keeps("completions");
  else if (completions !== before.completions && completions !== undefined && completions !== parallelism)
    problems.push(
      invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism"),
    );
  keeps("selector", "*meta.LabelSelector");
  problems.push(...templateProblems(next, current));
  keeps("completionMode");
  keeps("podFailurePolicy", "*batch.PodFailurePolicy");
  keeps("backoffLimitPerIndex");
  keeps("managedBy");
  keeps("successPolicy", "*batch.SuccessPolicy");
  return problems;
}

/** While a job is suspended and none of its pods is left, where its pods may run and how much they may have can still change. */
function templateProblems({ spec: after }: Job, { spec, status }: Job): readonly FieldError[] {
  const isSuspended = spec.suspend === true;
  const saysSo = status?.conditions?.some(({ type, status: is }) => type === "Suspended" && is === "True");
  const hasEnded = status?.startTime === undefined || saysSo === true;
  const isOpen = isSuspended && hasEnded && (status?.active ?? 0) === 0;
  if (!isOpen) return immutable("spec.template", after.template, spec.template, "core.PodTemplateSpec");
  const before = placedAs(spec.template, after.template);
  const size = withResourcesOf(before.spec, after.template.spec);
  return immutable("spec.template.spec", after.template.spec, size, "core.PodSpec");
}

/** `template` to run where `wanted` may. */
function placedAs(template: PodTemplateSpec, wanted: PodTemplateSpec): PodTemplateSpec {
  const { nodeSelector, tolerations, schedulingGates, affinity } = wanted.spec ?? { containers: [] };
  const nodeAffinity = affinity?.nodeAffinity;
  const own = { ...template.spec?.affinity };
  delete own.nodeAffinity;
  const placed = { ...own, ...(nodeAffinity !== undefined && { nodeAffinity }) };
  const isGone = affinity === undefined && Object.keys(placed).length === 0;
  const spec = { ...template.spec, nodeSelector, tolerations, schedulingGates, affinity: placed } as PodSpec;
  if (isGone) delete spec.affinity;
  return { ...template, spec };
}

function withResourcesOf(spec: PodSpec | undefined, wanted: PodSpec | undefined): PodSpec | undefined {
  if (spec === undefined) return undefined;
  const sized = { ...spec };
  for (const list of ["containers", "initContainers"] as const) {
    const after = wanted?.[list] ?? [];
    if (after.length !== spec[list]?.length) continue;
    Object.assign(sized, {
      [list]: spec[list]?.map((container, index) =>
        container.name === after[index]?.name
          ? { ...container, resources: after[index]?.resources }
          : container,
      ),
    });
  }
  return sized;
}

import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import type { LabelSelector, PodTemplateSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateAppArmorMatch } from "./app-armor-annotations.ts";
import { forbidden, invalid, notSupported, required, selectorShown, textsShown } from "./field-errors.ts";
import { isEmptySelector, validateLabelSelector, validateLabels } from "./labels.ts";
import { validateAnnotations } from "./meta.ts";
import { validatePodAnnotations } from "./pod-annotations.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { validateSeccompMatch } from "./seccomp-annotations.ts";

/** What ReplicaSet, Deployment and DaemonSet share: a selector that finds the pods made from the template. */
export function validateSelectorAndTemplate(
  { selector, template }: { selector?: LabelSelector; template?: PodTemplateSpec },
  restartPolicies: readonly string[],
  owner: "deployment" | "daemonset" = "deployment",
): readonly FieldError[] {
  const isDaemonSet = owner === "daemonset";
  const wrongSelector = validateLabelSelector(selector, "spec.selector");
  const problems: FieldError[] = [...wrongSelector];
  const isEmpty = selector !== undefined && isEmptySelector(selector);
  const empty = isEmpty
    ? [invalid("spec.selector", selectorShown(selector), `empty selector is invalid for ${owner}`)]
    : [];
  if (!isDaemonSet) problems.push(...(selector === undefined ? [required("spec.selector")] : empty));
  if (wrongSelector.length > 0) {
    // A selector that says nothing certain: what there is to select is not looked at.
    if (!isDaemonSet)
      return [...problems, invalid("spec.selector", selectorShown(selector), "invalid label selector")];
  } else problems.push(...unselected(selector, template?.metadata?.labels));
  if (isDaemonSet) problems.push(...empty);
  if (template === undefined) return [...problems, required("spec.template")];
  return [
    ...problems,
    ...validateTemplate(template, "spec.template", restartPolicies),
    ...noDeadline(template, isDaemonSet ? "DaemonSet" : "ReplicaSet"),
  ];
}

/** No selector selects nothing, an empty one everything. */
function unselected(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): readonly FieldError[] {
  if (matchesLabels(selectorFromLabelSelector(selector), labels)) return [];
  return [
    invalid(
      "spec.template.metadata.labels",
      textsShown(labels),
      "`selector` does not match template `labels`",
    ),
  ];
}

/** Pods that are to run for ever have no deadline. */
export function noDeadline(template: PodTemplateSpec, owner: string): readonly FieldError[] {
  if (template.spec?.activeDeadlineSeconds === undefined) return [];
  const text = `activeDeadlineSeconds in ${owner} is not Supported`;
  return [forbidden("spec.template.spec.activeDeadlineSeconds", text)];
}

/** A pod template, under an owner that may allow only some restart policies. */
export function validateTemplate(
  template: PodTemplateSpec,
  field: string,
  restartPolicies?: readonly string[],
): readonly FieldError[] {
  const problems = [
    ...validateLabels(template.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${field}.annotations`),
  ];
  if (template.spec === undefined) return [...problems, required(`${field}.spec.containers`)];
  const annotations = template.metadata?.annotations;
  problems.push(
    ...validatePodAnnotations(annotations, template.spec, `${field}.annotations`),
    ...validatePodSpec(template.spec, `${field}.spec`),
    ...validateSeccompMatch(annotations, template.spec, `${field}.spec`),
    ...validateAppArmorMatch(annotations, template.spec, `${field}.spec`),
  );
  if ((template.spec.ephemeralContainers ?? []).length > 0)
    problems.push(
      forbidden(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"),
    );
  const { restartPolicy } = template.spec;
  if (restartPolicy !== undefined && restartPolicies?.includes(restartPolicy) === false)
    problems.push(notSupported(`${field}.spec.restartPolicy`, restartPolicy, restartPolicies));
  return problems;
}

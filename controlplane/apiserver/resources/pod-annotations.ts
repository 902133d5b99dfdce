import { parseInt64 } from "../../../client/rules/int64.ts";
import { mirrorAnnotation } from "../../../client/rules/static-pods.ts";
import type { Pod, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { appArmorPrefix, validateAppArmorAnnotations } from "./app-armor-annotations.ts";
import { forbidden, invalid } from "./field-errors.ts";
import { validateSeccompAnnotations } from "./seccomp-annotations.ts";

const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const int32 = { least: -(2n ** 31n), most: 2n ** 31n - 1n };

type Annotations = Readonly<Record<string, string>>;

/** Annotations that something acts on, at `field`, of a pod or of what pods are made from. */
export function validatePodAnnotations(
  annotations: Annotations = {},
  spec: PodSpec,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const refuse = (name: string, text: string) =>
    problems.push(invalid(`${field}[${name}]`, annotations[name], text));
  if (annotations[mirrorAnnotation] !== undefined && !spec.nodeName)
    refuse(mirrorAnnotation, "must set spec.nodeName if mirror pod annotation is set");
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isCost(cost)) refuse(deletionCost, "must be a 32bit integer");
  return [
    ...problems,
    ...validateSeccompAnnotations(annotations, field),
    ...validateAppArmorAnnotations(annotations, spec, field),
  ];
}

/** What makes a pod a static one, and the old wishes for AppArmor, come with the pod and stay. Kubernetes looks at the others
 *  once more here, and so says their faults twice. */
export function validatePodAnnotationUpdate(next: Pod, current: Pod): readonly FieldError[] {
  const [after, before] = [next.metadata.annotations ?? {}, current.metadata.annotations ?? {}];
  const field = "metadata.annotations";
  const fixed = (key: string) => {
    if (key.startsWith(appArmorPrefix)) return "AppArmor annotations";
    return key === mirrorAnnotation ? "mirror pod annotation" : undefined;
  };
  const refusals = (keys: readonly string[], verb: string) =>
    keys.flatMap((key) => {
      const what = fixed(key);
      return what === undefined ? [] : [forbidden(`${field}[${key}]`, `may not ${verb} ${what}`)];
    });
  const changed = Object.keys(before).filter((key) => after[key] !== before[key]);
  const added = Object.keys(after).filter((key) => !Object.hasOwn(before, key));
  return [
    ...refusals(changed, "remove or update"),
    ...refusals(added, "add"),
    ...validatePodAnnotations(after, next.spec, field),
  ];
}

/** No plus sign and no leading zeros, so that each number is written one way. */
function isCost(text: string): boolean {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) return false;
  const value = parseInt64(text);
  return value !== undefined && value >= int32.least && value <= int32.most;
}

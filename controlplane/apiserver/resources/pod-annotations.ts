import { parseInt64 } from "../../../client/rules/int64.ts";
import type { Pod } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateAppArmorAnnotations } from "./app-armor-annotations.ts";
import { invalid } from "./field-errors.ts";

const mirror = "kubernetes.io/config.mirror";
const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const int32 = { least: -(2n ** 31n), most: 2n ** 31n - 1n };

/** A static pod, which its node made, as the API shows it. */
export const isMirrorPod = ({ metadata }: Pod): boolean => metadata.annotations?.[mirror] !== undefined;

/** Annotations of a pod that something acts on. */
export function validatePodAnnotations(pod: Pod): readonly FieldError[] {
  const { metadata, spec } = pod;
  const annotations = metadata.annotations ?? {};
  const problems: FieldError[] = [];
  const refuse = (name: string, text: string) =>
    problems.push(invalid(`metadata.annotations[${name}]`, annotations[name], text));
  if (annotations[mirror] !== undefined && !spec.nodeName)
    refuse(mirror, "must set spec.nodeName if mirror pod annotation is set");
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isCost(cost)) refuse(deletionCost, "must be a 32bit integer");
  return [...problems, ...validateAppArmorAnnotations(pod)];
}

/** No plus sign and no leading zeros, so that each number is written one way. */
function isCost(text: string): boolean {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) return false;
  const value = parseInt64(text);
  return value !== undefined && value >= int32.least && value <= int32.most;
}

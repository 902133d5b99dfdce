import { exactJsonText } from "../../../base/exact-json.ts";
import type { Pod } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateAppArmorMatch } from "./app-armor-annotations.ts";
import { forbidden } from "./field-errors.ts";
import { validatePodAnnotations } from "./pod-annotations.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { podNameWarnings, templateWarnings } from "./pod-warnings.ts";
import { validateSeccompMatch } from "./seccomp-annotations.ts";

/** What there is to say of a new pod, but for its name and labels. */
interface PodVerdict {
  readonly problems: readonly FieldError[];
  readonly warnings: readonly string[];
}

/** Pods of one workload differ in their names and where they run: what was said of one holds for the others. */
const rememberedMax = 256;
const rememberedCharactersMax = 16_384;
const remembered = new Map<string, PodVerdict>();

/** The same for all pods with the same spec and annotations. */
function verdictOn(pod: Pod): PodVerdict {
  const text = exactJsonText([pod.metadata.annotations ?? null, pod.spec ?? null]);
  const before = remembered.get(text);
  if (before !== undefined) return before;
  const verdict = judged(pod);
  if (text.length > rememberedCharactersMax) return verdict;
  if (remembered.size >= rememberedMax) remembered.clear();
  remembered.set(text, verdict);
  return verdict;
}

const last = new WeakMap<Pod, PodVerdict>();

/** To be asked before `newPodWarnings`. */
export function newPodProblems(pod: Pod): readonly FieldError[] {
  const verdict = verdictOn(pod);
  last.set(pod, verdict);
  return verdict.problems;
}

/** Of a pod of which nothing has changed since its problems were asked for. */
export function newPodWarnings(pod: Pod): readonly string[] {
  const { warnings } = last.get(pod) ?? verdictOn(pod);
  return [...podNameWarnings(pod.metadata.name), ...warnings];
}

function judged({ metadata: { annotations }, spec }: Pod): PodVerdict {
  const problems = [
    ...validatePodAnnotations(annotations, spec, "metadata.annotations"),
    ...validatePodSpec(spec, "spec", { isPod: true }),
    ...((spec.ephemeralContainers ?? []).length > 0
      ? [forbidden("spec.ephemeralContainers", "cannot be set on create")]
      : []),
    ...(spec.nodeName && (spec.schedulingGates ?? []).length > 0
      ? [forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")]
      : []),
    ...validateSeccompMatch(annotations, spec, "spec"),
    ...validateAppArmorMatch(annotations, spec, "spec"),
  ];
  return {
    problems,
    warnings: templateWarnings({ metadata: { ...(annotations && { annotations }) }, spec }, ""),
  };
}

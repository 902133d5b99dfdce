import type { Pod, RuntimeClass, Toleration } from "../../../client/types.ts";
import { forbidden } from "../api-error.ts";
import { sameValue } from "../schema/same-value.ts";
import type { Admission } from "./admission.ts";
import { newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

const classes = { group: "node.k8s.io", plural: "runtimeclasses", namespace: "" } as const;

/** Kubernetes' RuntimeClass: the class a pod names must be there; it says how much a sandbox takes, and which nodes have it,
 *  and nothing else may say how much a sandbox takes. */
export function runtimeClass(deps: LookupDeps): Admission {
  return async (attributes) => {
    const pod = newPod(attributes);
    if (pod === undefined) return;
    const refuse = (why: string) => forbidden(attributes.kind, pod.metadata.name, why);
    const { runtimeClassName: name, overhead } = pod.spec;
    const found = name ? await storedObject(deps, { ...classes, name }) : undefined;
    if (name && found === undefined)
      throw refuse(`pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    const { overhead: fixed, scheduling } = (found ?? {}) as Partial<RuntimeClass>;
    if (fixed === undefined && overhead !== undefined)
      throw refuse("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    if (fixed !== undefined) {
      const { podFixed = {} } = fixed;
      if (Object.keys(overhead ?? {}).length > 0 && !sameValue(podFixed, overhead))
        throw refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      pod.spec.overhead = structuredClone(podFixed);
    }
    if (scheduling === undefined) return;
    const conflict = addNodeSelector(pod, scheduling.nodeSelector ?? {});
    if (conflict !== undefined) throw refuse(conflict);
    addTolerations(pod, scheduling.tolerations ?? []);
  };
}

/** What is in the way, if anything is. */
function addNodeSelector(pod: Pod, wanted: Readonly<Record<string, string>>): string | undefined {
  const own = pod.spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(wanted))
    if (own[key] !== undefined && own[key] !== value)
      return `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`;
  if (Object.keys(wanted).length > 0) pod.spec.nodeSelector = { ...own, ...wanted };
  return undefined;
}

/** Of two tolerations of which one covers the other, only the wider one stays; of two that are the same, the first. */
function addTolerations(pod: Pod, wanted: readonly Toleration[]): void {
  const all = [...(pod.spec.tolerations ?? []), ...structuredClone(wanted)];
  const kept: Toleration[] = [];
  all.forEach((one, index) => {
    if (kept.some((other) => covers(other, one))) return;
    if (all.slice(index + 1).some((later) => !sameValue(one, later) && covers(later, one))) return;
    kept.push(one);
  });
  if (kept.length > 0) pod.spec.tolerations = kept;
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (sameValue(wide, narrow)) return true;
  if ((narrow.key ?? "") !== (wide.key ?? "") && (wide.key || wide.operator !== "Exists")) return false;
  if (wide.effect && narrow.effect !== wide.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined)
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds)
      return false;
  if (wide.operator === "Exists") return true;
  return narrow.operator === "Equal" && (narrow.value ?? "") === (wide.value ?? "");
}

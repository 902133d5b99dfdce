import type { Pod, RuntimeClass, Toleration } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";
import { type Attributes, type Plugin, refusal, where } from "./admission.ts";
import { newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

const classes = { group: "node.k8s.io", plural: "runtimeclasses", namespace: "" } as const;

/** Kubernetes' RuntimeClass: the class a pod names must be there; it says how much a sandbox takes, and which nodes have it,
 *  and nothing else may say how much a sandbox takes. */
export function runtimeClass(deps: LookupDeps): Plugin {
  return {
    mutate: where(namesClass, async (attributes) => {
      const pod = newPod(attributes);
      if (pod === undefined) return;
      const { overhead, scheduling } = await classOf(deps, pod, attributes);
      if (overhead !== undefined) {
        const { podFixed = {} } = overhead;
        const given = pod.spec.overhead ?? {};
        if (Object.keys(given).length > 0 && !sameValue(podFixed, given))
          throw refusal(attributes, otherOverhead);
        pod.spec.overhead = structuredClone(podFixed);
      }
      if (scheduling === undefined) return;
      const conflict = addNodeSelector(pod, scheduling.nodeSelector ?? {});
      if (conflict !== undefined) throw refusal(attributes, conflict);
      addTolerations(pod, scheduling.tolerations ?? []);
    }),
    validate: where(namesClass, async (attributes) => {
      const pod = newPod(attributes);
      if (pod === undefined) return;
      const { overhead } = await classOf(deps, pod, attributes);
      if (overhead === undefined && pod.spec.overhead !== undefined)
        throw refusal(attributes, unfixedOverhead);
      if (overhead !== undefined && !sameValue(overhead.podFixed ?? {}, pod.spec.overhead ?? {}))
        throw refusal(attributes, otherOverhead);
    }),
  };
}

/** Or says what its class would say. */
function namesClass(attributes: Attributes): boolean {
  const spec = newPod(attributes)?.spec;
  return spec !== undefined && (Boolean(spec.runtimeClassName) || spec.overhead !== undefined);
}

const unfixedOverhead = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
const otherOverhead = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

async function classOf(
  deps: LookupDeps,
  { spec }: Pod,
  attributes: Attributes,
): Promise<Partial<RuntimeClass>> {
  const { runtimeClassName: name } = spec;
  if (!name) return {};
  const found = await storedObject(deps, { ...classes, name });
  if (found === undefined)
    throw refusal(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return found as Partial<RuntimeClass>;
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

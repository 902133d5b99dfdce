import { forbidden } from "../api-error.ts";
import type { Admission } from "./admission.ts";
import { newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

interface PriorityClass {
  readonly value: number;
  readonly preemptionPolicy?: string;
}

/** The classes that every cluster has. */
const systemClasses: Readonly<Record<string, PriorityClass>> = {
  "system-cluster-critical": { value: 2_000_000_000, preemptionPolicy: "PreemptLowerPriority" },
  "system-node-critical": { value: 2_000_001_000, preemptionPolicy: "PreemptLowerPriority" },
};
const noClass: PriorityClass = { value: 0, preemptionPolicy: "PreemptLowerPriority" };

/** Kubernetes' Priority: a pod's priority and preemption policy follow from its class, and from nothing else. */
export function priority(deps: LookupDeps): Admission {
  return async (attributes) => {
    const pod = newPod(attributes);
    if (pod === undefined) return;
    const { spec, metadata } = pod;
    const refuse = (why: string) => forbidden(attributes.kind, metadata.name, why);
    const computed = spec.priorityClassName ? await classNamed(deps, spec.priorityClassName) : noClass;
    if (computed === undefined)
      throw refuse(`no PriorityClass with name ${spec.priorityClassName} was found`);
    const { value, preemptionPolicy = "PreemptLowerPriority" } = computed;
    if (spec.priority !== undefined && spec.priority !== value)
      throw refuse(
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
      throw refuse(
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    spec.priority = value;
    spec.preemptionPolicy = preemptionPolicy;
  };
}

async function classNamed(deps: LookupDeps, name: string): Promise<PriorityClass | undefined> {
  const system = Object.hasOwn(systemClasses, name) ? systemClasses[name] : undefined;
  if (system !== undefined) return system;
  const address = { group: "scheduling.k8s.io", plural: "priorityclasses", namespace: "", name };
  return (await storedObject(deps, address)) as PriorityClass | undefined;
}

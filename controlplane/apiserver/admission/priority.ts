import type { KubeObject, PriorityClass } from "../../../client/types.ts";
import { forbidden } from "../api-error.ts";
import { systemPriorityClasses } from "../resources/system-priority-classes.ts";
import { type Attributes, type Plugin, refusal, where } from "./admission.ts";
import { newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject, storedObjects } from "./stored-lookup.ts";

interface Class {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy?: string;
}

const classes = { group: "scheduling.k8s.io", plural: "priorityclasses", namespace: "" } as const;
const noClass: Class = { name: "", value: 0 };

/** Kubernetes' Priority: a pod's priority and preemption policy follow from its class, and from nothing else. A pod without
 *  a class has the default one, of which there is one at most. The system's classes stay. */
export function priority(deps: LookupDeps): Plugin {
  return {
    mutate: (attributes) => {
      if (attributes.by.subresource !== "") return undefined;
      return newPod(attributes) === undefined ? keepPriority(attributes) : admitPod(deps, attributes);
    },
    validate: where(isPriorityClass, (attributes) => admitClass(deps, attributes)),
  };
}

const isPriorityClass = ({ kind, by }: Attributes) =>
  by.subresource === "" && kind.kind === "PriorityClass" && kind.group === classes.group;

async function admitPod(deps: LookupDeps, attributes: Attributes): Promise<void> {
  const pod = newPod(attributes);
  if (pod === undefined) return;
  const { spec } = pod;
  const refuse = (why: string) => refusal(attributes, why);
  const computed = spec.priorityClassName
    ? await classNamed(deps, spec.priorityClassName)
    : ((await defaultClass(deps)) ?? noClass);
  if (computed === undefined) throw refuse(`no PriorityClass with name ${spec.priorityClassName} was found`);
  const { name, value, preemptionPolicy = "PreemptLowerPriority" } = computed;
  if (spec.priority !== undefined && spec.priority !== value)
    throw refuse(
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
    throw refuse(
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
    );
  if (name !== "") spec.priorityClassName = name;
  spec.priority = value;
  spec.preemptionPolicy = preemptionPolicy;
}

/** A client that leaves out what was computed means to keep it. */
function keepPriority({ kind, operation, object, old }: Attributes): void {
  if (kind.kind !== "Pod" || kind.group !== "" || operation !== "update") return;
  const [next, before] = [object.spec as PodPriority, old.spec as PodPriority];
  if (before.priority !== undefined) next.priority ??= before.priority;
  if (before.preemptionPolicy !== undefined) next.preemptionPolicy ??= before.preemptionPolicy;
}

interface PodPriority {
  priority?: number;
  preemptionPolicy?: string;
}

async function admitClass(deps: LookupDeps, { kind, operation, object, old }: Attributes): Promise<void> {
  const { name } = (object ?? old).metadata;
  if (operation === "delete") {
    if (systemPriorityClasses.some((one) => one.name === name))
      throw forbidden(kind, name, "this is a system priority class and cannot be deleted");
    return;
  }
  if (object.globalDefault !== true) return;
  const found = await defaultClass(deps);
  if (found !== undefined && (operation === "create" || found.name !== name))
    throw forbidden(
      kind,
      name,
      `PriorityClass ${found.name} is already marked as default. Only one default can exist`,
    );
}

async function classNamed(deps: LookupDeps, name: string): Promise<Class | undefined> {
  const system = systemPriorityClasses.find((one) => one.name === name);
  if (system !== undefined) return system;
  const found = await storedObject(deps, { ...classes, name });
  return found && classOf(found);
}

/** Where two came about at once, the lower one counts. */
async function defaultClass(deps: LookupDeps): Promise<Class | undefined> {
  const all = (await storedObjects(deps, classes)).filter(({ globalDefault }) => globalDefault === true);
  return all.map(classOf).sort((a, b) => a.value - b.value)[0];
}

function classOf(object: KubeObject): Class {
  const { metadata, value = 0, preemptionPolicy } = object as unknown as PriorityClass;
  return { name: metadata.name, value, ...(preemptionPolicy !== undefined && { preemptionPolicy }) };
}

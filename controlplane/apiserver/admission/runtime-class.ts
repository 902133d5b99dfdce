import { forbidden } from "../api-error.ts";
import type { Admission } from "./admission.ts";
import { newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

/** Kubernetes' RuntimeClass: the class a pod names must be there, and nothing else says how much a sandbox takes. */
export function runtimeClass(deps: LookupDeps): Admission {
  return async (attributes) => {
    const pod = newPod(attributes);
    if (pod === undefined) return;
    const { runtimeClassName: name, overhead } = pod.spec;
    const refuse = (why: string) => forbidden(attributes.kind, pod.metadata.name, `pod rejected: ${why}`);
    if (!name) {
      if (overhead !== undefined)
        throw refuse("Pod Overhead set without corresponding RuntimeClass defined Overhead");
      return;
    }
    const found = await storedObject(deps, {
      group: "node.k8s.io",
      plural: "runtimeclasses",
      namespace: "",
      name,
    });
    if (found === undefined) throw refuse(`RuntimeClass ${JSON.stringify(name)} not found`);
  };
}

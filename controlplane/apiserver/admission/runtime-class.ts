import { forbidden } from "../api-error.ts";
import type { Admission } from "./admission.ts";
import { newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

/** Kubernetes' RuntimeClass: the class a pod names must be there. */
export function runtimeClass(deps: LookupDeps): Admission {
  return async (attributes) => {
    const pod = newPod(attributes);
    const name = pod?.spec.runtimeClassName;
    if (pod === undefined || !name) return;
    const found = await storedObject(deps, {
      group: "node.k8s.io",
      plural: "runtimeclasses",
      namespace: "",
      name,
    });
    if (found === undefined)
      throw forbidden(
        attributes.kind,
        pod.metadata.name,
        `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`,
      );
  };
}

import { isQuantity, parseNanos } from "../../../base/quantity.ts";
import type { PodSpec } from "../../../client/types.ts";
import { podContainers } from "./pod-defaults.ts";

/** Kubernetes' quality-of-service class: who is killed first when memory is short. */
export function qosClass(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = podContainers(spec);
  let any = false;
  let guaranteed = true;
  for (const { resources = {} } of containers) {
    for (const name of ["cpu", "memory"]) {
      const request = amount(resources.requests?.[name]);
      const limit = amount(resources.limits?.[name]);
      if (request > 0n || limit > 0n) any = true;
      if (limit === 0n || request !== limit) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** What does not parse counts for nothing here; validation, which comes after, refuses it. */
function amount(text: string | undefined): bigint {
  return text === undefined || !isQuantity(text) ? 0n : parseNanos(text);
}

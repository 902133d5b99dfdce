import type { Pod, PodStatus } from "../../client/types.ts";
import { ownConditions } from "./pod-conditions.ts";

/** The pod with the newest status that this agent found for it, whether or not the API has it by now; conditions of other
 *  writers are the API's. */
export function knownPod(pod: Pod, found: PodStatus | undefined): Pod {
  if (found === undefined) return pod;
  const own = (found.conditions ?? []).filter(({ type }) => ownConditions.has(type));
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !ownConditions.has(type));
  return { ...pod, status: { ...pod.status, ...found, conditions: [...own, ...others] } };
}

import { qosClass } from "../../client/rules/pod-qos.ts";
import { tolerated } from "../../client/rules/tolerations.ts";
import type { Pod } from "../../client/types.ts";
import { isCritical } from "../eviction/critical-pods.ts";
import type { PressureCondition } from "../eviction/signals.ts";
import { evicted } from "../sync/pod-phase.ts";
import type { Rejection } from "./fits-node.ts";

const memoryTaint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" } as const;

/** Why a node that is short of something does not take the pod, as the kubelet has it: where that is memory alone, pods that
 *  ask for an amount of it are taken, and those that tolerate it; critical ones always. */
export function refusedUnderPressure(
  pod: Pod,
  conditions: readonly PressureCondition[],
): Rejection | undefined {
  if (conditions.length === 0 || isCritical(pod)) return undefined;
  const isMemoryAlone = conditions.length === 1 && conditions[0] === "MemoryPressure";
  if (isMemoryAlone && qosClass(pod.spec) !== "BestEffort") return undefined;
  if (isMemoryAlone && tolerated(memoryTaint, pod.spec.tolerations ?? [])) return undefined;
  return { reason: evicted, message: `The node had condition: [${conditions.join(" ")}]. ` };
}

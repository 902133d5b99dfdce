import { isQuantity, parseQuantity } from "../../../base/quantity.ts";
import type { PodAttachment } from "../../network-seam.ts";
import type { JsonObject } from "./network-list.ts";

/** What plugins can ask to be told of a pod, by the names of CNI's conventions and with the kubelet's values. Throws where
 *  the pod's annotations are none. Pure. */
export function capabilityArgs(pod: PodAttachment, podCidrs: readonly string[]): JsonObject {
  const ports = pod.hostPorts.map(({ hostIp = "", hostPort, containerPort, protocol }) => ({
    hostPort,
    containerPort,
    protocol: protocol.toLowerCase(),
    ...(hostIp !== "" && { hostIP: hostIp }),
  }));
  const { ingress, egress } = pod.bandwidth ?? {};
  const bandwidth = { ...rateOf("ingress", ingress), ...rateOf("egress", egress) };
  return {
    ...(ports.length > 0 && { portMappings: ports }),
    ...(Object.keys(bandwidth).length > 0 && { bandwidth }),
    ...(pod.dns !== undefined && { dns: pod.dns }),
    ...(podCidrs.length > 0 && { ipRanges: podCidrs.map((subnet) => [{ subnet }]) }),
  };
}

/** As the kubelet: what may be sent at once is not limited. */
const burstBits = 2 ** 32 - 1;
const rateLimits = { least: 1e3, most: 1e15 } as const;

function rateOf(direction: "ingress" | "egress", text: string | undefined): JsonObject {
  if (text === undefined) return {};
  const annotation = `annotation kubernetes.io/${direction}-bandwidth`;
  if (!isQuantity(text)) throw new Error(`${annotation}: ${JSON.stringify(text)} is not a quantity`);
  const bits = Math.ceil(parseQuantity(text));
  if (bits < rateLimits.least || bits > rateLimits.most)
    throw new Error(`${annotation}: ${text} is not between 1k and 1P bits a second`);
  return { [`${direction}Rate`]: bits, [`${direction}Burst`]: burstBits };
}

/** What plugins are told of the pod by name. Pure. */
export function podArgs(pod: PodAttachment): readonly (readonly [string, string])[] {
  return [
    ["IgnoreUnknown", "1"],
    ["K8S_POD_NAMESPACE", pod.namespace],
    ["K8S_POD_NAME", pod.name],
    ["K8S_POD_INFRA_CONTAINER_ID", pod.sandboxId],
    ["K8S_POD_UID", pod.uid],
  ];
}

import type { NodeNetworkConfig, PodNetwork } from "../network-seam.ts";
import { AddressPool, parseRange } from "./address-pool.ts";

/** Pods that are plain processes: each is given a loopback address of its own to listen on. Nothing needs connecting; two
 *  pods that listen on every address at the same port still meet. */
export function openLoopbackPods(config: NodeNetworkConfig): PodNetwork {
  let pool = new AddressPool(parseRange(config.podCidr));
  return {
    attach: async (pod) => ({ podIp: pool.acquire(pod.sandboxId), gateway: pool.gateway }),
    detach: async (pod) => pool.release(pod.sandboxId),
    async restore(known) {
      const inRange = known.filter((pod) => pod.podIp.startsWith("127."));
      pool = new AddressPool(
        parseRange(config.podCidr),
        inRange.map((pod) => [pod.sandboxId, pod.podIp] as const),
      );
      return known.filter((pod) => !inRange.includes(pod)).map((pod) => pod.sandboxId);
    },
  };
}

import type { NodeNetworkConfig } from "../../network-seam.ts";
import { CniNetwork } from "./cni-network.ts";

/** Why the node is not ready as far as its network is concerned, in the words that the kubelet has from containerd. */
export function networkTrouble(
  places: NonNullable<NodeNetworkConfig["cni"]>,
): () => Promise<string | undefined> {
  const network = new CniNetwork(places);
  return async () => {
    const why = await network.trouble();
    if (why === undefined) return undefined;
    return `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: ${why}`;
  };
}

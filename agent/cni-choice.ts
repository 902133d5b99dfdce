import { UsageError } from "../base/os/flags.ts";
import type { AgentConfig } from "./flags.ts";
import { networkTrouble } from "./network/cni/network-trouble.ts";
import type { NodeNetworkConfig } from "./network-seam.ts";
import type { Chosen } from "./runtime/choose.ts";
import { runtimeTrouble } from "./runtime/cri/node-trouble.ts";

type CniPlaces = NonNullable<NodeNetworkConfig["cni"]>;

/** Where CNI's configuration and plugins are; undefined where the agent connects pods itself. Throws UsageError where there are no
 *  containers to connect. */
export function cniPlaces({ cni }: AgentConfig, chosen: Chosen): CniPlaces | undefined {
  if (cni === undefined) return undefined;
  if (chosen.kind === "process")
    throw new UsageError(`--network-plugin: cni connects containers, and there are none: ${chosen.reason}`);
  const usual =
    chosen.kind === "cri" ? chosen.found.cni : { confDir: "/etc/cni/net.d", binDir: "/opt/cni/bin" };
  const binDirs = cni.binDirs.length > 0 ? cni.binDirs : [usual.binDir];
  return { confDir: cni.confDir ?? usual.confDir, binDirs };
}

/** Asks what else than the machine itself can keep the node from running pods. */
export function othersTrouble(chosen: Chosen, cni: CniPlaces | undefined): () => Promise<string | undefined> {
  const asked = [
    ...(chosen.kind === "cri" ? [() => runtimeTrouble(chosen.found.client)] : []),
    ...(cni === undefined ? [] : [networkTrouble(cni)]),
  ];
  return async () => {
    const said = await Promise.all(asked.map((ask) => ask()));
    return said.find((trouble) => trouble !== undefined);
  };
}

import { join } from "node:path";
import { localPath } from "../client/rules/local-path.ts";
import { kubernetesVersion } from "../client/version.ts";
import type { NodeCsi } from "./csi/start-csi.ts";
import type { NodeDevices } from "./devices/start-devices.ts";
import type { AgentConfig } from "./flags.ts";
import type { Chosen } from "./runtime/choose.ts";
import { ownLacks } from "./runtime/process/lacks.ts";
import { processLauncher } from "./runtime/process/launcher.ts";
import { abilitiesOf } from "./runtime-abilities.ts";
import type { NodeImages } from "./status/node-images.ts";
import type { NodeInput } from "./status/node-object.ts";

/** A runtime as a Node names it. */
export function descriptionOf(chosen: Chosen): string {
  if (chosen.kind === "cri") return chosen.found.description;
  return chosen.kind === "oci" ? `oci://${chosen.config.version}` : processLauncher().description;
}

/** Where volumes are that are this node's own folders. */
export const localVolumesFolder = ({ rootDir }: AgentConfig): string => join(rootDir, "local-volumes");

/** What the node says of itself that does not change while its agent runs. */
export function nodeInput(
  config: AgentConfig,
  {
    port,
    version,
    chosen,
    csi,
    devices,
    images,
  }: {
    readonly port: number;
    readonly version: string;
    readonly chosen: Chosen;
    readonly csi: NodeCsi;
    readonly devices: NodeDevices;
    readonly images: NodeImages;
  },
): NodeInput {
  return {
    name: config.nodeName,
    ip: config.nodeIp,
    secondIp: config.v6?.nodeIp,
    port,
    maxPods: config.maxPods,
    labels: config.nodeLabels,
    taints: config.taints,
    externalCloud: config.externalCloud,
    providerId: config.providerId,
    reserved: config.reserved,
    runtimeVersion: version,
    devices: devices.manager,
    images,
    volumesInUse: () => csi.volumes.attachments.inUse,
    agentVersion: kubernetesVersion.gitVersion,
    ...abilitiesOf(chosen),
    annotations: {
      "pintle.dev/runtime": chosen.kind,
      [localPath.folderAnnotation]: localVolumesFolder(config),
      // Volumes of CSI drivers are attached by the controller, never by the node itself.
      "volumes.kubernetes.io/controller-managed-attach-detach": "true",
      ...(chosen.kind === "process" && {
        "pintle.dev/isolation": `none: ${chosen.reason || "asked for by --runtime process"}; ${ownLacks()}`,
      }),
    },
  };
}

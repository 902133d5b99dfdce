import { createHash } from "node:crypto";
import type { PersistentVolume, VolumeAttachment } from "../types.ts";

/** How nodes, controllers and attachers of CSI drivers name one volume. Pure. */

/** A volume of a CSI driver. */
export interface CsiVolume {
  readonly driver: string;
  /** What the driver calls it. */
  readonly handle: string;
}

const plugin = "kubernetes.io/csi/";

export function csiVolumeOf({ spec }: PersistentVolume): CsiVolume | undefined {
  const { csi } = spec;
  return csi === undefined ? undefined : { driver: csi.driver, handle: csi.volumeHandle };
}

/** As it stands in `status.volumesAttached` and `status.volumesInUse` of nodes. */
export const uniqueName = ({ driver, handle }: CsiVolume): string => `${plugin}${driver}^${handle}`;

/** Undefined: not the name of a CSI driver's volume. */
export function volumeNamed(name: string): CsiVolume | undefined {
  const at = name.indexOf("^");
  if (!name.startsWith(plugin) || at < 0) return undefined;
  return { driver: name.slice(plugin.length, at), handle: name.slice(at + 1) };
}

/** The name of the object that asks for the volume on the node: Kubernetes' getAttachmentName, which nodes look for. */
export function attachmentName({ driver, handle }: CsiVolume, node: string): string {
  return `csi-${createHash("sha256").update(`${handle}${driver}${node}`).digest("hex")}`;
}

export function attachmentFor(
  volume: CsiVolume,
  persistentVolumeName: string,
  node: string,
): Pick<VolumeAttachment, "spec"> & { readonly metadata: { readonly name: string } } {
  return {
    metadata: { name: attachmentName(volume, node) },
    spec: { nodeName: node, attacher: volume.driver, source: { persistentVolumeName } },
  };
}

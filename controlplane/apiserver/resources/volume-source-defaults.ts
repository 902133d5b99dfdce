import type { Volume } from "../../../client/types.ts";

type Sources = Pick<Volume, "hostPath" | "iscsi" | "rbd" | "azureDisk" | "scaleIO">;

/** What pods' volumes and persistent volumes say where nothing else is said. Mutates. */
export function defaultVolumeSource({ hostPath, iscsi, rbd, azureDisk, scaleIO }: Sources): void {
  if (hostPath !== undefined) hostPath.type ??= "";
  if (iscsi !== undefined) iscsi.iscsiInterface ||= "default";
  if (rbd !== undefined) {
    rbd.pool ||= "rbd";
    rbd.user ||= "admin";
    rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (azureDisk !== undefined) {
    azureDisk.cachingMode ??= "ReadWrite";
    azureDisk.fsType ??= "ext4";
    azureDisk.kind ??= "Shared";
    azureDisk.readOnly ??= false;
  }
  if (scaleIO !== undefined) {
    scaleIO.storageMode ||= "ThinProvisioned";
    scaleIO.fsType ||= "xfs";
  }
}

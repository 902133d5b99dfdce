import type { Os } from "../../base/os/os.ts";
import type { Pod } from "../../client/types.ts";
import type { CsiVolumeStats } from "../csi/volume-stats.ts";
import { folderBytes, folderInodes } from "../eviction/folder-size.ts";
import type { RemoteVolumes } from "../remote-volumes/remote-volumes.ts";
import type { ClaimedVolumes } from "../volumes/claimed-volumes.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { askFolderUse } from "./machine-use.ts";
import { VolumeSampler } from "./volume-sampler.ts";

export interface NodeVolumes {
  readonly os: Pick<Os, "clock" | "log">;
  readonly pods: () => readonly Pod[];
  readonly csi: Pick<CsiVolumeStats, "of">;
  readonly volumes: () => Pick<PodVolumes, "folderOf" | "podDir">;
  readonly claimed: () => Pick<ClaimedVolumes, "knownPath">;
  readonly remote: () => Pick<RemoteVolumes, "knownPath">;
}

/** Of a node: what it made, what it knows of claims, and what drivers say. */
export const volumeSampler = ({ os, pods, csi, volumes, claimed, remote }: NodeVolumes): VolumeSampler =>
  new VolumeSampler({
    pods,
    csi,
    folderOf: (pod, volume) => volumes().folderOf(pod, volume),
    folderElsewhere: ({ metadata: { uid } }, { name }) =>
      claimed().knownPath(volumes().podDir(uid), name) ?? remote().knownPath(uid, name),
    bytes: folderBytes,
    inodes: folderInodes,
    disk: askFolderUse,
    clock: os.clock,
    log: os.log,
  });

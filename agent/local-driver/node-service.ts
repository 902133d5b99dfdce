import { lstat, mkdir, realpath, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { entries } from "../csi/driver-requests.ts";
import type { nodeCalls } from "../csi/messages.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { readFolderUse } from "../stats/machine-use.ts";
import { mountPoints } from "../volumes/sub-paths.ts";
import { type DriverState, found, mustFit, promising } from "./controller-service.ts";
import { DriverError, invalid } from "./driver-error.ts";
import type { LocalVolume, Target } from "./local-volumes.ts";
import { checkId, checkTarget, checkUse, isId, refuseSecrets, sizeOf } from "./requests.ts";
import type { Handlers } from "./serve-calls.ts";

export interface NodeState extends DriverState {
  /** Volumes are shown below it, and nowhere else. */
  readonly kubeletDir: string;
}

/** Shows volumes of this node to its pods: the folder itself, bound to where the kubelet wants it. */
export function nodeService(
  state: NodeState,
): Handlers<Omit<typeof nodeCalls, "NodeStageVolume" | "NodeUnstageVolume">> {
  const { volumes, nodeName, segments, inTurn, kubeletDir } = state;

  /** What a target leads to is the kubelet's folder by every name that it has. */
  async function mustBeBelow(path: string): Promise<void> {
    const parent = await ifPresent(realpath(dirname(path)));
    if (parent === undefined) throw invalid("the folder of target_path is not there");
    const root = await realpath(kubeletDir);
    if (parent !== root && !parent.startsWith(`${root}/`))
      throw invalid(`target_path leads out of ${kubeletDir}`);
  }

  async function publishedAt(volumeId: string, path: string): Promise<LocalVolume> {
    checkId(volumeId);
    if (path === "") throw invalid("volume_path is missing");
    const volume = found(volumes, volumeId);
    if (!volume.targets.some((one) => one.path === path) || !(await mountPoints()).includes(path))
      throw new DriverError("NOT_FOUND", "the volume is not published at volume_path");
    return volume;
  }

  async function publish(volume: LocalVolume, target: Target): Promise<void> {
    const mounted = await mountPoints();
    const targets = volume.targets.filter(({ path }) => mounted.includes(path));
    const before = targets.find(({ path }) => path === target.path);
    if (before !== undefined && !isSame(before, target))
      throw new DriverError("ALREADY_EXISTS", "the volume is published there in another way");
    if (before !== undefined) return;
    const others = [...targets, target].filter(({ mode }) => mode === "SINGLE_NODE_SINGLE_WRITER");
    if (targets.length > 0 && others.length > 0)
      throw new DriverError("FAILED_PRECONDITION", "the volume is published elsewhere, for one writer alone");
    if (mounted.includes(target.path))
      throw new DriverError("FAILED_PRECONDITION", "something else is mounted at target_path");
    await mustBeBelow(target.path);
    await mkdir(target.path, { mode: 0o750 }).catch(async (error: unknown) => {
      if (!(await ifPresent(lstat(target.path)))?.isDirectory()) throw error;
    });
    // From here on somebody has to undo it.
    await volumes.put({ ...volume, targets: [...targets, target] });
    await mustRun(["mount", "--no-canonicalize", "--bind", volumes.dataOf(volume.id), target.path]);
    if (target.flags.length === 0) return;
    const options = ["remount", "bind", ...target.flags].join(",");
    await mustRun(["mount", "-o", options, target.path]).catch(async (error: unknown) => {
      await mustRun(["umount", target.path]);
      throw error;
    });
  }

  async function unpublish(id: string, path: string): Promise<void> {
    const volume = volumes.get(id);
    const isOurs = volume?.targets.some((one) => one.path === path) ?? false;
    const isMounted = (await mountPoints()).includes(path);
    if (isMounted && !isOurs)
      throw new DriverError("NOT_FOUND", "what is mounted at target_path is not that volume");
    if (isMounted) await mustRun(["umount", path]);
    if (isId(id)) await ifPresent(rmdir(path));
    if (volume !== undefined && isOurs)
      await volumes.put({ ...volume, targets: volume.targets.filter((one) => one.path !== path) });
  }

  return {
    async NodePublishVolume(request) {
      checkId(request.volumeId);
      if (request.targetPath === "") throw invalid("target_path is missing");
      const use = checkUse(request.volumeCapability);
      const path = checkTarget(request.targetPath, kubeletDir);
      refuseSecrets(request.secrets);
      const flags = [...new Set([...use.flags, ...(request.readonly ? ["ro"] : [])])].sort();
      await inTurn.run(request.volumeId, undefined, () =>
        publish(found(volumes, request.volumeId), { path, mode: use.mode, flags }),
      );
      return {};
    },

    async NodeUnpublishVolume({ volumeId, targetPath }) {
      checkId(volumeId);
      const path = checkTarget(targetPath, kubeletDir);
      await inTurn.run(volumeId, undefined, () => unpublish(volumeId, path));
      return {};
    },

    async NodeGetVolumeStats({ volumeId, volumePath }) {
      const { id } = await publishedAt(volumeId, volumePath);
      const use = await readFolderUse(volumes.dataOf(id));
      return {
        usage: [
          { unit: "BYTES", total: use.capacityBytes, available: use.availableBytes, used: use.usedBytes },
          { unit: "INODES", total: use.inodes, available: use.inodesFree, used: use.inodes - use.inodesFree },
        ],
      };
    },

    async NodeExpandVolume({ volumeId, volumePath, capacityRange, volumeCapability, secrets }) {
      const size = sizeOf(capacityRange);
      refuseSecrets(secrets);
      if (volumeCapability !== undefined) checkUse(volumeCapability);
      await publishedAt(volumeId, volumePath);
      return inTurn.run(promising, undefined, () =>
        inTurn.run(volumeId, undefined, async () => {
          const volume = found(volumes, volumeId);
          if (size.limitBytes > 0 && size.limitBytes < volume.bytes)
            throw new DriverError("OUT_OF_RANGE", `the volume has ${volume.bytes} bytes, and never less`);
          const bytes = Math.max(volume.bytes, size.bytes);
          await mustFit(state, bytes - volume.bytes, "OUT_OF_RANGE");
          if (bytes > volume.bytes) await volumes.put({ ...volume, bytes });
          return { capacityBytes: bytes };
        }),
      );
    },

    async NodeGetCapabilities() {
      const types = ["GET_VOLUME_STATS", "EXPAND_VOLUME", "SINGLE_NODE_MULTI_WRITER"] as const;
      return { capabilities: types.map((type) => ({ rpc: { type } })) };
    },

    async NodeGetInfo() {
      return { nodeId: nodeName, accessibleTopology: { segments: entries(segments) } };
    },
  };
}

const isSame = (one: Target, other: Target): boolean =>
  one.mode === other.mode && one.flags.join() === other.flags.join();

import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { claimOfVolume } from "../../client/rules/volume-claims.ts";
import type { Container, Pod, Volume } from "../../client/types.ts";
import type { CsiVolumes } from "../csi/csi-volumes.ts";
import { mustAnswer } from "../csi/volume-group.ts";
import { inlineSource } from "../csi/volume-source.ts";
import { deviceNumbers } from "../device-numbers.ts";
import { usualLogs } from "../logs/log-links.ts";
import { inlineRemote } from "../remote-volumes/remote-source.ts";
import type { RemoteVolumes } from "../remote-volumes/remote-volumes.ts";
import { removeTree } from "../remove-tree.ts";
import type { Device, Mount } from "../runtime/seam.ts";
import { ConfigError, expandVariables, type FieldContext } from "../sync/environment.ts";
import type { PodTokens } from "./account-tokens.ts";
import { showPayload } from "./atomic-folder.ts";
import type { ClaimedVolumes } from "./claimed-volumes.ts";
import { showEmptyFolder } from "./empty-folder.ts";
import { checkHostPath } from "./host-path.ts";
import { type PayloadSources, payloadOf } from "./payload.ts";
import { isReadOnlyThroughout } from "./recursive-read-only.ts";
import { isPlainName, placeOfSubPath, removeMounts, subPathFolder } from "./sub-paths.ts";
import { textInside } from "./text-inside.ts";
import { logMounts, realLogPath } from "./usual-logs.ts";

export interface PodVolumesDeps {
  /** `<root>/pods`. */
  readonly dir: string;
  readonly sources: PayloadSources;
  readonly tokens: PodTokens;
  readonly claimed: Pick<ClaimedVolumes, "pathOf" | "forget">;
  readonly csi: Pick<CsiVolumes, "show" | "pathFor" | "hideAll">;
  readonly remote: Pick<RemoteVolumes, "show" | "pathOf" | "hideAll">;
  /** Whether a subPath is mounted by descriptor, so that nobody can exchange it; plain processes get its name. */
  readonly mountsSubPaths: boolean;
  /** Whether the runtime makes mounts read-only with all that is mounted in them. */
  readonly recursiveReadOnly: boolean;
  /** Where this node's logs are; absent: at their usual place. */
  readonly logsDir?: string;
}

/** What a container's mounts come from, besides its pod's own folders. */
export interface MountSources {
  readonly env: ReadonlyMap<string, string>;
  /** By the volume's name. */
  readonly imageFolders: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

/** Volumes of this node's pods. */
export class PodVolumes {
  readonly #dir: string;
  readonly #sources: PayloadSources;
  readonly #tokens: PodTokens;
  readonly #claimed: PodVolumesDeps["claimed"];
  readonly #csi: PodVolumesDeps["csi"];
  readonly #remote: PodVolumesDeps["remote"];
  readonly #mountsSubPaths: boolean;
  readonly #recursiveReadOnly: boolean;
  readonly #logsDir: string;

  constructor(deps: PodVolumesDeps) {
    this.#mountsSubPaths = deps.mountsSubPaths;
    this.#recursiveReadOnly = deps.recursiveReadOnly;
    this.#logsDir = deps.logsDir ?? usualLogs.pods;
    this.#dir = deps.dir;
    this.#sources = deps.sources;
    this.#tokens = deps.tokens;
    this.#claimed = deps.claimed;
    this.#csi = deps.csi;
    this.#remote = deps.remote;
  }

  podDir(uid: string): string {
    return join(this.#dir, uid);
  }

  /** Uids of the pods that have a folder here. */
  async list(): Promise<readonly string[]> {
    await makeFolder(this.#dir, 0o711);
    return readdir(this.#dir);
  }

  /** Makes all of a pod's volumes, or brings those made from the API up to date. Rejects with ConfigError, or with the signal's
   *  reason where it aborts the waiting for others. */
  async prepare(pod: Pod, context: FieldContext, signal: AbortSignal): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) await this.#prepareOne(pod, volume, { context, signal });
  }

  async #prepareOne(
    pod: Pod,
    volume: Volume,
    { context, signal }: { readonly context: FieldContext; readonly signal: AbortSignal },
  ): Promise<void> {
    const folder = this.folderOf(pod, volume);
    const group = pod.spec.securityContext?.fsGroup;
    const payload = await payloadOf(pod, volume, context, { sources: this.#sources, tokens: this.#tokens });
    if (payload !== undefined) {
      await showPayload(folder, payload, group);
      return;
    }
    if (volume.emptyDir) {
      await showEmptyFolder(folder, pod.spec, volume.emptyDir, context.allocatable.memoryBytes);
      return;
    }
    if (claimOfVolume(pod.metadata.name, volume) !== undefined) {
      await this.#claimed.pathOf({ pod, volume, podDir: this.podDir(pod.metadata.uid), signal });
      return;
    }
    if (volume.csi) {
      await this.#showInline(pod, volume, signal);
      return;
    }
    if (isRemoteInline(volume)) {
      await this.#showRemote(pod, volume, signal);
      return;
    }
    if (volume.image) return; // the folder of the images
    if (volume.hostPath)
      return checkHostPath(realLogPath(volume.hostPath.path, this.#logsDir), volume.hostPath.type ?? "");
    const kinds = Object.keys(volume).filter((key) => key !== "name");
    throw new ConfigError(`volume ${volume.name}: ${kinds.join()} is not supported by this node`);
  }

  /** A container's mounts. Call after `prepare`; `imageFolders`: where the volumes that are images lie, by name. */
  async mountsOf(
    pod: Pod,
    container: Container,
    { env, imageFolders, signal }: MountSources,
  ): Promise<readonly Mount[]> {
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const { name, mountPath, readOnly, subPath, subPathExpr, mountPropagation } = mount;
      const volume = (pod.spec.volumes ?? []).find((one) => one.name === name);
      if (volume === undefined) throw new ConfigError(`volume mount ${name}: no such volume`);
      const root = imageFolders.get(name) ?? (await this.#rootOf(pod, volume, signal));
      const inside = subPathExpr === undefined ? subPath : expandVariables(subPathExpr, env);
      const isClaimed = claimOfVolume(pod.metadata.name, volume) !== undefined;
      const isOthers = volume.csi !== undefined || isRemoteInline(volume) || isClaimed;
      if (inside && isOthers) await mustAnswer(root, signal);
      const hostPath = inside
        ? await placeOfSubPath({
            root,
            path: inside,
            create: volume.emptyDir !== undefined || volume.hostPath !== undefined || isOthers,
            mountAt: this.#mountsSubPaths
              ? subPathFolder(this.podDir(pod.metadata.uid), name, container.name, mounts.length)
              : undefined,
          })
        : root;
      const { configMap, secret, downwardAPI, projected, image } = volume;
      const isShown = [configMap, secret, downwardAPI, projected, image].some((kind) => kind !== undefined);
      const propagation =
        mountPropagation === "Bidirectional"
          ? "rshared"
          : mountPropagation === "HostToContainer"
            ? "rslave"
            : "rprivate";
      const made: Mount = {
        hostPath,
        containerPath: mountPath,
        readOnly:
          readOnly === true ||
          isShown ||
          volume.persistentVolumeClaim?.readOnly === true ||
          volume.csi?.readOnly === true ||
          volume.nfs?.readOnly === true ||
          volume.iscsi?.readOnly === true,
        recursively: isReadOnlyThroughout(mount, this.#recursiveReadOnly),
        propagation,
      };
      mounts.push(made);
      if (volume.hostPath !== undefined && !inside && this.#mountsSubPaths)
        mounts.push(...(await logMounts(made, volume.hostPath.path, this.#logsDir)));
    }
    return mounts;
  }

  async #rootOf(pod: Pod, volume: Volume, signal: AbortSignal): Promise<string> {
    if (volume.hostPath !== undefined) return realLogPath(volume.hostPath.path, this.#logsDir);
    if (volume.csi) return this.#showInline(pod, volume, signal);
    if (isRemoteInline(volume)) return this.#showRemote(pod, volume, signal);
    if (claimOfVolume(pod.metadata.name, volume) === undefined) return this.folderOf(pod, volume);
    return this.#claimed.pathOf({ pod, volume, podDir: this.podDir(pod.metadata.uid), signal });
  }

  async #showInline(pod: Pod, volume: Volume, signal: AbortSignal): Promise<string> {
    const shown = this.#csi.pathFor(pod.metadata.uid, volume.name);
    return shown ?? this.#csi.show(pod, inlineSource(pod, volume), signal);
  }

  async #showRemote(pod: Pod, volume: Volume, signal: AbortSignal): Promise<string> {
    const request = { pod, volume: volume.name, signal };
    const shown = await this.#remote.pathOf(request);
    if (shown !== undefined) return shown;
    const source = inlineRemote(pod, volume);
    assert(source !== undefined, "only volumes of other machines are asked for");
    return this.#remote.show(request, source);
  }

  /** What a container gets of volumes without a file system. Call after `prepare`. */
  async devicesOf(pod: Pod, container: Container, signal: AbortSignal): Promise<readonly Device[]> {
    const devices: Device[] = [];
    for (const { name, devicePath } of container.volumeDevices ?? []) {
      const volume = (pod.spec.volumes ?? []).find((one) => one.name === name);
      if (volume === undefined) throw new ConfigError(`volume device ${name}: no such volume`);
      const hostPath = await realpath(await this.#rootOf(pod, volume, signal));
      const found = await stat(hostPath);
      if (!found.isBlockDevice()) throw new ConfigError(`volume device ${name}: it is no block device`);
      const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
      const permissions = readOnly ? "r" : "rwm";
      devices.push({
        hostPath,
        containerPath: devicePath,
        permissions,
        type: "b",
        ...deviceNumbers(found.rdev),
      });
    }
    return devices;
  }

  /** The text of a file in one of the pod's own folders. Rejects with ConfigError. */
  async textOf(pod: Pod, name: string, path: string): Promise<string> {
    const volume = (pod.spec.volumes ?? []).find((one) => one.name === name);
    if (volume?.emptyDir === undefined)
      throw new ConfigError(`cannot find the volume ${JSON.stringify(name)} referenced by FileKeyRef`);
    return textInside(this.folderOf(pod, volume), path);
  }

  /** Removes a pod's volumes, which nothing uses any more; what its containers said at their end stays. Rejects where a driver does
   *  not undo what it did: then what it has is left as it is. */
  async clear(uid: string): Promise<void> {
    const dir = await this.#undo(uid);
    for (const name of ["claims", "remote", "volumes", "volumeDevices", "subpaths"])
      await removeTree(join(dir, name));
  }

  /** Removes all that was made for a pod. Rejects as `clear`. */
  async remove(uid: string): Promise<void> {
    await removeTree(await this.#undo(uid));
  }

  /** Parts of volumes are mounted from them, and go first; what is still mounted after the drivers is a volume of our own. */
  async #undo(uid: string): Promise<string> {
    this.#tokens.forget(uid);
    const dir = this.podDir(uid);
    await removeMounts(join(dir, "subpaths"));
    await this.#csi.hideAll(uid);
    await this.#remote.hideAll(uid);
    await removeMounts(dir);
    this.#claimed.forget(dir);
    return dir;
  }

  /** Where a volume that this node makes stands. */
  folderOf(pod: Pod, volume: Volume): string {
    if (!isPlainName(volume.name)) throw new ConfigError(`volume ${JSON.stringify(volume.name)}: not a name`);
    return join(this.podDir(pod.metadata.uid), "volumes", volume.name);
  }
}

const isRemoteInline = ({ nfs, iscsi }: Volume): boolean => nfs !== undefined || iscsi !== undefined;

import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { assert } from "../../base/assert.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { describeError } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { ApiClient } from "../../client/api.ts";
import { isNotFound } from "../../client/api-error.ts";
import type { EventRecorder } from "../../client/events.ts";
import { resources } from "../../client/resources.ts";
import { localPathNode } from "../../client/rules/local-path.ts";
import { isBindCompleted, reaches } from "../../client/rules/volume-binding.ts";
import {
  claimOfVolume,
  isMadeFor,
  notMadeForText,
  type VolumeClaim,
} from "../../client/rules/volume-claims.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../client/types.ts";
import type { CsiVolumes } from "../csi/csi-volumes.ts";
import type { VolumeExpansion } from "../csi/volume-expansion.ts";
import { giveVolumeToGroup, groupChangeOf } from "../csi/volume-group.ts";
import { isForOnePod, persistentSource, usedByAnother } from "../csi/volume-source.ts";
import { persistentRemote } from "../remote-volumes/remote-source.ts";
import type { RemoteVolumes } from "../remote-volumes/remote-volumes.ts";
import { removeTree } from "../remove-tree.ts";
import { ConfigError } from "../sync/environment.ts";
import { checkHostPath } from "./host-path.ts";
import type { FolderRemoval } from "./released-volumes.ts";

export interface ClaimedVolumesDeps {
  readonly client: Pick<ApiClient, "get">;
  readonly nodeName: string;
  /** The node's labels as the API has them. */
  readonly nodeLabels: () => Promise<Readonly<Record<string, string>>>;
  /** Where this node keeps the volumes that are its own folders. */
  readonly folder: string;
  readonly csi: Pick<CsiVolumes, "show" | "pathFor">;
  readonly remote: Pick<RemoteVolumes, "show" | "pathOf" | "isUsed">;
  readonly expansion: Pick<VolumeExpansion, "expandShown">;
  readonly events: () => Pick<EventRecorder, "record">;
}

/** A volume as a pod asks for it. */
export interface ClaimedRequest {
  readonly pod: Pod;
  readonly volume: Volume;
  readonly podDir: string;
  /** Ends the waiting for whoever attaches, or shows, the volume. */
  readonly signal: AbortSignal;
}

/** Where the volumes of pods' claims are on this machine. What was found once is kept in the pod's folder: a pod goes on without
 *  the API. */
export class ClaimedVolumes {
  readonly #deps: ClaimedVolumesDeps;
  /** By the file that keeps it. */
  readonly #known = new Map<string, string>();

  constructor(deps: ClaimedVolumesDeps) {
    this.#deps = deps;
  }

  /** The path of what the volume shows. Rejects with ConfigError where the claim has none yet, or none that a node here can
   *  show. */
  async pathOf({ pod, volume, podDir, signal }: ClaimedRequest): Promise<string> {
    const ofDriver = this.#deps.csi.pathFor(pod.metadata.uid, volume.name);
    if (ofDriver !== undefined) return ofDriver;
    const ofOthers = await this.#deps.remote.pathOf({ pod, volume: volume.name, signal });
    if (ofOthers !== undefined) return ofOthers;
    const record = join(podDir, "claims", volume.name);
    const known = this.#known.get(record) ?? (await ifPresent(readFile(record, "utf8")));
    if (known !== undefined) {
      this.#known.set(record, known);
      return known;
    }
    const wanted = claimOfVolume(pod.metadata.name, volume);
    assert(wanted !== undefined, "only volumes of claims are asked for");
    const path = await this.#find(pod, wanted, { podVolume: volume, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof ConfigError) throw error;
      const where = `${pod.metadata.namespace}/${wanted.name}`;
      throw new ConfigError(`error processing PVC ${where}: ${describeError(error)}`);
    });
    if (typeof path !== "string") return path.ofDriver;
    await makeFolder(dirname(record), 0o700);
    await writeFile(record, path, { mode: 0o600 });
    this.#known.set(record, path);
    return path;
  }

  /** Where the volume of a claim is that is no driver's, once that is known. */
  knownPath(podDir: string, name: string): string | undefined {
    return this.#known.get(join(podDir, "claims", name));
  }

  /** The pod's folder is gone, or about to be. */
  forget(podDir: string): void {
    for (const record of this.#known.keys())
      if (dirname(dirname(record)) === podDir) this.#known.delete(record);
  }

  /** What a driver shows is not noted here: it knows itself. */
  async #find(
    pod: Pod,
    wanted: VolumeClaim,
    { podVolume, signal }: { readonly podVolume: Volume; readonly signal: AbortSignal },
  ): Promise<string | { readonly ofDriver: string }> {
    const { name, isOwned } = wanted;
    const { namespace = "" } = pod.metadata;
    const { client } = this.#deps;
    const wrong = (why: string) => new ConfigError(`error processing PVC ${namespace}/${name}: ${why}`);
    const claim = await client
      .get(resources.persistentvolumeclaims, { namespace, name })
      .catch((error: unknown) => {
        if (isNotFound(error)) throw wrong(`persistentvolumeclaim ${JSON.stringify(name)} not found`);
        throw error;
      });
    if (isOwned && !isMadeFor(claim, pod)) throw wrong(notMadeForText(wanted, pod));
    const { volumeName } = claim.spec;
    if (claim.metadata.deletionTimestamp !== undefined) throw wrong("PVC is being deleted");
    if (!volumeName || !isBindCompleted(claim) || claim.status?.phase !== "Bound")
      throw wrong("PVC is not bound");
    const volume = await client.get(resources.persistentvolumes, { name: volumeName });
    if (volume.spec.claimRef?.uid !== claim.metadata.uid)
      throw wrong(`PVC is bound to PV ${volumeName}, which is not bound to it`);
    const node = { name: this.#deps.nodeName, labels: await this.#deps.nodeLabels() };
    if (!reaches(node, volume))
      throw new ConfigError(
        `storage node affinity check failed for volume ${JSON.stringify(volumeName)} : no matching NodeSelectorTerms`,
      );
    const isReadOnly = podVolume.persistentVolumeClaim?.readOnly ?? false;
    const remote = persistentRemote(volume, { isReadOnly, namespace });
    if (remote !== undefined) {
      checkUse(pod, podVolume.name, remote.kind === "iscsi" && remote.isBlock);
      const { uid } = pod.metadata;
      if (isForOnePod(volume.spec.accessModes) && (await this.#deps.remote.isUsed(volumeName, uid)))
        throw usedByAnother();
      return { ofDriver: await this.#deps.remote.show({ pod, volume: podVolume.name, signal }, remote) };
    }
    if (volume.spec.csi === undefined) {
      return this.#placeOf(volume, isReadOnly ? undefined : pod, signal);
    }
    return { ofDriver: await this.#showByDriver(pod, podVolume, { claim, volume, signal }) };
  }

  async #showByDriver(
    pod: Pod,
    { name, persistentVolumeClaim }: Volume,
    found: {
      readonly claim: PersistentVolumeClaim;
      readonly volume: PersistentVolume;
      readonly signal: AbortSignal;
    },
  ): Promise<string> {
    const { csi, expansion } = this.#deps;
    const isReadOnly = persistentVolumeClaim?.readOnly ?? false;
    const source = persistentSource(found.volume, { podName: name, isReadOnly });
    checkUse(pod, name, source.isBlock);
    const path = await csi.show(pod, source, found.signal);
    await expansion.expandShown(pod, source, found);
    return path;
  }

  /** @param writer A pod that may write there. */
  async #placeOf(volume: PersistentVolume, writer: Pod | undefined, signal: AbortSignal): Promise<string> {
    const { spec, metadata } = volume;
    const kinds = Object.keys(spec).filter((key) => !ofEveryVolume.has(key));
    const refused = [
      ...(spec.volumeMode === "Block" ? ["spec.volumeMode: Block"] : []),
      ...((spec.mountOptions ?? []).length > 0 ? ["spec.mountOptions"] : []),
      ...kinds.filter((kind) => kind !== "local" && kind !== "hostPath").map((kind) => `spec.${kind}`),
    ];
    if (refused.length > 0)
      throw new ConfigError(
        `${refused.join(", ")} of persistent volume ${metadata.name} ${refused.length === 1 ? "is" : "are"} not supported by this node`,
      );
    const place = spec.hostPath?.path ?? spec.local?.path ?? "";
    if (isForOnePod(spec.accessModes) && this.isUsed(place)) throw usedByAnother();
    if (spec.hostPath !== undefined) {
      await checkHostPath(spec.hostPath.path, spec.hostPath.type ?? "");
      return spec.hostPath.path;
    }
    const path = spec.local?.path ?? "";
    if (this.#isOwn(volume)) await makeOpenFolder(path);
    if (!(await ifPresent(stat(path)))?.isDirectory())
      throw new ConfigError(`local volume ${metadata.name}: path ${JSON.stringify(path)} is not a folder`);
    if (writer !== undefined) await this.#giveToGroup(path, writer, { name: metadata.name, signal });
    return path;
  }

  /** The volume is the group's of the pod that has it first. */
  async #giveToGroup(
    path: string,
    pod: Pod,
    { name = "", signal }: { readonly name?: string | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const group = pod.spec.securityContext?.fsGroup;
    if (group === undefined) return;
    if (!this.isUsed(path)) return giveVolumeToGroup(path, { group, change: groupChangeOf(pod), signal });
    const { gid } = await stat(path);
    if (gid === group) return;
    const message = `The requested fsGroup is ${group}, but the volume ${name} has GID ${gid}. The volume may not be shareable.`;
    this.#deps.events().record(pod, { type: "Warning", reason: "AlreadyMountedVolume", message });
  }

  /** Removes the folder of a volume of this node's own, unless a pod uses it. */
  async removeFolder(volume: PersistentVolume): Promise<FolderRemoval> {
    const path = volume.spec.local?.path ?? "";
    if (!this.#isOwn(volume)) return "elsewhere";
    if (this.isUsed(path)) return "used";
    await removeTree(path);
    return "removed";
  }

  /** Whether the volume is a folder that this node makes and removes. */
  #isOwn(volume: PersistentVolume): boolean {
    const path = join(this.#deps.folder, basename(volume.metadata.name));
    return localPathNode(volume) === this.#deps.nodeName && volume.spec.local?.path === path;
  }

  /** Whether a pod that has a folder here uses that path. */
  isUsed(path: string): boolean {
    return [...this.#known.values()].includes(path);
  }
}

/** Throws ConfigError where containers take the volume for what it is not. */
function checkUse({ spec }: Pod, name: string, isBlock: boolean): void {
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  const wrong = isBlock ? "volumeMounts" : "volumeDevices";
  if (containers.some((container) => (container[wrong] ?? []).some((one) => one.name === name)))
    throw new ConfigError(
      `volume ${name} has volumeMode ${isBlock ? "Block" : "Filesystem"}, but is specified in ${wrong}`,
    );
}

const ofEveryVolume: ReadonlySet<string> = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

/** Whoever a pod runs as may write there. */
async function makeOpenFolder(path: string): Promise<void> {
  await makeFolder(dirname(path), 0o711);
  const made = await makeFolder(path, 0o777);
  if (made !== undefined) await chmod(path, 0o777);
}

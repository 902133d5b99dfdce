import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/os/clock.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import type { ApiClient } from "../../client/api.ts";
import { isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { giveVolumeToGroup, groupChangeOf } from "../csi/volume-group.ts";
import { InTurn } from "../images/in-turn.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { codeOf } from "../status/machine.ts";
import { ConfigError } from "../sync/environment.ts";
import { mountPoints, takeDown } from "../volumes/sub-paths.ts";
import { attachIscsi, detachIscsi, sharedFolder, targetOf } from "./attach-iscsi.ts";
import { formatAndMount } from "./format-and-mount.ts";
import type { ChapSecret } from "./iscsi-admin.ts";
import type { DevicePlaces } from "./iscsi-sessions.ts";
import { type MountTools, mountNfs } from "./mount-nfs.ts";
import { RemoteRecords } from "./remote-records.ts";
import type { IscsiSource, RemoteSource } from "./remote-source.ts";

export interface RemoteVolumesDeps {
  /** `<root>/pods`. */
  readonly podsDir: string;
  /** `<root>/plugins`: where disks are mounted that several pods may have. */
  readonly pluginsDir: string;
  readonly tools: MountTools;
  readonly places: DevicePlaces;
  readonly clock: Clock;
  readonly client: Pick<ApiClient, "get">;
}

/** A pod, and what it calls its volume. */
export interface RemoteRequest {
  readonly pod: Pod;
  readonly volume: string;
  readonly signal: AbortSignal;
}

/** Volumes that other machines have, and that the host's own programs mount: NFS and iSCSI. */
export class RemoteVolumes {
  readonly #deps: RemoteVolumesDeps;
  readonly #records: RemoteRecords;
  /** What is done with one iSCSI target. */
  readonly #inTurn = new InTurn();
  /** Where volumes are mounted, by pod and volume. */
  readonly #folders = new Map<string, string>();
  /** Devices that are attached, of volumes without a file system. */
  readonly #devices = new Map<string, string>();

  constructor(deps: RemoteVolumesDeps) {
    this.#deps = deps;
    this.#records = new RemoteRecords(deps.podsDir);
  }

  /** Where a volume is that was shown to the pod before: mounted again, where it is not any more. Undefined for any other. */
  async pathOf(request: RemoteRequest): Promise<string | undefined> {
    const known = await this.#records.read(request.pod.metadata.uid, request.volume);
    return known && this.#shown(request, known.source);
  }

  /** Mounts or attaches a volume for the pod, and answers where it is. Rejects with ConfigError, or with the signal's reason. */
  async show(request: RemoteRequest, source: RemoteSource): Promise<string> {
    const { pod, volume } = request;
    if (process.getuid?.() !== 0)
      throw new ConfigError(
        `volume ${volume}: only an agent that runs as root can mount ${source.kind} volumes`,
      );
    await this.#records.write({ podUid: pod.metadata.uid, volume, source });
    return this.#shown(request, source);
  }

  /** Where a volume with a file system is, once that is known. */
  knownPath(podUid: string, volume: string): string | undefined {
    return this.#folders.get(`${podUid} ${volume}`);
  }

  /** Undoes what was done for the pod, once nothing of its own is mounted from it any more. Rejects where that cannot be. */
  async hideAll(podUid: string): Promise<void> {
    for (const { volume, source } of await this.#records.ofPod(podUid))
      await this.#inTurn.run(turnOf(podUid, volume, source), undefined, async () => {
        const folder = this.#folderOf(podUid, volume);
        await unmount(folder);
        await removeEmpty(folder);
        if (source.kind === "iscsi") await this.#release(podUid, volume, source);
        for (const known of [this.#devices, this.#folders]) known.delete(`${podUid} ${volume}`);
        await this.#records.remove(podUid, volume);
      });
  }

  /** Whether another pod has the volume of that name, or may have. */
  async isUsed(name: string, podUid: string): Promise<boolean> {
    const all = await this.#records.all();
    return all.some((one) => one.podUid !== podUid && one.source.name === name);
  }

  /** A program that mounts is never stopped half way, nor is one that formats: who waits goes, and what undoes it waits. */
  async #shown(request: RemoteRequest, source: RemoteSource): Promise<string> {
    const { pod, volume, signal } = request;
    const key = `${pod.metadata.uid} ${volume}`;
    const turn = turnOf(pod.metadata.uid, volume, source);
    const show = async () => {
      const folder = this.#folderOf(pod.metadata.uid, volume);
      if (source.kind === "iscsi") return this.#showDisk(request, source, folder);
      if (!(await isMounted(folder))) await mountNfs(source, folder, this.#deps.tools);
      return folder;
    };
    const path = await unlessAborted(this.#inTurn.run(turn, signal, show), signal);
    if (source.kind === "nfs" || !source.isBlock) this.#folders.set(key, path);
    return path;
  }

  async #showDisk(
    { pod, volume, signal }: RemoteRequest,
    source: IscsiSource,
    folder: string,
  ): Promise<string> {
    const key = `${pod.metadata.uid} ${volume}`;
    const known = this.#devices.get(key);
    if (known !== undefined) return known;
    if (!source.isBlock && (await isMounted(folder))) return folder;
    const shared = sharedFolder(this.#deps.pluginsDir, source);
    if (source.isBlock || !(await isMounted(shared))) {
      const secret = await this.#secretOf(source, signal);
      const device = await attachIscsi(source, secret, { ...this.#deps, signal });
      if (source.isBlock) {
        this.#devices.set(key, device);
        return device;
      }
      const { fsType, isReadOnly, mountOptions: options } = source;
      await formatAndMount({ device, folder: shared, fsType, options, isReadOnly });
    }
    await makeFolder(folder, 0o750);
    await mustRun(["mount", "--bind", shared, folder]);
    if (source.isReadOnly) await mustRun(["mount", "-o", "remount,bind,ro", folder]);
    const group = pod.spec.securityContext?.fsGroup;
    if (group !== undefined && !source.isReadOnly)
      await giveVolumeToGroup(folder, { group, change: groupChangeOf(pod), signal });
    return folder;
  }

  /** The disk goes with its last pod, and the session with the target's last disk. */
  async #release(podUid: string, volume: string, source: IscsiSource): Promise<void> {
    const { pluginsDir, places } = this.#deps;
    const others = (await this.#records.all()).flatMap((one) =>
      one.source.kind === "iscsi" && (one.podUid !== podUid || one.volume !== volume) ? [one.source] : [],
    );
    const shared = sharedFolder(pluginsDir, source);
    if (others.some((one) => sharedFolder(pluginsDir, one) === shared)) return;
    await unmount(shared);
    const isLast = !others.some((one) => targetOf(one) === targetOf(source));
    await detachIscsi(source, isLast, places);
    await removeEmpty(shared);
  }

  async #secretOf({ chap, secret, name }: IscsiSource, signal: AbortSignal): Promise<ChapSecret> {
    if ((!chap.discovery && !chap.session) || secret === undefined) return {};
    const where = `${secret.namespace}/${secret.name}`;
    const found = await this.#deps.client
      .get(resources.secrets, secret, { signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        if (isNotFound(error)) throw new ConfigError(`couldn't get secret ${where} error: not found`);
        throw error;
      });
    const values = Object.entries(found.data ?? {}).map(([key, text]) => [
      key,
      Buffer.from(text, "base64").toString(),
    ]);
    const bad = values.find(([, value = ""]) => /[\0\n]/.test(value));
    if (bad !== undefined)
      throw new ConfigError(`${bad[0]} of secret ${where} of volume ${name} has more than one line`);
    return Object.fromEntries(values);
  }

  #folderOf(podUid: string, volume: string): string {
    return join(this.#deps.podsDir, podUid, "volumes", volume);
  }
}

/** What is done with one volume of a pod, or with one iSCSI target, is done in turn. */
const turnOf = (podUid: string, volume: string, source: RemoteSource): string =>
  source.kind === "iscsi" ? source.iqn : `${podUid}/${volume}`;

const isMounted = async (folder: string): Promise<boolean> => (await mountPoints()).includes(folder);

async function unmount(folder: string): Promise<void> {
  while (await isMounted(folder)) await takeDown(folder);
}

/** Where no folder is, a program that an agent began before this one can mount nothing any more. */
async function removeEmpty(folder: string): Promise<void> {
  const code = await codeOf(rmdir(folder));
  if (code !== undefined && code !== "ENOENT" && code !== "ENOTEMPTY")
    throw new Error(`cannot remove ${folder}: ${code}`);
}

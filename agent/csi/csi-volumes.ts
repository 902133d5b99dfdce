import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describeError } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { attachmentName, uniqueName } from "../../client/rules/csi-volume-names.ts";
import type { CSIDriver, Pod } from "../../client/types.ts";
import { InTurn } from "../images/in-turn.ts";
import { ConfigError } from "../sync/environment.ts";
import { mountPoints } from "../volumes/sub-paths.ts";
import { Attachments } from "./attachments.ts";
import type { CsiDrivers } from "./csi-drivers.ts";
import { CsiError, type DriverCalls } from "./driver-calls.ts";
import { publishRequest, type SecretData, stageRequest, type VolumeAsk } from "./driver-requests.ts";
import { serviceAccountTokens, type TokenSource } from "./pod-tokens.ts";
import { checkPublishedFolder, isMounted, linkDevice, removeEmpty, removeTarget } from "./volume-folders.ts";
import { giveVolumeToGroup, groupChangeOf } from "./volume-group.ts";
import type { CsiPaths } from "./volume-paths.ts";
import {
  readPodRecords,
  readStaged,
  removeRecord,
  type Staged,
  type VolumeRecord,
  writeRecord,
  writeStageRecord,
} from "./volume-records.ts";
import {
  type CsiSource,
  isForOnePod,
  isGivenToGroup,
  podInfo,
  type SecretRef,
  usedByAnother,
} from "./volume-source.ts";

export interface CsiVolumesDeps {
  readonly client: Pick<ApiClient, "get" | "patch">;
  readonly os: Pick<Os, "clock" | "log">;
  readonly nodeName: string;
  readonly paths: CsiPaths;
  readonly drivers: Pick<CsiDrivers, "get">;
  readonly tokens: TokenSource;
  /** By which mounts from before the machine's last start are told from those of now. */
  readonly bootId: string;
  /** Hears the uid of a pod whose volumes are to be published anew. */
  readonly onDue: (podUid: string) => void;
  /** Ends whatever drivers are asked for when the agent ends. */
  readonly signal: AbortSignal;
}

/** As a kubelet looks at its pods again. */
const republishMs = 60_000;

interface Shown {
  readonly record: VolumeRecord;
  /** When it is to be published again, where the driver wants that, or nobody knows whether it does. */
  dueMs: number | undefined;
  cancel: () => void;
}

const keyOf = (podUid: string, name: string, isBlock: boolean) => `${podUid}/${isBlock ? "d" : "v"}/${name}`;

/** Volumes of CSI drivers for this node's pods: staged once, published for each pod, and undone in the reverse order, by
 *  whichever agent comes to it. What is done for one volume is done one after the other; volumes do not wait for each other. */
export class CsiVolumes {
  readonly #deps: CsiVolumesDeps;
  readonly attachments: Attachments;
  readonly #inTurn = new InTurn();
  /** Of all pods, published or begun. */
  readonly #shown = new Map<string, Shown>();
  /** By unique name: what a driver may have staged. */
  readonly #staged = new Map<string, Staged>();
  /** What it has surely staged: this agent heard so. */
  readonly #surelyStaged = new Set<string>();

  private constructor(deps: CsiVolumesDeps) {
    this.#deps = deps;
    this.attachments = new Attachments(deps);
  }

  /** Finds what earlier agents did for these pods, and those that are gone. */
  static async open(deps: CsiVolumesDeps, podUids: readonly string[]): Promise<CsiVolumes> {
    const volumes = new CsiVolumes(deps);
    const mounted = new Set(await mountPoints());
    for (const staged of await readStaged(deps.paths)) volumes.#addStaged(staged);
    for (const uid of podUids)
      for (const found of await readPodRecords(deps.paths, uid)) {
        const isLost =
          found.isMount && !mounted.has(deps.paths.target(found.podUid, found.name, found.isBlock));
        const record = isLost ? { ...found, publishedBoot: "" } : found;
        // Whether its driver wants it published again is found out at the next look.
        volumes.#put(record, deps.os.clock.monotonicMs() + republishMs);
        volumes.#hold(record);
      }
    return volumes;
  }

  /** Where the pod's volume is, when it is published since the machine's last start and nothing is to be done for it: the pod
   *  can have it without the API. */
  pathFor(podUid: string, podName: string): string | undefined {
    for (const { record, dueMs } of this.#shown.values()) {
      if (record.podUid !== podUid || record.podName !== podName) continue;
      if (record.publishedBoot !== this.#deps.bootId || this.#isOver(dueMs)) return undefined;
      return this.#pathOf(record);
    }
    return undefined;
  }

  #isOver(dueMs: number | undefined): boolean {
    return dueMs !== undefined && this.#deps.os.clock.monotonicMs() >= dueMs;
  }

  #pathOf({ podUid, name, isBlock }: Pick<VolumeRecord, "podUid" | "name" | "isBlock">): string {
    const { paths } = this.#deps;
    return isBlock ? paths.podDevice(podUid, name) : paths.podMount(podUid, name);
  }

  /** What the driver was told as a staging path; empty where it stages nothing. */
  stagingPathOf(source: Pick<CsiSource, "driver" | "handle">): string {
    return this.#staged.get(uniqueName(source))?.path ?? "";
  }

  /** Stages and publishes the volume, as far as that is to be done. Rejects with ConfigError, or with the signal's reason. */
  async show(pod: Pod, source: CsiSource, signal: AbortSignal): Promise<string> {
    const { name, isBlock } = source;
    const podUid = pod.metadata.uid;
    const shown = this.#shown.get(keyOf(podUid, name, isBlock));
    const isHeld = shown?.record.publishedBoot === this.#deps.bootId;
    if (!isHeld || this.#isOver(shown.dueMs))
      await this.#inTurn
        .run(uniqueName(source), signal, () => this.#publish(pod, source, { isHeld, signal }))
        .catch((error: unknown) => {
          signal.throwIfAborted();
          if (isHeld) this.#put(shown.record, this.#deps.os.clock.monotonicMs() + republishMs);
          throw error instanceof ConfigError ? error : new ConfigError(describeError(error));
        });
    return this.#pathOf({ podUid, name, isBlock });
  }

  /** @param isHeld It is published, and the pod has it whatever comes of this. */
  async #publish(
    pod: Pod,
    source: CsiSource,
    { isHeld, signal }: { readonly isHeld: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const { client, os, paths, bootId, drivers } = this.#deps;
    const { uid } = pod.metadata;
    const calls = drivers.get(source.driver);
    const object = await orAbsent(client.get(resources.csidrivers, { name: source.driver }, { signal }));
    refuseUnfit(pod, source, object);
    const isRepublished = object?.spec.requiresRepublish === true;
    if (isHeld && !isRepublished) return this.#plan(uid, source, undefined);
    if (isForOnePod(source.accessModes) && this.#isAnothers(source, uid)) throw usedByAnother();
    const abilities = await calls.abilities(signal);
    const record: VolumeRecord = {
      podUid: uid,
      name: source.name,
      podName: source.podName,
      driver: source.driver,
      handle: source.handle,
      lifecycle: source.lifecycle,
      isBlock: source.isBlock,
      publishedBoot: "",
      isMount: false,
    };
    if (!isHeld) await this.#begin(record);
    const publishContext = await this.#publishContext(source, object, record, signal);
    const group = pod.spec.securityContext?.fsGroup;
    const isDriversGroup = group !== undefined && abilities.has("VOLUME_MOUNT_GROUP");
    const stages = source.lifecycle === "Persistent" && abilities.has("STAGE_UNSTAGE_VOLUME");
    const ask: Omit<VolumeAsk, "secrets"> = {
      source,
      abilities,
      group: isDriversGroup ? group : undefined,
      publishContext,
      stagingPath: stages ? this.#stagePlace(source).path : "",
    };
    if (stages && !this.#surelyStaged.has(uniqueName(source))) await this.#stage(calls, ask, signal);
    const targetPath = paths.target(uid, source.name, source.isBlock);
    await makeFolder(dirname(targetPath), 0o750);
    const { podContext, secrets } = await this.#ofPod(pod, source, object, signal);
    const request = publishRequest({ ...ask, targetPath, podContext, secrets });
    await calls.node.ask("NodePublishVolume", request, { signal });
    if (source.isBlock) await linkDevice(targetPath, paths.podDevice(uid, source.name));
    else await checkPublishedFolder(targetPath);
    const policy = object?.spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType";
    if (!isHeld && group !== undefined && !isDriversGroup && isGivenToGroup(source, policy))
      await giveVolumeToGroup(targetPath, { group, change: groupChangeOf(pod), signal });
    const done = { ...record, publishedBoot: bootId, isMount: await isMounted(targetPath) };
    if (!isHeld) await this.#write(done);
    this.#put(done, isRepublished ? os.clock.monotonicMs() + republishMs : undefined);
  }

  #isAnothers(source: CsiSource, podUid: string): boolean {
    const volume = uniqueName(source);
    return [...this.#shown.values()].some(
      ({ record }) => record.podUid !== podUid && uniqueName(record) === volume,
    );
  }

  #plan(podUid: string, { name, isBlock }: CsiSource, dueMs: number | undefined): void {
    const shown = this.#shown.get(keyOf(podUid, name, isBlock));
    if (shown !== undefined) this.#put(shown.record, dueMs);
  }

  /** From here on somebody has to undo it. */
  async #begin(record: VolumeRecord): Promise<void> {
    await this.#write(record);
    this.#put(record, undefined);
    this.#hold(record);
  }

  async #write(record: VolumeRecord): Promise<void> {
    const { paths, nodeName } = this.#deps;
    await writeRecord(paths, record, { nodeName, attachmentName: attachmentName(record, nodeName) });
  }

  #put(record: VolumeRecord, dueMs: number | undefined): void {
    const key = keyOf(record.podUid, record.name, record.isBlock);
    const { clock } = this.#deps.os;
    this.#shown.get(key)?.cancel();
    const onDue = () => this.#deps.onDue(record.podUid);
    const cancel = dueMs === undefined ? () => undefined : clock.after(dueMs - clock.monotonicMs(), onDue);
    this.#shown.set(key, { record, dueMs, cancel });
  }

  #hold(record: VolumeRecord): void {
    const { podUid, name, isBlock, lifecycle } = record;
    if (lifecycle === "Persistent") this.attachments.hold(record, keyOf(podUid, name, isBlock));
  }

  async #publishContext(
    source: CsiSource,
    object: CSIDriver | undefined,
    { podUid }: VolumeRecord,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    if (source.lifecycle === "Ephemeral" || object?.spec.attachRequired === false) return {};
    return this.attachments.attached(source, keyOf(podUid, source.name, source.isBlock), signal);
  }

  #stagePlace({ driver, handle, name, isBlock }: CsiSource): Staged {
    const { paths } = this.#deps;
    if (isBlock) return { driver, handle, path: paths.deviceStage(name), record: paths.deviceRecord(name) };
    const record = `${paths.stage(driver, handle)}/vol_data.json`;
    return { driver, handle, path: paths.globalMount(driver, handle), record };
  }

  async #stage(calls: DriverCalls, ask: Omit<VolumeAsk, "secrets">, signal: AbortSignal): Promise<void> {
    const { source } = ask;
    const place = this.#stagePlace(source);
    await writeStageRecord(place.record, source.driver, source.handle);
    this.#addStaged(place);
    await makeFolder(place.path, 0o750);
    const secrets = await this.secret(source.secrets.stage, signal);
    await calls.node.ask("NodeStageVolume", stageRequest({ ...ask, secrets }), { signal });
    this.#surelyStaged.add(uniqueName(source));
  }

  #addStaged(staged: Staged): void {
    this.#staged.set(uniqueName(staged), staged);
    this.attachments.hold(staged, "staged");
  }

  async #ofPod(
    pod: Pod,
    source: CsiSource,
    object: CSIDriver | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly podContext: Readonly<Record<string, string>>; readonly secrets: SecretData }> {
    const secrets = await this.secret(source.secrets.publish, signal);
    const info = object?.spec.podInfoOnMount ? podInfo(pod, source) : {};
    const tokens = await serviceAccountTokens(pod, object, this.#deps.tokens);
    if (tokens === undefined) return { podContext: info, secrets };
    const key = "csi.storage.k8s.io/serviceAccount.tokens";
    return object?.spec.serviceAccountTokenInSecrets
      ? { podContext: info, secrets: { ...secrets, [key]: Buffer.from(tokens) } }
      : { podContext: { ...info, [key]: tokens }, secrets };
  }

  /** What a Secret holds that a driver is to be told. Rejects with ConfigError. */
  async secret(ref: SecretRef | undefined, signal: AbortSignal): Promise<SecretData> {
    if (ref === undefined) return {};
    const { data = {} } = await this.#deps.client
      .get(resources.secrets, ref, { signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw new ConfigError(`fetching secret ${ref.namespace}/${ref.name} failed: ${describeError(error)}`);
      });
    return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64")]));
  }

  /** All volumes of pods that are published. */
  *published(): Iterable<VolumeRecord> {
    for (const { record } of this.#shown.values())
      if (record.publishedBoot === this.#deps.bootId) yield record;
  }

  /** Undoes all that was done for a pod. Rejects where a driver does not: what is left is done when asked again. */
  async hideAll(podUid: string): Promise<void> {
    const { signal } = this.#deps;
    const failures: unknown[] = [];
    for (const record of await readPodRecords(this.#deps.paths, podUid))
      await this.#inTurn
        .run(uniqueName(record), signal, () => this.#hide(record, signal))
        .catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  async #hide(record: VolumeRecord, signal: AbortSignal): Promise<void> {
    const { paths, drivers } = this.#deps;
    const { podUid, name, isBlock, driver, handle } = record;
    const key = keyOf(podUid, name, isBlock);
    const targetPath = paths.target(podUid, name, isBlock);
    const { node } = drivers.get(driver);
    await node.ask("NodeUnpublishVolume", { volumeId: handle, targetPath }, { signal }).catch(unlessUnknown);
    await removeTarget(targetPath);
    if (isBlock) {
      await rm(paths.podDevice(podUid, name), { force: true });
      await removeEmpty(dirname(targetPath));
    }
    await removeRecord(paths, record);
    if (!isBlock) await removeEmpty(dirname(targetPath));
    this.#shown.get(key)?.cancel();
    this.#shown.delete(key);
    await this.#unstage(uniqueName(record), signal).catch((error: unknown) => {
      signal.throwIfAborted();
      // The pod is free of it; the staged volume is looked after until it is gone, too.
      this.#deps.os.log.warn("cannot unstage a volume", { volume: uniqueName(record), error });
    });
    await this.attachments.release(record, key, signal);
  }

  /** Unstages what no pod has any more. Call in the volume's turn. */
  async #unstage(volume: string, signal: AbortSignal): Promise<void> {
    const staged = this.#staged.get(volume);
    if (staged === undefined || [...this.#shown.values()].some(({ record }) => uniqueName(record) === volume))
      return;
    const { driver, handle, path, record } = staged;
    const request = { volumeId: handle, stagingTargetPath: path };
    this.#surelyStaged.delete(volume);
    const { node } = this.#deps.drivers.get(driver);
    await node.ask("NodeUnstageVolume", request, { signal }).catch(unlessUnknown);
    await removeTarget(path);
    await rm(record, { force: true });
    await removeEmpty(dirname(record));
    this.#staged.delete(volume);
    await this.attachments.release(staged, "staged", signal);
  }

  /** Unstages all that nobody has: what could not be unstaged when its last pod went. */
  async unstageRest(): Promise<void> {
    const { signal } = this.#deps;
    for (const volume of [...this.#staged.keys()])
      await this.#inTurn
        .run(volume, signal, () => this.#unstage(volume, signal))
        .catch((error: unknown) => {
          signal.throwIfAborted();
          this.#deps.os.log.debug("a volume stays staged", { volume, error });
        });
  }

  close(): void {
    for (const { cancel } of this.#shown.values()) cancel();
  }
}

/** A driver that knows no such volume has nothing to undo; whether anything is mounted yet is looked at after that. */
function unlessUnknown(error: unknown): void {
  if (!(error instanceof CsiError && error.status === "NOT_FOUND")) throw error;
}

/** Throws ConfigError where the driver is not for such a volume, or asks for what this node has not. */
function refuseUnfit(pod: Pod, { driver, lifecycle }: CsiSource, object: CSIDriver | undefined): void {
  const modes = object?.spec.volumeLifecycleModes ?? ["Persistent"];
  if (object === undefined && lifecycle === "Ephemeral")
    throw new ConfigError(`there is no CSIDriver ${driver}, and without one it serves no inline volumes`);
  if (!modes.includes(lifecycle))
    throw new ConfigError(
      `volume mode "${lifecycle}" not supported by driver ${driver} (only supports ${JSON.stringify(modes)})`,
    );
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const labels = [pod.spec, ...containers].map(({ securityContext }) => securityContext?.seLinuxOptions);
  if (object?.spec.seLinuxMount === true && labels.some((one) => one !== undefined))
    throw new ConfigError(
      `spec.seLinuxMount of CSIDriver ${driver} is not supported by this node for pods with securityContext.seLinuxOptions`,
    );
}

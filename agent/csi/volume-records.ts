import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { isPlainName } from "../volumes/sub-paths.ts";
import type { CsiPaths } from "./volume-paths.ts";

/** What is known of a pod's volume without the API: written before the driver is asked for anything, so that whatever becomes
 *  of the agent, the next one can have it undone. */
export interface VolumeRecord {
  readonly podUid: string;
  /** As `CsiSource.name`. */
  readonly name: string;
  /** What the pod calls it. */
  readonly podName: string;
  readonly driver: string;
  readonly handle: string;
  readonly lifecycle: "Persistent" | "Ephemeral";
  readonly isBlock: boolean;
  /** The machine's start in which the driver said that all is done; empty before it did. */
  readonly publishedBoot: string;
  /** Something was mounted for it then: where that is gone, so is the volume. */
  readonly isMount: boolean;
}

const recordBytesMost = 64 * 1024;

/** By kubelet's names; what is ours alone has a prefix. */
function textOf(record: VolumeRecord, nodeName: string, attachmentName: string): string {
  return JSON.stringify({
    specVolID: record.name,
    volumeHandle: record.handle,
    driverName: record.driver,
    nodeName,
    attachmentID: attachmentName,
    volumeLifecycleMode: record.lifecycle,
    "pintle.podVolumeName": record.podName,
    "pintle.publishedBoot": record.publishedBoot,
    "pintle.isMount": String(record.isMount),
  });
}

/** Undefined: not a record. */
function readRecord(text: string, podUid: string, isBlock: boolean): VolumeRecord | undefined {
  const found = parsed(text);
  const word = (key: string) => (typeof found[key] === "string" ? found[key] : "");
  const [driver, handle, name] = [word("driverName"), word("volumeHandle"), word("specVolID")];
  if (!isPlainName(driver) || !isPlainName(name) || handle === "") return undefined;
  const lifecycle = word("volumeLifecycleMode") === "Ephemeral" ? "Ephemeral" : "Persistent";
  return {
    podUid,
    name,
    podName: word("pintle.podVolumeName"),
    driver,
    handle,
    lifecycle,
    isBlock,
    publishedBoot: word("pintle.publishedBoot"),
    isMount: word("pintle.isMount") === "true",
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = text.length > recordBytesMost ? undefined : JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {}; // torn, perhaps: written before anything was done
    throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  await makeFolder(dirname(path), 0o750);
  await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

const recordPath = (paths: CsiPaths, { podUid, name, isBlock }: VolumeRecord) =>
  isBlock ? paths.podDeviceRecord(podUid, name) : paths.podRecord(podUid, name);

/** Forgets a volume that is undone. */
export const removeRecord = (paths: CsiPaths, record: VolumeRecord): Promise<void> =>
  rm(recordPath(paths, record), { force: true });

export async function writeRecord(
  paths: CsiPaths,
  record: VolumeRecord,
  { nodeName, attachmentName }: { readonly nodeName: string; readonly attachmentName: string },
): Promise<void> {
  await replaceFile(recordPath(paths, record), textOf(record, nodeName, attachmentName));
}

/** What says that a volume is, or is being, staged. */
export async function writeStageRecord(path: string, driver: string, handle: string): Promise<void> {
  await replaceFile(path, JSON.stringify({ volumeHandle: handle, driverName: driver }));
}

const names = async (folder: string): Promise<readonly string[]> => (await ifPresent(readdir(folder))) ?? [];

/** All records of a pod. */
export async function readPodRecords(paths: CsiPaths, podUid: string): Promise<readonly VolumeRecord[]> {
  const records: VolumeRecord[] = [];
  const add = async (path: string, name: string, isBlock: boolean) => {
    const text = await ifPresent(readFile(path, "utf8"));
    const record = text === undefined ? undefined : readRecord(text, podUid, isBlock);
    if (record?.name === name) records.push(record);
  };
  for (const name of await names(paths.podVolumes(podUid)))
    await add(paths.podRecord(podUid, name), name, false);
  for (const file of await names(paths.podDevices(podUid))) {
    const name = /^\.(.+)\.json$/.exec(file)?.[1];
    if (name !== undefined) await add(paths.podDeviceRecord(podUid, name), name, true);
  }
  return records;
}

export interface Staged {
  readonly driver: string;
  readonly handle: string;
  /** What the driver was told. */
  readonly path: string;
  /** Beside it. */
  readonly record: string;
}

/** All volumes that are, or may be, staged. */
export async function readStaged(paths: CsiPaths): Promise<readonly Staged[]> {
  const staged: Staged[] = [];
  const add = async (record: string, pathOf: (driver: string, handle: string) => string) => {
    const found = parsed((await ifPresent(readFile(record, "utf8"))) ?? "");
    const { driverName: driver, volumeHandle: handle } = found;
    if (typeof driver !== "string" || typeof handle !== "string" || !isPlainName(driver)) return;
    staged.push({ driver, handle, path: pathOf(driver, handle), record });
  };
  for (const driver of await names(paths.plugins)) {
    if (driver === "volumeDevices") continue;
    for (const hash of await names(`${paths.plugins}/${driver}`))
      await add(`${paths.plugins}/${driver}/${hash}/vol_data.json`, (_, handle) =>
        paths.globalMount(driver, handle),
      );
  }
  for (const name of await names(`${paths.devices}/staging`))
    await add(paths.deviceRecord(name), () => paths.deviceStage(name));
  return staged;
}

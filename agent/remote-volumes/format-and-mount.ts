import { describeError } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { runCommand } from "../runtime/supervised/run-command.ts";
import { ConfigError } from "../sync/environment.ts";

export interface DiskMount {
  readonly device: string;
  readonly folder: string;
  /** Empty: whatever is there, or ext4. */
  readonly fsType: string;
  readonly options: readonly string[];
  readonly isReadOnly: boolean;
}

/** However large the disk is. */
const formatMs = 24 * 60 * 60_000;

/** Mounts a disk, once it has a file system: one that has nothing on it at all is given one, as by kubelets. Rejects with
 *  ConfigError. */
export async function formatAndMount(disk: DiskMount): Promise<void> {
  const { device, folder, isReadOnly } = disk;
  const existing = await formatOf(device);
  const fsType = disk.fsType || existing || "ext4";
  if (existing === "") {
    if (isReadOnly)
      throw new ConfigError(
        `cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`,
      );
    const flags = /^ext[34]$/.test(fsType) ? ["-F", "-m0"] : fsType === "xfs" ? ["-f"] : [];
    await must([`mkfs.${fsType}`, ...flags, device], formatMs);
  } else {
    if (disk.fsType !== "" && disk.fsType !== existing)
      throw new ConfigError(
        `failed to mount the volume as ${JSON.stringify(disk.fsType)}, it already contains ${existing}`,
      );
    if (!isReadOnly) await checkFilesystem(device);
  }
  await makeFolder(folder, 0o750);
  const options = [...new Set([...(isReadOnly ? ["ro"] : []), "defaults", ...disk.options])];
  await must(["mount", "-t", fsType, "-o", options.join(), device, folder]);
}

/** The kind of file system on a disk; empty where nothing is on it, not even partitions. */
async function formatOf(device: string): Promise<string> {
  const { code, stdout, stderr } = await run([
    "blkid",
    "-p",
    "-s",
    "TYPE",
    "-s",
    "PTTYPE",
    "-o",
    "export",
    device,
  ]);
  if (code === 2) return ""; // nothing was found
  if (code !== 0) throw new ConfigError(`blkid ${device}: ${stderr.trim() || `exit status ${code}`}`);
  const type = /^TYPE=(\S+)$/m.exec(stdout)?.[1];
  if (type !== undefined) return type;
  if (/^PTTYPE=/m.test(stdout))
    throw new ConfigError(`${device} has partitions and no file system: unknown data, probably partitions`);
  return "";
}

async function checkFilesystem(device: string): Promise<void> {
  const { code, stdout, stderr } = await run(["fsck", "-a", device], formatMs);
  if (code === 4)
    throw new ConfigError(
      `'fsck' found errors on device ${device} but could not correct them: ${(stdout + stderr).trim().slice(0, 1024)}`,
    );
}

async function must(words: readonly string[], timeoutMs?: number): Promise<void> {
  const { code, stdout, stderr } = await run(words, timeoutMs);
  const why = stderr.trim() || stdout.trim() || `exit status ${code}`;
  if (code !== 0) throw new ConfigError(`${words.join(" ")}: ${why.slice(0, 1024)}`);
}

/** None is stopped half way but for its time. */
async function run(words: readonly string[], timeoutMs?: number) {
  return runCommand(words, timeoutMs === undefined ? {} : { timeoutMs }).catch((error: unknown) => {
    throw new ConfigError(`${words[0]} is needed for volumes' disks: ${describeError(error)}`, {
      cause: error,
    });
  });
}

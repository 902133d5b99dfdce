import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import { compressLog } from "./compress-log.ts";
import type { PodLogFolders } from "./folders.ts";
import { linkRotatedLogs } from "./keep-logs.ts";
import { keptLogName } from "./log-names.ts";

export interface KeptBounds {
  readonly bytesMost: number;
  readonly ageMsMost: number;
}

/** A log may go on in so many files within it as its runtime keeps, before lines are lost to searching. */
const everyMs = 10_000;
const roundsPerShrink = 6;
/** The least that a file takes. */
const fileBytes = 4_096;
const filesMost = 20_000;

/** Keeps what runtimes are about to drop, compresses it once they have, and removes the oldest beyond the bounds. */
export async function keepLogs(
  folders: PodLogFolders,
  bounds: KeptBounds,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  for (let round = 1; ; round += 1) {
    await sleep(clock, everyMs, signal);
    try {
      if (bounds.bytesMost > 0) await linkRotatedLogs(folders);
      if (round % roundsPerShrink === 0)
        await shrinkKept(folders.kept, bounds, { nowMs: clock.wallMs(), log });
    } catch (error) {
      log.warn("cannot keep logs", { error });
    }
  }
}

interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Removes what is too old, compresses, and removes the oldest beyond the bounds. A file that cannot be compressed counts as it
 *  lies; the oldest go where the disk has no room for that. A file that a runtime still has by a name of its own is left alone, and
 *  takes nothing. */
export async function shrinkKept(
  kept: string,
  bounds: KeptBounds,
  { nowMs, log }: { readonly nowMs: number; readonly log: Pick<Log, "warn"> },
): Promise<void> {
  const isOld = (file: KeptFile) => nowMs - file.modifiedMs > bounds.ageMsMost;
  const files: KeptFile[] = [];
  for (const file of await keptFiles(kept))
    if (isOld(file)) await rm(file.path, { force: true });
    else files.push(await compressed(file, log));
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let left = files.length;
  for (const file of files) {
    if (bytes <= bounds.bytesMost && left <= filesMost) break;
    await rm(file.path, { force: true });
    bytes -= file.bytes;
    left -= 1;
  }
  await removeEmpty(kept);
}

/** Answers what it is by now: gone, where there was no room. */
async function compressed(file: KeptFile, log: Pick<Log, "warn">): Promise<KeptFile> {
  if (file.path.endsWith(".gz")) return file;
  try {
    const path = await compressLog(file.path);
    if (path === undefined) return file;
    return { ...file, path, bytes: Math.max((await lstat(path)).size, fileBytes) };
  } catch (error) {
    log.warn("cannot compress a log that is kept", { path: file.path, error });
    const isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
    if (!isFull) return file;
    await rm(file.path, { force: true });
    return { ...file, bytes: 0 };
  }
}

/** Removes at least a quarter of what is kept, the oldest first; answers how many bytes that gave back, 0 where nothing is kept. */
export async function dropOldestKept(kept: string): Promise<number> {
  const files = await keptFiles(kept);
  const wanted = files.reduce((sum, { bytes }) => sum + bytes, 0) / 4;
  let dropped = 0;
  for (const { path, bytes } of files) {
    if (dropped > 0 && dropped >= wanted) break;
    await rm(path, { force: true });
    dropped += bytes;
  }
  await removeEmpty(kept);
  return dropped;
}

/** The oldest first. */
async function keptFiles(kept: string): Promise<KeptFile[]> {
  const found: KeptFile[] = [];
  for (const folder of await containerFolders(kept))
    for (const name of (await ifPresent(readdir(folder))) ?? []) {
      const path = join(folder, name);
      if (name.endsWith(".new")) await rm(path, { force: true });
      if (!keptLogName.test(name)) continue;
      const about = await ifPresent(lstat(path));
      if (about?.isFile() !== true || about.nlink > 1) continue;
      found.push({ path, bytes: Math.max(about.size, fileBytes), modifiedMs: about.mtimeMs });
    }
  return found.sort((a, b) => a.modifiedMs - b.modifiedMs);
}

async function containerFolders(kept: string): Promise<string[]> {
  const folders: string[] = [];
  for (const pod of (await ifPresent(readdir(kept))) ?? [])
    for (const container of (await ifPresent(readdir(join(kept, pod)))) ?? [])
      folders.push(join(kept, pod, container));
  return folders;
}

/** Labels of runs of which nothing is kept, and folders with nothing in them. */
async function removeEmpty(kept: string): Promise<void> {
  for (const pod of (await ifPresent(readdir(kept))) ?? []) {
    for (const container of (await ifPresent(readdir(join(kept, pod)))) ?? []) {
      const folder = join(kept, pod, container);
      const names = (await ifPresent(readdir(folder))) ?? [];
      const attempts = new Set(names.flatMap((name) => keptLogName.exec(name)?.[1] ?? []));
      for (const name of names) {
        const attempt = /^(\d+)\.labels\.json$/.exec(name)?.[1];
        if (attempt !== undefined && !attempts.has(attempt)) await rm(join(folder, name), { force: true });
      }
      if (attempts.size === 0) await removeFolder(folder);
    }
    await removeFolder(join(kept, pod));
  }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    // Something came, or it is gone.
    if (
      !(error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "ENOENT"))
    )
      throw error;
  }
}

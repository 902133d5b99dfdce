// Logs that would be gone – of runs and pods that are, and files that a log went on from – are kept beside. While a runtime may
// still rename a file it is linked, not moved: the link's name has its inode, which no other file gets as long as the link is
// there. So nothing is written twice, and a file that is in both places is known to be one.
import { link, lstat, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { type PodLogFolders, readPodFolderName } from "./folders.ts";
import { keepLabels, labelsPath } from "./log-labels.ts";
import { keptName, liveLogName } from "./log-names.ts";

/** Keeps a pod's logs, and removes their folder. Idempotent. */
export async function keepPodLogs(folders: PodLogFolders, podFolder: string): Promise<void> {
  const from = join(folders.live, podFolder);
  if (readPodFolderName(podFolder) !== undefined)
    for (const container of (await ifPresent(readdir(from))) ?? [])
      await keepRuns(join(from, container), join(folders.kept, podFolder, container), () => true);
  await rm(from, { recursive: true, force: true });
}

/** Keeps the logs of one run of a container, of which nothing is left in its folder. */
export async function keepRunLogs(
  folders: PodLogFolders,
  podFolder: string,
  run: { readonly container: string; readonly attempt: number },
): Promise<void> {
  const from = join(folders.live, podFolder, run.container);
  const to = join(folders.kept, podFolder, run.container);
  await keepRuns(from, to, (attempt) => attempt === run.attempt);
  await rm(labelsPath(from, run.attempt), { force: true });
}

/** Links the files that logs went on from, before a runtime drops the oldest. */
export async function linkRotatedLogs(folders: PodLogFolders): Promise<void> {
  for (const podFolder of (await ifPresent(readdir(folders.live))) ?? []) {
    if (readPodFolderName(podFolder) === undefined) continue;
    const from = join(folders.live, podFolder);
    for (const container of (await ifPresent(readdir(from))) ?? []) {
      const folder = join(from, container);
      const rotated = ((await ifPresent(readdir(folder))) ?? []).filter(
        (name) => liveLogName.test(name) && !name.endsWith(".log"),
      );
      if (rotated.length > 0) await linkFiles(folder, rotated, join(folders.kept, podFolder, container));
    }
  }
}

async function keepRuns(from: string, to: string, isWanted: (attempt: number) => boolean): Promise<void> {
  for (const name of (await ifPresent(readdir(from))) ?? []) {
    const attempt = attemptOf(name);
    if (attempt === undefined || !isWanted(attempt)) continue;
    const path = join(from, name);
    const about = await ifPresent(lstat(path));
    if (about?.isFile() !== true || about.size === 0) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    await makeFolder(to, 0o700);
    await keepLabels(from, to, attempt);
    // Renaming a file to another name of its own does nothing, by POSIX.
    await ifPresent(rename(path, join(to, keptName(attempt, about.ino))));
    await rm(path, { force: true });
  }
}

async function linkFiles(from: string, names: readonly string[], to: string): Promise<void> {
  await makeFolder(to, 0o700);
  for (const name of names) {
    const attempt = attemptOf(name);
    const about = await ifPresent(lstat(join(from, name)));
    if (attempt === undefined || about?.isFile() !== true || about.nlink > 1) continue;
    await keepLabels(from, to, attempt);
    await linkAsNamed(join(from, name), { to, attempt, ino: about.ino });
  }
}

/** A name that the runtime renames meanwhile is another file's by then: the link is undone, and made the next time. */
async function linkAsNamed(
  path: string,
  { to, attempt, ino }: { readonly to: string; readonly attempt: number; readonly ino: number },
): Promise<void> {
  const kept = join(to, keptName(attempt, ino));
  try {
    await ifPresent(link(path, kept));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  const linked = await ifPresent(lstat(kept));
  if (linked !== undefined && linked.ino !== ino) await rm(kept, { force: true });
}

const attemptOf = (name: string): number | undefined => {
  const found = liveLogName.exec(name);
  return found === null ? undefined : Number(found[1]);
};

import { rename, rm, stat } from "node:fs/promises";
import { ifPresent } from "../../../base/os/if-present.ts";
import { type LogRotation, rotatedLogs } from "../log-files.ts";

/** Renames a log that grew too long, LOG to LOG.1 and so on, and has the runtime begin another. Where that fails the log goes on
 *  under its name. */
export async function rotateLogs(
  path: string,
  reopen: () => Promise<unknown>,
  { logBytesMost, filesMost }: LogRotation,
): Promise<void> {
  const about = await ifPresent(stat(path));
  if (about === undefined || about.size < logBytesMost) return;
  // More than are kept, where more were before.
  const all = await rotatedLogs(path);
  for (const old of all.slice(0, Math.max(0, all.length - (filesMost - 2)))) await rm(old, { force: true });
  for (let number = filesMost - 2; number > 0; number--)
    await ifPresent(rename(`${path}.${number}`, `${path}.${number + 1}`));
  await rename(path, `${path}.1`);
  try {
    await reopen();
  } catch (error) {
    await rename(`${path}.1`, path);
    throw error;
  }
}

import { rename, rm, stat } from "node:fs/promises";
import { ifPresent } from "../../../base/os/if-present.ts";

/** As the shims' own. */
export const rotationLimits = { logBytesMost: 10 * 1024 * 1024, keptMost: 4 } as const;

/** Renames a log that grew too long, LOG to LOG.1 and so on, and has the runtime begin another. Where that fails the log goes on
 *  under its name. */
export async function rotateLogs(
  path: string,
  reopen: () => Promise<unknown>,
  { logBytesMost, keptMost } = rotationLimits as { logBytesMost: number; keptMost: number },
): Promise<void> {
  const about = await ifPresent(stat(path));
  if (about === undefined || about.size < logBytesMost) return;
  await rm(`${path}.${keptMost}`, { force: true });
  for (let number = keptMost - 1; number > 0; number--)
    await ifPresent(rename(`${path}.${number}`, `${path}.${number + 1}`));
  await rename(path, `${path}.1`);
  try {
    await reopen();
  } catch (error) {
    await rename(`${path}.1`, path);
    throw error;
  }
}

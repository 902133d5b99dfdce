import { lstat, rm, rmdir, stat, symlink, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { ConfigError } from "../sync/environment.ts";
import { mountPoints } from "../volumes/sub-paths.ts";

/** What drivers leave at the paths that they were told. Nothing here looks into a mounted volume: it need not answer. */

export const isMounted = async (path: string): Promise<boolean> => (await mountPoints()).includes(path);

/** Throws ConfigError unless a file system is mounted, or a plain folder stands, at the path: a link could lead anywhere. */
export async function checkPublishedFolder(path: string): Promise<void> {
  if (await isMounted(path)) return;
  const found = await ifPresent(lstat(path));
  if (!found?.isDirectory())
    throw new ConfigError(`the CSI driver left ${found === undefined ? "nothing" : "no folder"} at ${path}`);
}

/** Links the pod's name of a device to what was published. Throws ConfigError unless that is a block device. */
export async function linkDevice(publishPath: string, link: string): Promise<void> {
  const found = await ifPresent(lstat(publishPath));
  const isLink = found?.isSymbolicLink() ?? false;
  const device = isLink ? await ifPresent(stat(publishPath)) : found;
  if (!device?.isBlockDevice())
    throw new ConfigError(`the CSI driver left no block device at ${publishPath}`);
  await makeFolder(dirname(link), 0o750);
  await rm(link, { force: true });
  await symlink(publishPath, link);
}

/** Takes down what the driver was to remove, and did not: an empty folder, or a file. Rejects where something is mounted there
 *  yet: it is not for us to remove. */
export async function removeTarget(path: string): Promise<void> {
  if (await isMounted(path)) throw new ConfigError(`the CSI driver left ${path} mounted`);
  const found = await ifPresent(lstat(path));
  if (found === undefined) return;
  if (found.isDirectory()) await ifPresent(rmdir(path));
  else await ifPresent(unlink(path));
}

/** The folder around a target, unless something is left in it. */
export async function removeEmpty(folder: string): Promise<void> {
  await ifPresent(rmdir(folder)).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ENOTEMPTY")) throw error;
  });
}

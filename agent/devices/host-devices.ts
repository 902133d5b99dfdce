import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { deviceNumbers } from "../device-numbers.ts";
import type { Device } from "../runtime/seam.ts";
import type { AccessDevice } from "./container-access.ts";
import { DevicePluginError } from "./device-list.ts";

const limits = { devicesMost: 1_024, depthMost: 8 } as const;
/** What of a folder such as /dev is each container's own. */
const ownFolders: ReadonlySet<string> = new Set([
  "pts",
  "shm",
  "fd",
  "mqueue",
  ".lxc",
  ".lxd-mounts",
  ".udev",
]);

/** The devices themselves that a plugin names; of a folder, all that are in it. Rejects with DevicePluginError where one is not
 *  there. */
export async function hostDevices(asked: readonly AccessDevice[]): Promise<readonly Device[]> {
  const found: Device[] = [];
  for (const one of asked) await lookAt(one, 0, found);
  return found;
}

async function lookAt(asked: AccessDevice, depth: number, found: Device[]): Promise<void> {
  const { containerPath, permissions } = asked;
  const problem = (why: string) => new DevicePluginError(`device ${asked.hostPath}: ${why}`);
  const hostPath = await realpath(asked.hostPath).catch((error: unknown) => {
    throw problem(error instanceof Error ? error.message : String(error));
  });
  const seen = await stat(hostPath);
  if (seen.isDirectory()) {
    if (depth === limits.depthMost) throw problem("its folders are too deep");
    for (const entry of (await readdir(hostPath, { withFileTypes: true })).sort(byName)) {
      const inside = {
        ...asked,
        hostPath: join(hostPath, entry.name),
        containerPath: join(containerPath, entry.name),
      };
      const isFolder = entry.isDirectory() && !ownFolders.has(entry.name);
      if (isFolder || entry.isCharacterDevice() || entry.isBlockDevice())
        await lookAt(inside, depth + 1, found);
    }
    return;
  }
  const type = seen.isBlockDevice() ? "b" : seen.isCharacterDevice() ? "c" : undefined;
  if (type === undefined) throw problem("it is no device");
  if (found.length === limits.devicesMost) throw problem(`there are more than ${limits.devicesMost}`);
  const owner = { uid: seen.uid, gid: seen.gid, mode: seen.mode & 0o777 };
  found.push({ hostPath, containerPath, permissions, type, ...deviceNumbers(seen.rdev), owner });
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

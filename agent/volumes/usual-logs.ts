import { join } from "node:path";
import { makeFolder } from "../../base/os/make-folder.ts";
import { linksFolder, usualLogs } from "../logs/log-links.ts";
import type { Mount } from "../runtime/seam.ts";

/** Pods that read logs mount /var/log of their node, or what they need of it. This node's logs are elsewhere, since several nodes
 *  may share a machine: to such pods they are at the usual place. */
const above = "/var/log";

/** The folder that a path of the host stands for. */
export function realLogPath(path: string, logsDir: string): string {
  for (const [usual, real] of placesOf(logsDir))
    if (path === usual || path.startsWith(`${usual}/`)) return real + path.slice(usual.length);
  return path;
}

/** Mounts that show this node's logs within one of /var/log; none for any other. */
export async function logMounts(mount: Mount, path: string, logsDir: string): Promise<readonly Mount[]> {
  if (path.replace(/(?<=.)\/+$/, "") !== above) return [];
  const mounts: Mount[] = [];
  for (const [usual, real] of placesOf(logsDir)) {
    // What is mounted at has to be there, and a read-only mount is no place to make it.
    await makeFolder(usual, 0o755);
    await makeFolder(real, 0o755);
    const containerPath = join(mount.containerPath, usual.slice(above.length));
    mounts.push({ ...mount, hostPath: real, containerPath, recursively: false, propagation: "rprivate" });
  }
  return mounts;
}

const placesOf = (logsDir: string) =>
  [
    [usualLogs.pods, logsDir],
    [usualLogs.containers, linksFolder(logsDir)],
  ] as const;

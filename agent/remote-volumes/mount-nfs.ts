import { access, readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { describeError } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { runCommand } from "../runtime/supervised/run-command.ts";
import { ConfigError } from "../sync/environment.ts";
import type { NfsSource } from "./remote-source.ts";

/** What the host has to mount with. */
export interface MountTools {
  /** Where mount(8) looks for those of kinds of file systems. */
  readonly helperFolders: readonly string[];
  /** The kernel's list of the kinds that it knows now; it may load more. */
  readonly filesystemsFile: string;
}

export const hostMountTools: MountTools = {
  helperFolders: ["/sbin", "/sbin/fs.d", "/sbin/fs"],
  filesystemsFile: "/proc/filesystems",
};

/** The words of a mount. Pure. */
export function nfsMountWords(
  { server, path, isReadOnly, mountOptions }: NfsSource,
  folder: string,
): readonly string[] {
  const options = [...new Set([...mountOptions, ...(isReadOnly ? ["ro"] : [])])];
  const host = isIPv6(server) ? `[${server}]` : server;
  return [
    "mount",
    "-t",
    "nfs",
    ...(options.length > 0 ? ["-o", options.join()] : []),
    `${host}:${path}`,
    folder,
  ];
}

/** It gives up by itself, as its own options say; stopped from outside, what it began would go on without it. */
const mountMs = 24 * 60 * 60_000;

/** Mounts it there. Rejects with ConfigError, naming what the host lacks. */
export async function mountNfs(source: NfsSource, folder: string, tools: MountTools): Promise<void> {
  if (!(await hasHelper("mount.nfs", tools)))
    throw new ConfigError(
      "NFS volumes need mount.nfs, which this node lacks (Debian: apt install nfs-common)",
    );
  await makeFolder(folder, 0o750);
  const words = nfsMountWords(source, folder);
  const failed = async (why: string) => {
    const known = await readFile(tools.filesystemsFile, "utf8");
    const hint = /^(nodev)?\s*nfs4?$/m.test(known) ? "" : "; the kernel has no NFS loaded (modprobe nfs)";
    return new ConfigError(`mount failed: ${words.join(" ")}: ${why}${hint}`);
  };
  const limits = { timeoutMs: mountMs };
  const { code, stdout, stderr } = await runCommand(words, limits).catch(async (error: unknown) => {
    throw await failed(describeError(error));
  });
  if (code !== 0)
    throw await failed((stderr.trim() || stdout.trim() || `exit status ${code}`).slice(0, 1024));
}

async function hasHelper(name: string, { helperFolders }: MountTools): Promise<boolean> {
  const found = await Promise.all(
    helperFolders.map((folder) =>
      access(join(folder, name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

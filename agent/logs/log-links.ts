import { readdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";

/** Where programs that read a node's logs look for them, as on every node of Kubernetes. */
export const usualLogs = { pods: "/var/log/pods", containers: "/var/log/containers" } as const;

/** A node's folder of links, beside that of its logs. */
export const linksFolder = (logsDir: string): string => `${logsDir}-links`;

export interface LinkedContainer {
  readonly pod: { readonly name: string; readonly namespace?: string; readonly uid: string };
  readonly name: string;
  readonly attempt: number;
  readonly id: string;
}

/** Readers take an id of 64 characters out of a link's name; ours are shorter. */
const idChars = 64;

/** `<pod>_<namespace>_<container>-<id>.log`, by which Fluent Bit and others know whose log it is. */
export const linkName = ({ pod, name, id }: LinkedContainer): string =>
  `${pod.name}_${pod.namespace}_${name}-${id.padEnd(idChars, "0")}.log`;

/** Makes the link to a container's log, as it is seen where logs are at their usual place. */
export async function linkLog(logsDir: string, container: LinkedContainer): Promise<void> {
  const { pod, name, attempt } = container;
  const folder = linksFolder(logsDir);
  await makeFolder(folder, 0o755);
  const path = join(folder, linkName(container));
  await rm(path, { force: true });
  await symlink(`${usualLogs.pods}/${pod.namespace}_${pod.name}_${pod.uid}/${name}/${attempt}.log`, path);
}

/** Removes links to logs that are gone. */
export async function dropDeadLinks(logsDir: string): Promise<void> {
  const folder = linksFolder(logsDir);
  for (const entry of (await ifPresent(readdir(folder, { withFileTypes: true }))) ?? []) {
    if (!entry.isSymbolicLink()) continue;
    const link = entry.name;
    const target = await ifPresent(readlink(join(folder, link)));
    if (target === undefined || !target.startsWith(`${usualLogs.pods}/`)) continue;
    const log = await ifPresent(stat(join(logsDir, target.slice(usualLogs.pods.length))));
    if (log === undefined) await rm(join(folder, link), { force: true });
  }
}

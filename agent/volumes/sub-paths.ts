import { readFile, readlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "../../base/os/make-folder.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { openInside } from "./open-inside.ts";

export interface SubPathRequest {
  /** The volume's folder. */
  readonly root: string;
  readonly path: string;
  readonly create: boolean;
  /** Where what is found is to be mounted; undefined where nothing can be (plain processes): then its name is answered. */
  readonly mountAt: string | undefined;
}

/** A place that the container's runtime can mount from and nobody can exchange: what the subPath names is mounted there by
 *  its descriptor, not by its name (CVE-2021-25741). */
export async function placeOfSubPath({ root, path, create, mountAt }: SubPathRequest): Promise<string> {
  const found = await openInside(root, path, create);
  try {
    if (mountAt === undefined) return await readlink(`/proc/self/fd/${found.fd}`);
    const isFolder = (await found.stat()).isDirectory();
    if ((await mountPoints()).includes(mountAt)) await mustRun(["umount", "-l", mountAt]);
    await makeFolder(isFolder ? mountAt : dirname(mountAt), 0o755);
    if (!isFolder) await writeFile(mountAt, "", { flag: "a" });
    // Not made canonical: the kernel then goes through the descriptor itself, not to the name it once had.
    await mustRun(["mount", "--no-canonicalize", "--bind", "/proc/self/fd/3", mountAt], {
      descriptor: found.fd,
    });
    return mountAt;
  } finally {
    await found.close();
  }
}

export async function mountPoints(): Promise<readonly string[]> {
  const text = await readFile("/proc/self/mountinfo", "utf8");
  return text.split("\n").flatMap((line) => line.split(" ")[4] ?? []);
}

/** A volume's name becomes a folder's: whatever the API let through, it stays one name. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name);
}

export async function removeMounts(below: string): Promise<void> {
  const mounted = (await mountPoints()).filter((path) => path.startsWith(`${below}/`));
  for (const path of mounted.reverse()) await takeDown(path);
}

/** At once, also where what is mounted there does not answer any more: nothing looks at it, and no program of its kind is asked. */
export async function takeDown(path: string): Promise<void> {
  await mustRun(["umount", "--lazy", "--no-canonicalize", "--internal-only", path]);
}

export const subPathFolder = (podDir: string, volume: string, container: string, index: number): string =>
  join(podDir, "subpaths", volume, container, String(index));

import { chown, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { RuntimeError } from "../seam.ts";
import { mustRun, runCommand } from "../supervised/run-command.ts";
import type { MappedUsers } from "./mapped-users.ts";
import { showMapped } from "./mapped-users.ts";

/** Where an image's layers stand unpacked. */
export interface LayerSource {
  /** Folders, the topmost layer first; `/` alone for the host's own file system. */
  lowerDirs(imageId: string): Promise<readonly string[]>;
}

/** Containers' root file systems: the image's layers, read-only, below a writable layer of their own. */
export interface RootFilesystems {
  /** Mounts below `dir`; answers the root's path. What is root's is that of the pod's users, where it has its own. */
  mount(imageId: string, dir: string, users?: MappedUsers): Promise<string>;
  /** Fine when nothing is mounted. */
  unmount(dir: string): Promise<void>;
}

/** The writable layer of the file system that stands in `dir`. */
export const upperFolder = (dir: string): string => join(dir, "upper");

/** The kernel takes one page of options. */
const optionBytesMost = 4000;

export function overlayFilesystems(layers: LayerSource): RootFilesystems {
  return {
    async mount(imageId, dir, users) {
      const found = await layers.lowerDirs(imageId);
      const [root, upper, work] = [join(dir, "rootfs"), upperFolder(dir), join(dir, "work")];
      for (const path of [root, upper, work]) await makeFolder(path, 0o755);
      if (users !== undefined) await chown(upper, users.first, users.first);
      const lower =
        users === undefined
          ? found
          : await showMapped(found, join(dir, "lower"), { pid: users.pid, reach: "one" });
      // Relative to one folder the many layers' names stay short.
      const cwd = commonFolder(lower);
      const names = lower.map((path) => path.slice(cwd.length).replace(/^\/+/, "") || ".");
      const options = `lowerdir=${lower.length === 1 ? lower[0] : names.join(":")},upperdir=${upper},workdir=${work}`;
      if (options.length > optionBytesMost)
        throw new RuntimeError(`the image has too many layers (${lower.length})`);
      await mustRun(["mount", "-t", "overlay", "overlay", "-o", options, root], { cwd });
      // The overlay has them on its own now.
      if (users !== undefined) await mustRun(["umount", "-l", ...lower]);
      if (found[0] === "/")
        for (const path of await otherHostMounts(dir)) await bindReadOnly(path, join(root, path));
      return root;
    },
    async unmount(dir) {
      for (const path of (await mountPoints()).filter((one) => one.startsWith(`${dir}/`)).reverse())
        await mustRun(["umount", "-l", path]);
    },
  };
}

function commonFolder(paths: readonly string[]): string {
  const [first = "/"] = paths;
  let folder = first.slice(0, first.lastIndexOf("/")) || "/";
  while (!paths.every((path) => path.startsWith(folder)))
    folder = folder.slice(0, folder.lastIndexOf("/")) || "/";
  return folder;
}

async function mountPoints(): Promise<readonly string[]> {
  return mountLines(await readFile("/proc/self/mountinfo", "utf8")).map(({ path }) => path);
}

/** Disks mounted below the host's root, which an overlay of `/` does not show: bound in, read-only. */
async function otherHostMounts(except: string): Promise<readonly string[]> {
  const disks = new Set([
    "ext2",
    "ext3",
    "ext4",
    "xfs",
    "btrfs",
    "f2fs",
    "zfs",
    "squashfs",
    "erofs",
    "9p",
    "virtiofs",
    "nfs4",
  ]);
  const found = mountLines(await readFile("/proc/self/mountinfo", "utf8"))
    .filter(({ type, path }) => disks.has(type) && path !== "/")
    .map(({ path }) => path)
    .filter((path) => !/^\/(proc|sys|dev|run|boot)(\/|$)/.test(path) && !except.startsWith(path));
  return found.filter((path) => !found.some((outer) => path !== outer && path.startsWith(`${outer}/`)));
}

function mountLines(mountinfo: string): readonly { path: string; type: string }[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const path = left.split(" ")[4];
    return path === undefined
      ? []
      : [
          {
            path: path.replace(/\\(\d{3})/g, (_, octal: string) =>
              String.fromCharCode(Number.parseInt(octal, 8)),
            ),
            type: right.split(" ")[0] ?? "",
          },
        ];
  });
}

/** A file bound over another (as /etc/hosts in a container) or a folder that went away is left out, not fatal. */
async function bindReadOnly(from: string, to: string): Promise<void> {
  const { code } = await runCommand(["mount", "--bind", from, to]);
  if (code === 0) await mustRun(["mount", "-o", "remount,bind,ro", to]);
}

import { chmod, chown } from "node:fs/promises";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { PodSpec, Volume } from "../../client/types.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { ConfigError } from "../sync/environment.ts";
import { hugePageMountOptions, isHugePageMedium } from "./huge-page-volume.ts";
import { memoryVolumeBytes } from "./memory-volume.ts";
import { mountPoints } from "./sub-paths.ts";

type EmptyDir = NonNullable<Volume["emptyDir"]>;

interface FolderMount {
  readonly type: "tmpfs" | "hugetlbfs";
  readonly options: string;
}

/** Makes an empty folder of a pod's on its medium: the disk, memory or huge pages. One that stands is the pod's own by now,
 *  with its owner and mode. Rejects with ConfigError where its medium cannot be had. */
export async function showEmptyFolder(
  folder: string,
  spec: PodSpec,
  emptyDir: EmptyDir,
  allocatableBytes: number,
): Promise<void> {
  const mount = mountFor(spec, emptyDir, allocatableBytes);
  const group = spec.securityContext?.fsGroup;
  const made = await makeFolder(folder, 0o755);
  const lacksMount = mount !== undefined && !(await mountPoints()).includes(folder);
  if (made === undefined && !lacksMount) return;
  if (mount !== undefined && lacksMount)
    await mustRun(["mount", "-t", mount.type, "-o", mount.options, mount.type, folder]);
  if (group !== undefined && process.getuid?.() === 0) await chown(folder, 0, group);
  const isSticky = mount?.type === "tmpfs" ? 0o1000 : 0; // as it is by itself
  await chmod(folder, 0o777 | isSticky | (group === undefined ? 0 : 0o2000));
}

/** Undefined where the folder lies on the disk. */
function mountFor(
  spec: PodSpec,
  { medium = "", sizeLimit }: EmptyDir,
  allocatableBytes: number,
): FolderMount | undefined {
  const isRoot = process.getuid?.() === 0;
  if (medium === "Memory" && isRoot) {
    const bytes = memoryVolumeBytes(spec, sizeLimit, allocatableBytes);
    return { type: "tmpfs", options: `mode=1777,size=${bytes}` };
  }
  if (!isHugePageMedium(medium)) return undefined;
  if (!isRoot)
    throw new ConfigError(`medium ${medium}: only an agent that runs as root can mount huge pages`);
  const { pageBytes, bytesMost } = hugePageMountOptions(spec, medium, sizeLimit);
  return { type: "hugetlbfs", options: `pagesize=${pageBytes},size=${bytesMost}` };
}

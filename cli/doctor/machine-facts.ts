import { execFile } from "node:child_process";
import { readFile, statfs } from "node:fs/promises";
import { arch, cpus, release, totalmem } from "node:os";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { procText } from "../../base/os/proc.ts";

/** What is looked at of a machine; undefined: it could not be read. */
export interface MachineFacts {
  readonly nodeVersion: string;
  readonly platform: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly isRoot: boolean;
  /** `/proc/self/mountinfo` */
  readonly mounts: string;
  /** Of cgroup v2: `cgroup.controllers`. */
  readonly controllers: string | undefined;
  readonly maxUserNamespaces: number | undefined;
  readonly userNamespacesForAll: boolean | undefined;
  readonly inotifyInstances: number | undefined;
  readonly inotifyWatches: number | undefined;
  readonly openFiles: number | undefined;
  /** First lines of what `--version` of programs prints; undefined: there is none such. */
  readonly programs: Readonly<Record<string, string | undefined>>;
  readonly ipForward: boolean | undefined;
  readonly disk:
    | {
        readonly folder: string;
        readonly freeBytes: number;
        readonly allBytes: number;
        readonly freeFiles: number;
      }
    | undefined;
  /** How long syncs of the disk took. */
  readonly syncMs: readonly number[] | undefined;
  /** Whether somebody keeps the clock to a time server. */
  readonly isClockKept: boolean | undefined;
}

const programs = ["crun", "runc", "nft", "iptables", "ip", "kubectl"] as const;
const programMs = 5000;

export async function readMachineFacts(
  folder: string,
  measureSyncs: (folder: string) => Promise<readonly number[] | undefined>,
): Promise<MachineFacts> {
  const number = (path: string) => {
    const text = procText(path).trim();
    return text === "" ? undefined : Number(text);
  };
  const existing = await nearestFolder(folder);
  const versions = await Promise.all(programs.map(async (name) => [name, await versionOf(name)] as const));
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    kernel: release(),
    architecture: arch(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    isRoot: process.getuid?.() === 0,
    mounts: procText("/proc/self/mountinfo"),
    controllers: await textOf("/sys/fs/cgroup/cgroup.controllers"),
    maxUserNamespaces: number("/proc/sys/user/max_user_namespaces"),
    userNamespacesForAll: booleanOf(number("/proc/sys/kernel/unprivileged_userns_clone")),
    inotifyInstances: number("/proc/sys/fs/inotify/max_user_instances"),
    inotifyWatches: number("/proc/sys/fs/inotify/max_user_watches"),
    openFiles: openFilesIn(procText("/proc/self/limits")),
    programs: Object.fromEntries(versions),
    ipForward: booleanOf(number("/proc/sys/net/ipv4/ip_forward")),
    disk: await diskOf(existing),
    syncMs: await measureSyncs(existing),
    isClockKept: await clockKept(),
  };
}

const booleanOf = (value: number | undefined): boolean | undefined =>
  value === undefined ? undefined : value !== 0;

/** The soft limit of open files. */
export function openFilesIn(limits: string): number | undefined {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined; // not there, or not for us: that is the answer
    throw error;
  }
}

async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at))
    try {
      await statfs(at);
      return at;
    } catch (error) {
      if (at === dirname(at) || !(error instanceof Error && "code" in error && error.code === "ENOENT"))
        throw error;
    }
}

async function diskOf(folder: string): Promise<MachineFacts["disk"]> {
  const { bavail, bsize, blocks, ffree } = await statfs(folder);
  return { folder, freeBytes: bavail * bsize, allBytes: blocks * bsize, freeFiles: ffree };
}

async function versionOf(name: string): Promise<string | undefined> {
  const words = name === "kubectl" ? ["version", "--client"] : name === "ip" ? ["-V"] : ["--version"];
  try {
    const { stdout, stderr } = await promisify(execFile)(name, words, { timeout: programMs });
    return `${stdout}${stderr}`.trim().split("\n")[0]?.slice(0, 200) ?? "";
  } catch (error) {
    // There, but it would not say: that is a version that is not known.
    return error instanceof Error && "code" in error && error.code === "ENOENT"
      ? undefined
      : "(does not say)";
  }
}

/** As systemd tells it; undefined: nobody here tells. */
async function clockKept(): Promise<boolean | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      "timedatectl",
      ["show", "-p", "NTPSynchronized", "--value"],
      { timeout: programMs },
    );
    return stdout.trim() === "" ? undefined : stdout.trim() === "yes";
  } catch (error) {
    if (error instanceof Error) return undefined; // no systemd, or none that answers
    throw error;
  }
}

import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { release } from "node:os";
import { delimiter, join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { describeError } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Os } from "../../base/os/os.ts";
import type { CriChoice } from "./cri/endpoint.ts";
import { type FoundCri, findCri } from "./cri/open-cri.ts";
import { findCgroups, hybridWrapper } from "./oci/cgroups.ts";
import { readHostLimits } from "./oci/host-limits.ts";
import { type OciConfig, versionOf } from "./oci/launcher.ts";
import { supportsUserNamespaces } from "./oci/mapped-users.ts";
import { countsProcesses, limitGroup, type PodGroupLimits } from "./oci/pod-group.ts";
import { PodsGroup } from "./oci/pods-group.ts";
import { supportsRecursiveReadOnly } from "./oci/recursive-read-only.ts";
import { supportsSeccomp } from "./oci/seccomp-profile.ts";
import { mustRun } from "./supervised/run-command.ts";

export interface RuntimeChoice {
  readonly runtime: "auto" | "oci" | "process";
  /** --oci-runtime: a program's path or name; the first of crun and runc found when absent. */
  readonly ociRuntime?: string | undefined;
  readonly rootDir: string;
  readonly nodeName: string;
}

/** `perl` is the path of what shims run on. */
export type Chosen = OwnRuntime | { readonly kind: "cri"; readonly found: FoundCri; readonly perl: string };

export type OwnRuntime =
  | { readonly kind: "oci"; readonly config: OciConfig; readonly perl: string }
  /** `reason` says why real containers are not to be had; empty when processes were asked for. */
  | { readonly kind: "process"; readonly reason: string; readonly perl: string };

/** What works on this machine. Throws UsageError when `oci` is asked for and cannot be had, and when
 *  there is no perl: nothing could be run at all. */
export async function chooseRuntime(choice: RuntimeChoice): Promise<OwnRuntime> {
  const perl = findPerl();
  if (choice.runtime === "process") return { kind: "process", reason: "", perl };
  try {
    return { kind: "oci", config: await findOci(choice), perl };
  } catch (error) {
    if (choice.runtime === "oci") throw new UsageError(`--runtime oci: ${describeError(error)}`);
    return { kind: "process", reason: describeError(error), perl };
  }
}

/** A container runtime; its network plugin is the agent's, and runs on perl. */
export async function chooseCri(choice: CriChoice, os: Pick<Os, "clock" | "random">): Promise<Chosen> {
  return { kind: "cri", perl: findPerl(), found: await findCri(choice, os) };
}

function findPerl(): string {
  const perl = findProgram("perl");
  if (perl !== undefined) return perl;
  throw new UsageError(
    "--runtime: found no perl, which supervises containers (Debian: apt install perl-base)",
  );
}

async function findOci(choice: RuntimeChoice): Promise<OciConfig> {
  if (process.getuid?.() !== 0) throw new Error("containers need root");
  const names = choice.ociRuntime === undefined ? ["crun", "runc"] : [choice.ociRuntime];
  const program = names.map(findProgram).find((path) => path !== undefined);
  if (program === undefined) throw new Error(`found no ${names.join(" or ")} (Debian: apt install crun)`);
  for (const tool of ["unshare", "mount", "umount", "ip"])
    if (findProgram(tool) === undefined) throw new Error(`found no ${tool}`);
  const cgroups = await findCgroups();
  if (cgroups === undefined) throw new Error("no cgroup memory controller is mounted");
  await tryOverlay(choice.rootDir);
  const version = await versionOf(program);
  return {
    program,
    wrapper: await hybridWrapper(cgroups, program),
    version,
    rootDir: choice.rootDir,
    cgroupParent: `/pintle/${choice.nodeName}`,
    cgroups,
    host: await readHostLimits(),
    seccomp: await supportsSeccomp(program),
    recursiveReadOnly: supportsRecursiveReadOnly(version, release()),
    userNamespaces: await supportsUserNamespaces(choice.rootDir),
  };
}

/** Overlays are refused for instance inside containers and on some file systems; better known now than per pod. */
async function tryOverlay(rootDir: string): Promise<void> {
  await makeFolder(rootDir, 0o711);
  const dir = await mkdtemp(join(rootDir, "try-"));
  try {
    for (const name of ["upper", "work", "merged"]) await mkdir(join(dir, name));
    const options = `lowerdir=/,upperdir=${dir}/upper,workdir=${dir}/work`;
    await mustRun(["mount", "-t", "overlay", "overlay", "-o", options, join(dir, "merged")]);
    await mustRun(["umount", join(dir, "merged")]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).concat("/usr/sbin", "/sbin");
  const paths = name.includes("/") ? [name] : folders.map((folder) => join(folder, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error) return false;
      throw error;
    }
  });
}

/** What holds the containers of each pod to what they may take together; undefined where nothing does.
 *  @param processesMost That each pod may have; undefined: any number. */
export function podLimitsOf(chosen: Chosen, processesMost?: number): PodGroupLimits | undefined {
  if (chosen.kind === "cri") return chosen.found.groups.limits?.(processesMost);
  if (chosen.kind !== "oci") return undefined;
  const { cgroups, cgroupParent } = chosen.config;
  return {
    limit: (uid, resources) => limitGroup(cgroups, `${cgroupParent}/pod${uid}`, resources, processesMost),
  };
}

/** Throws UsageError where nothing would hold pods to a number of processes. */
export async function checkPodProcesses(chosen: Chosen, processesMost: number | undefined): Promise<void> {
  if (processesMost === undefined) return;
  const cgroups = chosen.kind === "oci" ? chosen.config.cgroups : await findCgroups();
  if (podLimitsOf(chosen) === undefined || cgroups === undefined || !(await countsProcesses(cgroups)))
    throw new UsageError(
      "--pod-max-pids: nothing here holds pods to a number of processes (that takes containers, control groups that are not systemd's, and the controller pids)",
    );
}

/** The control group of all pods, where they have one. */
export function podsGroupOf(chosen: Chosen): PodsGroup | undefined {
  if (chosen.kind === "cri") return chosen.found.groups.all;
  return chosen.kind === "oci" ? new PodsGroup(chosen.config.cgroups, chosen.config.cgroupParent) : undefined;
}

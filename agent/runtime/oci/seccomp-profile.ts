import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { RuntimeError, type SeccompChoice } from "../seam.ts";
import { readOptional } from "../supervised/records.ts";
import { mustRun } from "../supervised/run-command.ts";
import { allowedCalls, allowedCallsOf, callsByCapability, refusedCalls } from "./seccomp-table.ts";

/** `linux.seccomp` of the OCI runtime specification. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly [field: string]: unknown;
}

export interface SeccompPlaces {
  /** Where localhostProfile is looked up. */
  readonly profilesDir: string;
  /** Whether the kernel and the OCI runtime can filter system calls. */
  readonly isSupported: boolean;
}

/** What the container is to be filtered by; undefined for none. Rejects with RuntimeError where that is not to be had. */
export async function seccompOf(
  choice: SeccompChoice,
  capabilities: readonly string[],
  { profilesDir, isSupported }: SeccompPlaces,
): Promise<SeccompProfile | undefined> {
  if (choice.type === "Unconfined") return undefined;
  if (!isSupported)
    throw new RuntimeError(`seccompProfile ${choice.type}: seccomp is not supported on this node`);
  if (choice.type === "RuntimeDefault") return defaultProfile(process.arch, capabilities);
  return (await localhostProfile(choice.path, profilesDir)).profile;
}

/** A profile of the node's own, and where it lies. Rejects with RuntimeError on one that is missing, broken or outside. */
export async function localhostProfile(
  path: string,
  profilesDir: string,
): Promise<{ readonly file: string; readonly profile: SeccompProfile }> {
  if (path === "" || isAbsolute(path) || path.split("/").includes(".."))
    throw new RuntimeError(
      `seccompProfile.localhostProfile: ${JSON.stringify(path)} leaves the profiles' folder`,
    );
  const file = join(profilesDir, path);
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "no such file or directory" : cause.code;
    throw new RuntimeError(`cannot load seccomp profile "${file}": ${why}`, { cause });
  });
  return { file, profile: parseProfile(text, file) };
}

/** Pure. The OCI runtime judges the rest of it. */
function parseProfile(text: string, file: string): SeccompProfile {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (cause) {
    throw new RuntimeError(`cannot decode seccomp profile "${file}": it is no JSON`, { cause });
  }
  const isProfile =
    typeof profile === "object" &&
    profile !== null &&
    "defaultAction" in profile &&
    typeof profile.defaultAction === "string";
  if (!isProfile) throw new RuntimeError(`cannot decode seccomp profile "${file}": it has no defaultAction`);
  return profile as SeccompProfile;
}

const eperm = 1;
const enosys = 38;
const vsockFamily = 40;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaceFlags = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
/** Linux, 16-bit user ids, the two with addresses that are not random, and the question what is set. */
const personalities = [0, 0x8, 0x20000, 0x20008, 0xffffffff];

const architectures: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/** RuntimeDefault: what the tables allow, and what the container's capabilities open. Pure.
 *  clone3 takes its flags by pointer, where a filter cannot look: it is opened by SYS_ADMIN, else it does not exist and
 *  callers use clone. */
export function defaultProfile(arch: string, capabilities: readonly string[]): SeccompProfile {
  const own = architectures[arch];
  if (own === undefined)
    throw new RuntimeError(`seccompProfile RuntimeDefault: there is no profile for ${arch}`);
  const held = (name: string) => capabilities.includes(name);
  const words = (...texts: readonly string[]) => texts.flatMap((text) => text.split(/\s+/));
  const gated = Object.entries(callsByCapability);
  const opened = new Set(gated.flatMap(([name, text]) => (held(name) ? words(text) : [])));
  const closed = new Set(gated.flatMap(([, text]) => words(text)).filter((name) => !opened.has(name)));
  const isAdmin = held("CAP_SYS_ADMIN");
  const clone = {
    names: ["clone"],
    args: [
      masked(
        namespaceFlags.reduce((all, flag) => all | flag),
        0,
      ),
    ],
  };
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: enosys,
    architectures: own,
    syscalls: [
      allow(words(...Object.values(allowedCalls), allowedCallsOf[arch] ?? "")),
      ...(opened.size > 0 ? [allow([...opened])] : []),
      refuse([...closed, ...words(refusedCalls)]),
      ...(isAdmin
        ? [allow(["clone", "clone3"])]
        : [
            allow(clone.names, clone.args),
            ...namespaceFlags.map((flag) => refuse(clone.names, [masked(flag, flag)])),
          ]),
      ...personalities.map((value) => allow(["personality"], [{ index: 0, value, op: "SCMP_CMP_EQ" }])),
      allow(["socket"], [{ index: 0, value: vsockFamily, op: "SCMP_CMP_NE" }]),
      refuse(["socket"], [{ index: 0, value: vsockFamily, op: "SCMP_CMP_EQ" }]),
    ],
  };
}

interface Argument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

function masked(mask: number, equals: number): Argument {
  return { index: 0, value: mask, valueTwo: equals, op: "SCMP_CMP_MASKED_EQ" };
}

function allow(names: readonly string[], args: readonly Argument[] = []): object {
  return { names, action: "SCMP_ACT_ALLOW", args };
}

function refuse(names: readonly string[], args: readonly Argument[] = []): object {
  return { names, action: "SCMP_ACT_ERRNO", errnoRet: eperm, args };
}

/** Whether both the kernel and the program were built with it. */
export async function supportsSeccomp(program: string): Promise<boolean> {
  const actions = await readOptional("/proc/sys/kernel/seccomp/actions_avail");
  const version = await mustRun([program, "--version"]);
  return actions !== undefined && /\+SECCOMP\b|^libseccomp: /m.test(version);
}

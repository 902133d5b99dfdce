import { readFile, writeFile } from "node:fs/promises";

/** What this process may hand on to containers: less than everything inside many CI containers. */
export interface HostLimits {
  /** Names without `CAP_`. */
  readonly capabilities: ReadonlySet<string>;
  /** The lowest oom_score_adj that may be given to a process of ours. */
  readonly lowestOomScore: number;
}

/** In the kernel's order: a capability's number is its place. */
export const capabilityNames: readonly string[] = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split(" ");

export async function readHostLimits(): Promise<HostLimits> {
  const status = await readFile("/proc/self/status", "utf8");
  return { capabilities: capabilitiesIn(status), lowestOomScore: await lowestOomScore() };
}

/** Those both in the bounding and in the permitted set of /proc/PID/status. Pure. */
export function capabilitiesIn(status: string): ReadonlySet<string> {
  const bits = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s+([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`);
  const both = bits("CapBnd") & bits("CapPrm");
  return new Set(capabilityNames.filter((_, number) => (both >> BigInt(number)) & 1n));
}

/** The kernel does not tell the bound, it only enforces it: tried on ourselves, for an instant. */
async function lowestOomScore(): Promise<number> {
  const path = "/proc/self/oom_score_adj";
  const own = Number(await readFile(path, "utf8"));
  let refused = -1001;
  let allowed = own;
  try {
    for (let next = -1000; refused + 1 < allowed; next = Math.floor((refused + allowed) / 2))
      if (await mayWrite(path, next)) allowed = next;
      else refused = next;
  } finally {
    await mayWrite(path, own);
  }
  return allowed;
}

async function mayWrite(path: string, score: number): Promise<boolean> {
  try {
    await writeFile(path, String(score));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM"))
      return false;
    throw error;
  }
}

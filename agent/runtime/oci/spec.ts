import { hugePageLimits, pageSizeOfGroups } from "../../memory/huge-pages.ts";
import { type ContainerConfig, RuntimeError, type UserRange } from "../seam.ts";
import { accountOf } from "../supervised/account.ts";
import type { Cover } from "./covers.ts";
import { capabilityNames, type HostLimits } from "./host-limits.ts";
import type { SeccompProfile } from "./seccomp-profile.ts";

/** Where the container's parts stand on the host. */
export interface SpecPlaces {
  readonly rootfs: string;
  readonly cgroupsPath: string;
  /** The pause process, whose namespaces are joined; its network is left out for hostNetwork. */
  readonly pausePid: number;
  /** A process whose pid namespace is joined in place of a new one. */
  readonly seenPid?: number;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly sharedPid: boolean;
  /** The pod's own, where it has them: the pause process is in their namespace. */
  readonly users?: UserRange;
  readonly hostname: string;
  readonly host: HostLimits;
  readonly covers?: readonly Cover[];
  /** In bytes, of the huge pages that control groups can be held to. */
  readonly hugePageSizes?: readonly number[];
  /** The name of a profile that the kernel has loaded. */
  readonly appArmor?: string;
  /** No filter when absent. */
  readonly seccomp?: SeccompProfile;
}

/** An OCI runtime configuration (runtime-spec 1.0), as far as ours go. */
export function ociSpec(config: ContainerConfig, places: SpecPlaces): object {
  const { security } = config;
  const capabilities = capabilitiesOf(config, places.host);
  const path = (name: string) => `/proc/${places.pausePid}/ns/${name}`;
  const namespaces: { type: string; path?: string }[] = [
    { type: "mount" },
    { type: "uts", path: path("uts") },
  ];
  if (places.users !== undefined) namespaces.unshift({ type: "user", path: path("user") });
  if (!places.hostIpc) namespaces.push({ type: "ipc", path: path("ipc") });
  if (!places.hostNetwork) namespaces.push({ type: "network", path: path("net") });
  if (places.sharedPid) namespaces.push({ type: "pid", path: path("pid") });
  else if (!places.hostPid)
    namespaces.push({ type: "pid", ...(places.seenPid && { path: `/proc/${places.seenPid}/ns/pid` }) });
  return {
    ociVersion: "1.0.2",
    process: {
      ...processOf(config),
      capabilities: Object.fromEntries(
        ["bounding", "effective", "permitted"].map((set) => [set, capabilities]),
      ),
      noNewPrivileges: security.noNewPrivileges,
      ...(places.appArmor !== undefined && { apparmorProfile: places.appArmor }),
      oomScoreAdj: Math.max(config.resources.oomScoreAdj, places.host.lowestOomScore),
    },
    root: { path: places.rootfs, readonly: security.readOnlyRoot },
    mounts: mountsOf(config, places),
    linux: {
      namespaces,
      cgroupsPath: places.cgroupsPath,
      ...(places.users !== undefined && mappingsOf(places.users)),
      // Nobody but the host makes devices: others are shown them.
      ...(places.users === undefined && (config.devices ?? []).length > 0 && { devices: devicesOf(config) }),
      resources: resourcesOf(config, places),
      ...(places.seccomp !== undefined && { seccomp: places.seccomp }),
      ...(!security.privileged && !security.unmaskedProc && { maskedPaths, readonlyPaths }),
      rootfsPropagation: config.mounts.some(({ propagation }) => propagation === "rshared")
        ? "rshared"
        : "rslave",
    },
    annotations: { ...config.runtimeAnnotations },
  };
}

/** The part that exec shares with the container's own process. */
export function processOf(config: ContainerConfig): {
  terminal: boolean;
  user: { uid: number; gid: number; additionalGids: readonly number[] };
  args: readonly string[];
  env: string[];
  cwd: string;
} {
  const env = new Map<string, string>([["PATH", defaultPath], ...config.env]);
  if (config.tty && !env.has("TERM")) env.set("TERM", "xterm");
  return {
    terminal: false,
    user: { ...accountOf(config), additionalGids: config.user.groups },
    args: config.command,
    env: [...env].map(([name, value]) => `${name}=${value}`),
    cwd: config.workingDir || "/",
  };
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** As Docker's and containerd's. */
const defaultCapabilities = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "MKNOD",
  "NET_RAW",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "SYS_CHROOT",
  "KILL",
  "AUDIT_WRITE",
];

/** What of them the host has (without the prefix `CAP_`). Only a capability that the container names itself must be there:
 *  RuntimeError otherwise. */
export function capabilitiesOf(
  { security }: Pick<ContainerConfig, "security">,
  { capabilities }: Pick<HostLimits, "capabilities">,
): readonly string[] {
  const plain = (name: string) => name.toUpperCase().replace(/^CAP_/, "");
  const add = security.addCapabilities.map(plain);
  const drop = security.dropCapabilities.map(plain);
  const named = add.filter((name) => name !== "ALL");
  for (const name of named)
    if (!capabilityNames.includes(name)) throw new RuntimeError(`there is no capability CAP_${name}`);
    else if (!capabilities.has(name) && !security.privileged)
      throw new RuntimeError(`capability CAP_${name} is asked for, but this host's agent does not have it`);
  const from = security.privileged || add.includes("ALL") ? capabilityNames : defaultCapabilities;
  const kept = drop.includes("ALL") ? [] : from.filter((name) => !drop.includes(name));
  return [...new Set([...kept, ...named])]
    .filter((name) => capabilities.has(name))
    .map((name) => `CAP_${name}`);
}

function mappingsOf({ first, length }: UserRange) {
  const mapping = [{ containerID: 0, hostID: first, size: length }];
  return { uidMappings: mapping, gidMappings: mapping };
}

/** Devices that a container gets, under names of its own; where nothing else is said root's, as disks are. */
const devicesOf = ({ devices = [] }: ContainerConfig): readonly object[] =>
  devices.map(({ containerPath: path, type, major, minor, owner }) => {
    const { uid, gid, mode } = owner ?? { uid: 0, gid: 6, mode: 0o660 }; // disk, on every Debian-like system
    return { path, type, major, minor, fileMode: mode, uid, gid };
  });

function resourcesOf(
  { resources, security, devices = [] }: ContainerConfig,
  { hugePageSizes = [] }: SpecPlaces,
): object {
  const hugePages = hugePageLimits(hugePageSizes, resources.hugePages);
  return {
    devices: security.privileged
      ? [{ allow: true, access: "rwm" }]
      : [
          { allow: false, access: "rwm" },
          // Not the full list of devices a runtime makes itself: it adds those.
          { allow: true, type: "c", major: 5, minor: 1, access: "rwm" },
          { allow: true, type: "c", major: 136, access: "rwm" },
          ...devices.map(({ type, major, minor, permissions: access }) => ({
            allow: true,
            type,
            major,
            minor,
            access,
          })),
        ],
    ...(hugePages.length > 0 && {
      hugepageLimits: hugePages.map(({ pageBytes, bytesMost }) => ({
        pageSize: pageSizeOfGroups(pageBytes),
        limit: bytesMost,
      })),
    }),
    ...updatedResources(resources),
  };
}

/** The part of them that changes as a container runs: a limit may be another, but is never taken away. */
export function updatedResources({
  cpuShares,
  cpuQuotaUs,
  memoryBytesMost,
  cpus,
  memoryNumas,
}: ContainerConfig["resources"]): object {
  return {
    cpu: {
      shares: Math.max(2, cpuShares),
      ...(cpuQuotaUs > 0 && { quota: cpuQuotaUs, period: 100_000 }),
      ...(cpus !== undefined && { cpus }),
      ...(memoryNumas !== undefined && { mems: memoryNumas }),
    },
    memory: memoryBytesMost > 0 ? { limit: memoryBytesMost, swap: memoryBytesMost } : {},
  };
}

interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

function mountsOf(config: ContainerConfig, places: SpecPlaces): readonly OciMount[] {
  const system = config.security.privileged ? "rw" : "ro";
  const own: OciMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    places.hostIpc
      ? {
          destination: "/dev/shm",
          type: "bind",
          source: "/dev/shm",
          options: ["rbind", "nosuid", "noexec", "nodev"],
        }
      : {
          destination: "/dev/shm",
          type: "tmpfs",
          source: "shm",
          options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    places.hostNetwork
      ? {
          destination: "/sys",
          type: "bind",
          source: "/sys",
          options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
        }
      : {
          destination: "/sys",
          type: "sysfs",
          source: "sysfs",
          options: ["nosuid", "noexec", "nodev", system],
        },
    // The container's own groups, as every runtime shows them.
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", system],
    },
  ];
  // An IPC namespace of the host's cannot be given a message queue file system of our own.
  const kept = places.hostIpc ? own.filter(({ type }) => type !== "mqueue") : own;
  const asked = [...config.mounts]
    .sort((a, b) => a.containerPath.length - b.containerPath.length)
    .map((mount) => ({
      destination: mount.containerPath,
      type: "bind",
      source: mount.hostPath,
      options: [
        "rbind",
        mount.propagation ?? "rprivate",
        mount.readOnly ? (mount.recursively ? "rro" : "ro") : "rw",
      ],
    }));
  const shown = (places.users === undefined ? [] : (config.devices ?? [])).map((device) => ({
    destination: device.containerPath,
    type: "bind",
    source: device.hostPath,
    options: ["bind", "rprivate", "nosuid", "noexec", device.permissions.includes("w") ? "rw" : "ro"],
  }));
  const covers = (places.covers ?? []).map(({ at, shows }) =>
    shows === undefined
      ? {
          destination: at,
          type: "tmpfs",
          source: "tmpfs",
          options: ["nosuid", "nodev", "mode=755", "size=1024k"],
        }
      : { destination: at, type: "bind", source: shows, options: ["rbind", "rprivate", "ro"] },
  );
  return [
    ...covers,
    ...kept.filter(({ destination }) => !asked.some((one) => one.destination === destination)),
    ...asked,
    ...shown,
  ];
}

export const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];
export const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

import type { Encodable, Of } from "../../../base/protobuf.ts";
import { utf8 } from "../../../base/wire.ts";
import { namespaceOf, normalized } from "../../admission/sysctls.ts";
import { hugePageLimits, pageSizeOfGroups } from "../../memory/huge-pages.ts";
import { maskedPaths, readonlyPaths } from "../oci/spec.ts";
import {
  type AppArmorChoice,
  type ContainerConfig,
  type Mount,
  type Resources,
  RuntimeError,
  type SandboxConfig,
  type UserRange,
} from "../seam.ts";
import { criSignalName, signalNames } from "../stop-signal.ts";
import { keptKeys, textOfContainer } from "./kept.ts";
import type {
  containerConfigMessage,
  createContainerRequest,
  podSandboxConfig,
  runPodSandboxRequest,
} from "./messages.ts";

type Texts = Readonly<Record<string, string>>;

/** What of the node its pods are told by, and where their groups lie. */
export interface RequestPlaces {
  readonly nodeName: string;
  /** Of all groups of this pod; undefined where the runtime is to choose. */
  readonly cgroupParent: string | undefined;
}

/** Logs lie where the agent says, wherever that is: the folder that the runtime is told of is the root. */
const logDirectory = "/";

/** What a sandbox is asked for. Throws RuntimeError on a sysctl that is not the pod's own. Pure. */
export function sandboxRequest(
  config: SandboxConfig,
  places: RequestPlaces,
): Encodable<Of<typeof runPodSandboxRequest>> {
  return { config: sandboxMessage(config, places), runtimeHandler: config.handler ?? "" };
}

/** Pure. */
export function sandboxMessage(
  config: SandboxConfig,
  { nodeName, cgroupParent }: RequestPlaces,
): Encodable<Of<typeof podSandboxConfig>> {
  const { pod, attempt, hostname, dns, sysctls, hostNetwork, hostPid, hostIpc, sharedPid } = config;
  const own = Object.entries(sysctls).map(([name, value]) => [ownSysctl(name, config), value] as const);
  return {
    metadata: { ...pod, attempt },
    // The node's own is its own.
    hostname: hostNetwork ? "" : hostname,
    logDirectory,
    dnsConfig: dns,
    labels: entries({ ...podLabels(config), [keptKeys.nodeLabel]: nodeName }),
    annotations: entries({ [keptKeys.sandbox]: JSON.stringify(config) }),
    linux: {
      cgroupParent: cgroupParent ?? "",
      sysctls: entries(Object.fromEntries(own)),
      securityContext: {
        privileged: config.privileged ?? false,
        seccomp: { profileType: "RuntimeDefault" },
        ...(config.seLinux !== undefined && { selinuxOptions: config.seLinux }),
        namespaceOptions: {
          network: hostNetwork ? "NODE" : "POD",
          pid: hostPid ? "NODE" : sharedPid ? "POD" : "CONTAINER",
          ipc: hostIpc ? "NODE" : "POD",
          ...usersMessage(config),
        },
      },
    },
  };
}

/** Nothing for a pod whose users are the host's. */
const usersMessage = ({ users }: SandboxConfig) =>
  users === undefined
    ? {}
    : { usernsOptions: { mode: "POD", uids: mappingsOf(users), gids: mappingsOf(users) } as const };

const mappingsOf = ({ first, length }: UserRange) => [{ hostId: first, containerId: 0, length }];

/** By its name with dots. */
function ownSysctl(name: string, { hostNetwork, hostIpc }: SandboxConfig): string {
  const dotted = normalized(name);
  const namespace = namespaceOf(dotted);
  const isOwn = namespace === "Net" ? !hostNetwork : namespace === "IPC" ? !hostIpc : false;
  if (!isOwn || dotted.split(/[./]/).includes(""))
    throw new RuntimeError(
      `sysctl ${dotted.replace(/[./]/g, (one) => (one === "." ? "/" : "."))} is not the pod's own`,
    );
  return dotted;
}

const podLabels = ({ pod: { namespace, name, uid } }: SandboxConfig): Texts => ({
  "io.kubernetes.pod.namespace": namespace,
  "io.kubernetes.pod.name": name,
  "io.kubernetes.pod.uid": uid,
});

export interface ContainerPlaces extends RequestPlaces {
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  /** The pod's /etc/hosts. */
  readonly hostsFile: string;
  /** Of the node's own, for a container with `seccomp: Localhost`. */
  readonly seccompFile: string | undefined;
  /** In bytes, of the machine's huge pages. */
  readonly hugePageSizes: readonly number[];
}

/** Pure. */
export function containerRequest(
  config: ContainerConfig,
  places: ContainerPlaces,
): Encodable<Of<typeof createContainerRequest>> {
  return {
    podSandboxId: places.sandboxId,
    config: containerMessage(config, places),
    sandboxConfig: sandboxMessage(places.sandbox, places),
  };
}

function containerMessage(
  config: ContainerConfig,
  { sandbox, hostsFile, seccompFile, nodeName, hugePageSizes }: ContainerPlaces,
): Encodable<Of<typeof containerConfigMessage>> {
  const { name, attempt, image, imageId, command, args = [], workingDir, env, logPath } = config;
  const { stdin, stdinOnce, tty } = config;
  const hosts: Mount = { hostPath: hostsFile, containerPath: "/etc/hosts", readOnly: false };
  const isHostsAsked = config.mounts.some(({ containerPath }) => containerPath === hosts.containerPath);
  return {
    metadata: { name, attempt },
    image: { image: imageId, userSpecifiedImage: image },
    command,
    args,
    workingDir,
    envs: env.map(([key, value]) => ({ key, value: utf8(value) })),
    mounts: [...config.mounts, ...(isHostsAsked ? [] : [hosts])].map((mount) => ({
      containerPath: mount.containerPath,
      hostPath: mount.hostPath,
      readonly: mount.readOnly,
      recursiveReadOnly: mount.readOnly && (mount.recursively ?? false),
      propagation: propagations[mount.propagation ?? "rprivate"],
      ...(sandbox.users && {
        uidMappings: mappingsOf(sandbox.users),
        gidMappings: mappingsOf(sandbox.users),
      }),
    })),
    devices: (config.devices ?? []).map(({ containerPath, hostPath, permissions }) => ({
      containerPath,
      hostPath,
      permissions,
    })),
    labels: entries({
      ...podLabels(sandbox),
      "io.kubernetes.container.name": name,
      [keptKeys.nodeLabel]: nodeName,
    }),
    annotations: entries({ ...config.runtimeAnnotations, [keptKeys.container]: textOfContainer(config) }),
    logPath: logPath.replace(/^\/+/, ""),
    stdin,
    stdinOnce,
    tty,
    CDIDevices: (config.cdiDevices ?? []).map((one) => ({ name: one })),
    stopSignal: criStopSignal(config.stopSignal),
    linux: {
      resources: {
        ...resourcesMessage(config.resources),
        hugepageLimits: hugePageLimits(hugePageSizes, config.resources.hugePages).map((one) => ({
          pageSize: pageSizeOfGroups(one.pageBytes),
          limit: one.bytesMost,
        })),
      },
      securityContext: securityMessage(config, sandbox, seccompFile),
    },
  };
}

/** What is no signal the runtime is not asked for. */
const criStopSignal = (text: string): string =>
  signalNames.includes(text) ? criSignalName(text) : "RUNTIME_DEFAULT";

const propagations = {
  rprivate: "PROPAGATION_PRIVATE",
  rslave: "PROPAGATION_HOST_TO_CONTAINER",
  rshared: "PROPAGATION_BIDIRECTIONAL",
} as const;

function securityMessage(
  { security, user, pidOf }: ContainerConfig,
  sandbox: SandboxConfig,
  seccompFile: string | undefined,
) {
  const { privileged, readOnlyRoot, noNewPrivileges, addCapabilities, dropCapabilities } = security;
  const { hostNetwork, hostPid, hostIpc, sharedPid } = sandbox;
  const isProcMasked = !privileged && !security.unmaskedProc;
  const pid = hostPid ? "NODE" : pidOf !== undefined ? "TARGET" : sharedPid ? "POD" : "CONTAINER";
  return {
    capabilities: { addCapabilities: plain(addCapabilities), dropCapabilities: plain(dropCapabilities) },
    privileged,
    namespaceOptions: {
      network: hostNetwork ? "NODE" : "POD",
      pid,
      ipc: hostIpc ? "NODE" : "POD",
      targetId: pid === "TARGET" ? (pidOf ?? "") : "",
      ...usersMessage(sandbox),
    },
    ...(user.uid !== undefined && { runAsUser: { value: user.uid } }),
    runAsUsername: user.uid === undefined ? (user.name ?? "") : "",
    ...(user.gid !== undefined && { runAsGroup: { value: user.gid } }),
    supplementalGroups: user.groups,
    supplementalGroupsPolicy: user.onlyTheseGroups ? "Strict" : "Merge",
    readonlyRootfs: readOnlyRoot,
    noNewPrivs: noNewPrivileges,
    maskedPaths: isProcMasked ? maskedPaths : [],
    readonlyPaths: isProcMasked ? readonlyPaths : [],
    seccomp: { profileType: security.seccomp.type, localhostRef: seccompFile ?? "" },
    apparmor: profileOf(security.appArmor),
    ...(security.seLinux !== undefined && { selinuxOptions: security.seLinux }),
  } as const;
}

const profileOf = (choice: AppArmorChoice) =>
  choice.type === "Localhost"
    ? ({ profileType: "Localhost", localhostRef: choice.profile } as const)
    : ({ profileType: choice.type } as const);

/** As runtimes know them. */
const plain = (names: readonly string[]) => names.map((name) => name.toUpperCase().replace(/^CAP_/, ""));

const cpuPeriodUs = 100_000;

/** Pure. */
export function resourcesMessage({
  cpuShares,
  cpuQuotaUs,
  memoryBytesMost,
  oomScoreAdj,
  cpus,
  memoryNumas,
}: Resources) {
  return {
    cpuShares: Math.max(2, cpuShares),
    ...(cpuQuotaUs > 0 && { cpuQuota: cpuQuotaUs, cpuPeriod: cpuPeriodUs }),
    ...(memoryBytesMost > 0 && {
      memoryLimitInBytes: memoryBytesMost,
      // No swap beyond it.
      memorySwapLimitInBytes: memoryBytesMost,
    }),
    oomScoreAdj,
    ...(cpus !== undefined && { cpusetCpus: cpus }),
    ...(memoryNumas !== undefined && { cpusetMems: memoryNumas }),
  };
}

export const entries = (texts: Texts) => Object.entries(texts).map(([key, value]) => ({ key, value }));

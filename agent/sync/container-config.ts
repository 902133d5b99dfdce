import { parseMilliQuantity, parseQuantity } from "../../base/quantity.ts";
import { qosClass } from "../../client/rules/pod-qos.ts";
import { amountsOf } from "../../client/rules/pod-requests.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { PlacedCpus } from "../cpus/cpu-manager.ts";
import type { ContainerAccess } from "../devices/container-access.ts";
import type { Image } from "../images/image.ts";
import { textInside } from "../images/layers/path-inside.ts";
import { imageVolumesAnnotation } from "../images/used-images.ts";
import { hugePagesAmong } from "../memory/huge-pages.ts";
import type { HostPort } from "../network-seam.ts";
import type { ContainerConfig, Device, Mount, Resources, SandboxConfig, Security } from "../runtime/seam.ts";
import { askedUser, containerUser } from "./container-user.ts";
import { cpuQuotaUs, cpuShares } from "./cpu-amounts.ts";
import { ConfigError, expandVariables } from "./environment.ts";
import { hostNamesOf } from "./host-names.ts";
import { heldToOf, limitsOf, unclaimedMemoryBytes } from "./pod-group-resources.ts";
import { appArmorChoiceOf, seccompChoiceOf, seLinuxLabelOf } from "./security-profiles.ts";

/** An image may hold anything under the name of its /etc/passwd. */
const accountBytesMax = 4 * 1024 * 1024;

export interface ConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: Image;
  readonly attempt: number;
  readonly env: readonly (readonly [string, string])[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  /** How it gets at what device plugins gave it. */
  readonly access?: ContainerAccess | undefined;
  readonly logPath: string;
  /** Trees of the image's layers, the topmost first: for /etc/passwd and /etc/group. */
  readonly imageTrees: readonly string[];
  readonly imageVolumeIds: readonly string[];
  readonly nodeMemoryBytes: number;
  readonly clusterDomain: string;
  /** The container whose processes this one sees. */
  readonly pidOf?: string | undefined;
  /** Where containers do not all share all CPUs. */
  readonly cpus?: PlacedCpus | undefined;
  /** NUMA nodes that its memory is to be of; undefined for any. */
  readonly memoryNumas?: string | undefined;
}

/** Image and pod merged into what the runtime is to run. Rejects with ConfigError. */
export async function containerConfig(input: ConfigInput): Promise<ContainerConfig> {
  const { pod, container, image, attempt, mounts, logPath } = input;
  const env = new Map<string, string>();
  for (const pair of image.config.Env ?? [])
    env.set(pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1));
  for (const [name, value] of input.access?.envs ?? []) env.set(name, value);
  const own = new Map(input.env);
  env.set("HOSTNAME", hostNamesOf(pod, input.clusterDomain).hostname);
  for (const [name, value] of own) env.set(name, value);
  const expanded = (words: readonly string[]) => words.map((word) => expandVariables(word, own));
  // A pod's command replaces the image's entrypoint and with it the image's own arguments.
  const command = container.command?.length
    ? [...expanded(container.command), ...expanded(container.args ?? [])]
    : [
        ...(image.config.Entrypoint ?? []),
        ...(container.args?.length ? expanded(container.args) : (image.config.Cmd ?? [])),
      ];
  const { isMergedByRuntime = false } = image;
  if (command.length === 0 && !isMergedByRuntime) throw new ConfigError("no command specified");
  const account = (file: string) => textInside(input.imageTrees, `etc/${file}`, accountBytesMax);
  const user = isMergedByRuntime
    ? askedUser(pod, container, image.config.User ?? "")
    : containerUser(pod, container, {
        user: image.config.User ?? "",
        passwd: account("passwd"),
        group: account("group"),
      });
  const heldTo = heldToOf(pod, container, input.cpus);
  const isComplete = user.uid !== undefined && user.gid !== undefined;
  return {
    name: container.name,
    attempt,
    image: container.image ?? "",
    imageId: image.id,
    ...(isMergedByRuntime
      ? { command: expanded(container.command ?? []), args: expanded(container.args ?? []) }
      : { command }),
    workingDir: container.workingDir ?? (image.config.WorkingDir || (isMergedByRuntime ? "" : "/")),
    env: [...env],
    // The pod's own lie on top.
    mounts: [...(input.access?.mounts ?? []), ...mounts],
    ...(input.access?.cdiDevices.length && { cdiDevices: input.access.cdiDevices }),
    ...(input.access?.annotations.size && {
      runtimeAnnotations: Object.fromEntries(input.access.annotations),
    }),
    ...(input.devices.length > 0 && { devices: input.devices }),
    user,
    resources: {
      ...resourcesOf(pod, container, input.nodeMemoryBytes, input.cpus),
      ...(input.memoryNumas !== undefined && { memoryNumas: input.memoryNumas }),
    },
    security: securityOf(pod, container),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    stopSignal:
      container.lifecycle?.stopSignal ?? image.config.StopSignal ?? (isMergedByRuntime ? "" : "SIGTERM"),
    logPath,
    ...(input.pidOf !== undefined && { pidOf: input.pidOf }),
    annotations: {
      podUid: pod.metadata.uid,
      podName: pod.metadata.name,
      podNamespace: pod.metadata.namespace ?? "",
      resources: JSON.stringify(container.resources ?? {}),
      imageRef: image.digests[0] ?? image.id,
      ...(heldTo !== undefined && { heldTo }),
      ...imageVolumesAnnotation(input.imageVolumeIds),
      ...(container.lifecycle?.stopSignal && { stopSignal: container.lifecycle.stopSignal }),
      terminationMessagePath: container.terminationMessagePath ?? "/dev/termination-log",
      terminationMessagePolicy: container.terminationMessagePolicy ?? "File",
      ...(isComplete && { user: JSON.stringify([user.uid, user.gid, user.groups]) }),
    },
  };
}

/** Shares from requests, quota and memory from limits, as the kubelet computes them. */
export function resourcesOf(
  pod: Pod,
  container: Container,
  nodeMemoryBytes: number,
  placed?: PlacedCpus,
): Resources {
  const { requests = {} } = container.resources ?? {};
  const limits = limitsOf(pod, container);
  const cpu = parseMilliQuantity(requests.cpu ?? limits.cpu);
  const memory = requestedMemoryBytes(container) + unclaimedMemoryBytes(pod);
  const qos = qosClass(pod.spec);
  // A container's own count, and where it names none of a size, the pod's as a whole.
  const hugePages = hugePagesAmong(
    amountsOf({ ...pod.spec.resources?.limits, ...container.resources?.limits }),
  );
  const share = 1000 - Math.floor((1000 * memory) / nodeMemoryBytes);
  const oomScoreAdj =
    qos === "Guaranteed" ? -997 : qos === "BestEffort" ? 1000 : Math.min(999, Math.max(3, share));
  return {
    cpuShares: cpuShares(cpu),
    // CPUs of its own hold a container already.
    cpuQuotaUs: placed?.isExclusive ? 0 : cpuQuotaUs(parseMilliQuantity(limits.cpu)),
    memoryBytesMost: Math.floor(parseQuantity(limits.memory)),
    oomScoreAdj,
    ...(hugePages.length > 0 && { hugePages }),
    ...(placed !== undefined && { cpus: placed.cpus }),
  };
}

const requestedMemoryBytes = ({ resources }: Container): number =>
  parseQuantity(resources?.requests?.memory ?? resources?.limits?.memory ?? "0");

function securityOf(pod: Pod, container: Container): Security {
  const own = container.securityContext;
  const seLinux = seLinuxLabelOf(pod, own);
  return {
    privileged: own?.privileged ?? false,
    readOnlyRoot: own?.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own?.allowPrivilegeEscalation === false,
    ...(own?.procMount === "Unmasked" && { unmaskedProc: true }),
    addCapabilities: own?.capabilities?.add ?? [],
    dropCapabilities: own?.capabilities?.drop ?? [],
    seccomp: seccompChoiceOf(pod, container),
    appArmor: appArmorChoiceOf(pod, container),
    ...(seLinux !== undefined && { seLinux }),
  };
}

export function sandboxConfig(
  pod: Pod,
  attempt: number,
  clusterDomain: string,
  dns: SandboxConfig["dns"],
  { handler, users }: Pick<SandboxConfig, "users"> & { readonly handler: string },
): SandboxConfig {
  const { spec, metadata } = pod;
  const { hostname, names } = hostNamesOf(pod, clusterDomain);
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const hostPorts = containers.flatMap(({ ports }) =>
    (ports ?? []).flatMap((port): HostPort[] =>
      port.hostPort
        ? [
            {
              protocol: port.protocol === "UDP" || port.protocol === "SCTP" ? port.protocol : "TCP",
              hostPort: port.hostPort,
              containerPort: port.containerPort,
              ...(port.hostIP !== undefined && { hostIp: port.hostIP }),
            },
          ]
        : [],
    ),
  );
  const { "kubernetes.io/ingress-bandwidth": ingress, "kubernetes.io/egress-bandwidth": egress } =
    metadata.annotations ?? {};
  const seLinux = seLinuxLabelOf(pod);
  const bandwidth = { ...(ingress !== undefined && { ingress }), ...(egress !== undefined && { egress }) };
  return {
    pod: { namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid },
    attempt,
    hostname,
    hostNames: names,
    hostNetwork: spec.hostNetwork ?? false,
    hostPid: spec.hostPID ?? false,
    hostIpc: spec.hostIPC ?? false,
    sharedPid: spec.shareProcessNamespace ?? false,
    hostPorts: spec.hostNetwork ? [] : hostPorts,
    ...(!spec.hostNetwork && Object.keys(bandwidth).length > 0 && { bandwidth }),
    dns,
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames }) => ({ ip, hostnames: hostnames ?? [] })),
    sysctls: Object.fromEntries(
      (spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]),
    ),
    privileged: containers.some(({ securityContext }) => securityContext?.privileged === true),
    ...(seLinux !== undefined && { seLinux }),
    ...(handler !== "" && { handler }),
    ...(users !== undefined && { users }),
  };
}

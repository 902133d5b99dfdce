import type { Duplex } from "node:stream";
import type { HugePageLimit } from "../memory/huge-pages.ts";
import type { Bandwidth, HostPort } from "../network-seam.ts";

/** What the agent asks of a container runtime: the shape of CRI v1 (RuntimeService), as plain functions. Implementers:
 *  oci (crun, runc), process, cri (any runtime that speaks it), simulated; `suite.ts` is run against each. All methods are
 *  idempotent where the CRI says so (stop, remove). Failures are `RuntimeError`s whose message a user can act on. */
export interface Runtime {
  /** Name and version as in node.status.nodeInfo.containerRuntimeVersion: `oci://crun-1.8.1`. */
  readonly description: string;
  /** Makes what pods' containers share (network, IPC and host name) and connects it. Answers its id. */
  runPodSandbox(config: SandboxConfig): Promise<string>;
  /** Kills what runs in it and disconnects it. Fine when it is gone. */
  stopPodSandbox(id: string): Promise<void>;
  /** Forgets a sandbox and its containers. Stops it first. */
  removePodSandbox(id: string): Promise<void>;
  podSandboxStatus(id: string): SandboxStatus | undefined;
  listPodSandboxes(): readonly SandboxStatus[];
  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** SIGTERM (or the image's StopSignal), after the grace SIGKILL. Resolves once it has exited. Called again meanwhile, the
   *  sooner end counts, and nothing but SIGKILL is sent any more. When the signal aborts it rejects, and kills no more. */
  stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>;
  /** Gives a running container other resources, as it runs, and keeps these annotations beside its others. */
  updateContainer(
    id: string,
    resources: Resources,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Only of what does not run. Its logs stay. */
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): RuntimeContainer | undefined;
  listContainers(): readonly RuntimeContainer[];
  /** Runs a command to its end; its output bounded to `execSyncBytesMost` each. Killed after the timeout, or when the signal
   *  aborts; it then answers as for a timeout. */
  execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<ExecResult>;
  exec(id: string, options: ExecOptions): Promise<Session>;
  /** Standard input of a container started with `stdin`, and its output from now on (`logPath` carries it). */
  attach(id: string): Promise<AttachPoint>;
  /** Bytes to and from a port of a pod, as somebody in the pod would connect to it; each direction ends on its own. */
  connectPort(sandboxId: string, port: number): Promise<Duplex>;
  containerStats(id: string): Promise<ContainerStats>;
  /** How much a container wrote to its own root file system; undefined where that is nowhere, or nobody knows yet. */
  writtenBytes(id: string, signal: AbortSignal): Promise<number | undefined>;
  /** In how many files and folders; undefined likewise. */
  writtenInodes(id: string, signal: AbortSignal): Promise<number | undefined>;
  /** Told when a container or sandbox changed without our doing: it exited. */
  subscribe(onEvent: (event: RuntimeEvent) => void): () => void;
  /** Lets go of everything; what runs goes on running. */
  close(): Promise<void>;
}

export const execSyncBytesMost = 16 * 1024;

export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
}

/** Users of the host's, and groups of the same numbers. */
export interface UserRange {
  readonly first: number;
  readonly length: number;
}

/** What a sandbox is told of its pod; also how the agent finds it again. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface SandboxConfig {
  readonly pod: PodIdentity;
  /** 0 for the pod's first sandbox, then one more each time. */
  readonly attempt: number;
  readonly hostname: string;
  /** What /etc/hosts calls the pod's address. */
  readonly hostNames: readonly string[];
  /** Lives in the node's own network namespace. */
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  /** Its containers see each other's processes; the pod's own first process reaps them. Not together with hostPid. */
  readonly sharedPid: boolean;
  readonly hostPorts: readonly HostPort[];
  /** For networks that keep to it. */
  readonly bandwidth?: Bandwidth;
  readonly dns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  /** Further lines for /etc/hosts. */
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** Its users and groups from 0 on are these of the host's; absent: they are the host's own. */
  readonly users?: UserRange;
  /** One of its containers may be privileged. */
  readonly privileged?: boolean;
  readonly seLinux?: SeLinuxLabel;
  /** Which of the runtime's ways to run containers this one is for; its usual one by default. */
  readonly handler?: string;
}

export interface SandboxStatus {
  readonly id: string;
  readonly pod: PodIdentity;
  readonly attempt: number;
  readonly state: "ready" | "notready";
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  /** Empty for hostNetwork. */
  readonly podIp: string;
  /** Of the other family, where the network has two. */
  readonly secondIp?: string;
  /** The number of a process in its network namespace, where it has one of its own and the runtime says so. */
  readonly networkProcess?: number;
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** With all that is mounted in it. */
  readonly recursively?: boolean;
  readonly propagation?: "rprivate" | "rslave" | "rshared";
}

/** A device of the host's. */
export interface Device {
  readonly hostPath: string;
  readonly containerPath: string;
  /** Letters of r (read), w (write) and m (make it). */
  readonly permissions: string;
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Whose it is in the container; root's and the group's of disks where absent. */
  readonly owner?: { readonly uid: number; readonly gid: number; readonly mode: number };
}

export interface ContainerConfig {
  readonly name: string;
  /** How many containers of this name the pod had before. */
  readonly attempt: number;
  /** The image as the pod names it, and its id in the image store. */
  readonly image: string;
  readonly imageId: string;
  /** Complete: image and pod merged. Where the runtime has the images (`Image.isMergedByRuntime`), what the pod says, and the
   *  image's word counts for what is empty here, in `args` and `workingDir`. */
  readonly command: readonly string[];
  /** Of the pod, where the runtime has the images. */
  readonly args?: readonly string[];
  readonly workingDir: string;
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly mounts: readonly Mount[];
  readonly devices?: readonly Device[];
  /** Devices by their names in the Container Device Interface. */
  readonly cdiDevices?: readonly string[];
  /** For the runtime and its hooks. */
  readonly runtimeAnnotations?: Readonly<Record<string, string>>;
  readonly user: ContainerUser;
  readonly resources: Resources;
  readonly security: Security;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  /** By name or number; what is no signal stands for SIGTERM. Empty where the runtime has the images: the image's. */
  readonly stopSignal: string;
  /** The id of a running container of the same sandbox, whose processes this one is to see and that ends it when it ends. Fails
   *  with a RuntimeError where that one does not run. Nothing to do where all processes see each other anyway. */
  readonly pidOf?: string;
  /** Absolute; its folder exists. CRI log format. */
  readonly logPath: string;
  /** Kept and given back: what the agent wants to know of it after a restart. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Complete, but where the runtime has the images: then what is absent is the image's word. */
export interface ContainerUser {
  readonly uid?: number;
  /** As the image's own files know it, in place of `uid`. */
  readonly name?: string;
  readonly gid?: number;
  readonly groups: readonly number[];
  /** The image's files add no groups. */
  readonly onlyTheseGroups?: boolean;
}

export interface Resources {
  readonly cpuShares: number;
  /** Microseconds of CPU per 100 ms; 0: no limit. */
  readonly cpuQuotaUs: number;
  /** 0: no limit. */
  readonly memoryBytesMost: number;
  readonly oomScoreAdj: number;
  /** Set when it is made; nothing of the sizes that are not among them. */
  readonly hugePages?: readonly HugePageLimit[];
  /** CPUs that it may run on, as the kernel lists them; any where absent. */
  readonly cpus?: string;
  /** Set when it is made: NUMA nodes that its memory is of, likewise. */
  readonly memoryNumas?: string;
}

export interface Security {
  readonly privileged: boolean;
  readonly readOnlyRoot: boolean;
  readonly noNewPrivileges: boolean;
  /** It sees all of /proc, and may write what of it is its own. */
  readonly unmaskedProc?: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly seccomp: SeccompChoice;
  readonly appArmor: AppArmorChoice;
  /** Of a host that has SELinux; absent: as it labels containers by itself. */
  readonly seLinux?: SeLinuxLabel;
}

/** Parts that are empty are the host's usual ones. */
export interface SeLinuxLabel {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

export type AppArmorChoice =
  | { readonly type: "Unconfined" }
  | { readonly type: "RuntimeDefault" }
  | { readonly type: "Localhost"; readonly profile: string };

/** `path` is below the node's folder of profiles. */
export type SeccompChoice =
  | { readonly type: "Unconfined" }
  | { readonly type: "RuntimeDefault" }
  | { readonly type: "Localhost"; readonly path: string };

export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly pod: PodIdentity;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageId: string;
  readonly logPath: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly state: ContainerState;
}

export type ContainerState =
  | { readonly phase: "created" }
  | { readonly phase: "running"; readonly startedAtMs: number }
  | {
      readonly phase: "exited";
      readonly startedAtMs: number;
      readonly finishedAtMs: number;
      readonly exitCode: number;
      readonly signal: number;
      /** As in a container status: Completed, Error, OOMKilled, StartError, ContainerStatusUnknown. */
      readonly reason: string;
      readonly message: string;
    };

export interface RuntimeEvent {
  readonly kind: "container-exited" | "sandbox-ended";
  readonly id: string;
  readonly podUid: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly timedOut: boolean;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** A process that a client is talking to. */
export interface Session {
  readonly stdin: NodeJS.WritableStream | undefined;
  readonly stdout: NodeJS.ReadableStream;
  /** Absent with a terminal. */
  readonly stderr: NodeJS.ReadableStream | undefined;
  resize(columns: number, rows: number): void;
  /** The exit code; 128 + signal when killed. */
  readonly exited: Promise<number>;
  kill(): void;
}

export interface AttachPoint {
  readonly logPath: string;
  readonly stdin: NodeJS.WritableStream | undefined;
  resize(columns: number, rows: number): void;
  /** Ends the container's standard input for good, when it was started with `stdinOnce`. */
  closeStdin(): void;
}

export interface ContainerStats {
  /** Since it started, of all its processes. */
  readonly cpuNanos: number;
  /** With what the kernel keeps of files for it. */
  readonly memoryBytes: number;
  /** What of that the kernel could not drop at once: the memory that counts. */
  readonly workingSetBytes: number;
  /** Of no file. These three are absent where nobody counts them. */
  readonly rssBytes?: number;
  /** Since it started, with the major ones, which had to wait for a disk. */
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  /** How many it has; absent where nobody counts them. */
  readonly processes?: number;
}

import {
  bool,
  bytes,
  clampedInt64,
  message,
  nested,
  type Of,
  openEnumeration,
  repeated,
  signedId,
  string,
  uint32,
} from "../../../base/protobuf.ts";
import { criSignalName, signalNames } from "../stop-signal.ts";

/** The messages of CRI v1 (`runtime.v1`), as far as the agent speaks it: `cri.proto` has the same in protobuf's own language.
 *  Times are nanoseconds since 1970. An int32 is read as the 64-bit number that it is on the wire. */

/** A `map<string, string>`: entries, of which the last of a key counts. */
const texts = (number: number) => repeated(nested(number, textEntry));
const textEntry = message({ key: string(1), value: string(2) });
export type TextEntry = Of<typeof textEntry>;

const int64Value = message({ value: clampedInt64(1) });
const uint64Value = message({ value: clampedInt64(1) });

export const versionRequest = message({ version: string(1) });
export const versionResponse = message({
  version: string(1),
  runtimeName: string(2),
  runtimeVersion: string(3),
  runtimeApiVersion: string(4),
});

export const namespaceModes = { POD: 0, CONTAINER: 1, NODE: 2, TARGET: 3 } as const;
const namespaceMode = (number: number) => openEnumeration(number, namespaceModes);
const idMapping = message({ hostId: uint32(1), containerId: uint32(2), length: uint32(3) });
const userNamespace = message({
  mode: namespaceMode(1),
  uids: repeated(nested(2, idMapping)),
  gids: repeated(nested(3, idMapping)),
});
const namespaceOption = message({
  network: namespaceMode(1),
  pid: namespaceMode(2),
  ipc: namespaceMode(3),
  targetId: string(4),
  usernsOptions: nested(5, userNamespace),
});
const securityProfile = message({
  profileType: openEnumeration(1, { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 }),
  localhostRef: string(2),
});
const groupsPolicy = (number: number) => openEnumeration(number, { Merge: 0, Strict: 1 });

const selinuxOption = message({ user: string(1), role: string(2), type: string(3), level: string(4) });

const linuxSandboxSecurityContext = message({
  namespaceOptions: nested(1, namespaceOption),
  selinuxOptions: nested(2, selinuxOption),
  privileged: bool(6),
  seccomp: nested(9, securityProfile),
});
const linuxPodSandboxConfig = message({
  cgroupParent: string(1),
  securityContext: nested(2, linuxSandboxSecurityContext),
  sysctls: texts(3),
});
const dnsConfig = message({
  servers: repeated(string(1)),
  searches: repeated(string(2)),
  options: repeated(string(3)),
});
export const podSandboxMetadata = message({
  name: string(1),
  uid: string(2),
  namespace: string(3),
  attempt: uint32(4),
});
export const podSandboxConfig = message({
  metadata: nested(1, podSandboxMetadata),
  hostname: string(2),
  logDirectory: string(3),
  dnsConfig: nested(4, dnsConfig),
  labels: texts(6),
  annotations: texts(7),
  linux: nested(8, linuxPodSandboxConfig),
});
export const runPodSandboxRequest = message({
  config: nested(1, podSandboxConfig),
  runtimeHandler: string(2),
});
export const runPodSandboxResponse = message({ podSandboxId: string(1) });
export const stopPodSandboxRequest = message({ podSandboxId: string(1) });
export const stopPodSandboxResponse = message({});
export const removePodSandboxRequest = message({ podSandboxId: string(1) });
export const removePodSandboxResponse = message({});

const podSandboxState = (number: number) =>
  openEnumeration(number, { SANDBOX_READY: 0, SANDBOX_NOTREADY: 1 });
const podSandboxFilter = message({ labelSelector: texts(3) });
export const listPodSandboxRequest = message({ filter: nested(1, podSandboxFilter) });
export const podSandbox = message({
  id: string(1),
  metadata: nested(2, podSandboxMetadata),
  state: podSandboxState(3),
  createdAt: signedId(4),
  labels: texts(5),
  annotations: texts(6),
  runtimeHandler: string(7),
});
export type PodSandbox = Of<typeof podSandbox>;
export const listPodSandboxResponse = message({ items: repeated(nested(1, podSandbox)) });
const podSandboxNetworkStatus = message({ ip: string(1) });
const podSandboxStatus = message({
  id: string(1),
  state: podSandboxState(3),
  network: nested(5, podSandboxNetworkStatus),
});
export const podSandboxStatusRequest = message({ podSandboxId: string(1) });
export const podSandboxStatusResponse = message({ status: nested(1, podSandboxStatus) });

export const imageSpec = message({ image: string(1), userSpecifiedImage: string(18) });
const keyValue = message({ key: string(1), value: bytes(2) });
const mount = message({
  containerPath: string(1),
  hostPath: string(2),
  readonly: bool(3),
  propagation: openEnumeration(5, {
    PROPAGATION_PRIVATE: 0,
    PROPAGATION_HOST_TO_CONTAINER: 1,
    PROPAGATION_BIDIRECTIONAL: 2,
  }),
  uidMappings: repeated(nested(6, idMapping)),
  gidMappings: repeated(nested(7, idMapping)),
  recursiveReadOnly: bool(8),
});
const hugepageLimit = message({ pageSize: string(1), limit: clampedInt64(2) });
const linuxContainerResources = message({
  cpuPeriod: clampedInt64(1),
  cpuQuota: clampedInt64(2),
  cpuShares: clampedInt64(3),
  memoryLimitInBytes: clampedInt64(4),
  oomScoreAdj: clampedInt64(5),
  cpusetCpus: string(6),
  cpusetMems: string(7),
  hugepageLimits: repeated(nested(8, hugepageLimit)),
  memorySwapLimitInBytes: clampedInt64(10),
});
const capability = message({ addCapabilities: repeated(string(1)), dropCapabilities: repeated(string(2)) });
const linuxContainerSecurityContext = message({
  capabilities: nested(1, capability),
  privileged: bool(2),
  namespaceOptions: nested(3, namespaceOption),
  selinuxOptions: nested(4, selinuxOption),
  runAsUser: nested(5, int64Value),
  runAsUsername: string(6),
  readonlyRootfs: bool(7),
  supplementalGroups: repeated(clampedInt64(8)),
  noNewPrivs: bool(11),
  runAsGroup: nested(12, int64Value),
  maskedPaths: repeated(string(13)),
  readonlyPaths: repeated(string(14)),
  seccomp: nested(15, securityProfile),
  apparmor: nested(16, securityProfile),
  supplementalGroupsPolicy: groupsPolicy(17),
});
/** 0: the image's, or the runtime's usual one. */
const signals: Readonly<Record<string, number>> = Object.fromEntries([
  ["RUNTIME_DEFAULT", 0],
  ...signalNames.map((name, index) => [criSignalName(name), index + 1] as const),
]);
const signal = (number: number) => openEnumeration(number, signals);
const linuxContainerConfig = message({
  resources: nested(1, linuxContainerResources),
  securityContext: nested(2, linuxContainerSecurityContext),
});
export const containerMetadata = message({ name: string(1), attempt: uint32(2) });
const device = message({ containerPath: string(1), hostPath: string(2), permissions: string(3) });
export const containerConfigMessage = message({
  metadata: nested(1, containerMetadata),
  image: nested(2, imageSpec),
  command: repeated(string(3)),
  args: repeated(string(4)),
  workingDir: string(5),
  envs: repeated(nested(6, keyValue)),
  mounts: repeated(nested(7, mount)),
  devices: repeated(nested(8, device)),
  labels: texts(9),
  annotations: texts(10),
  logPath: string(11),
  stdin: bool(12),
  stdinOnce: bool(13),
  tty: bool(14),
  linux: nested(15, linuxContainerConfig),
  CDIDevices: repeated(nested(17, message({ name: string(1) }))),
  stopSignal: signal(18),
});
export const createContainerRequest = message({
  podSandboxId: string(1),
  config: nested(2, containerConfigMessage),
  sandboxConfig: nested(3, podSandboxConfig),
});
export const createContainerResponse = message({ containerId: string(1) });
export const startContainerRequest = message({ containerId: string(1) });
export const startContainerResponse = message({});
export const stopContainerRequest = message({ containerId: string(1), timeout: clampedInt64(2) });
export const stopContainerResponse = message({});
export const removeContainerRequest = message({ containerId: string(1) });
export const removeContainerResponse = message({});

const containerState = (number: number) =>
  openEnumeration(number, {
    CONTAINER_CREATED: 0,
    CONTAINER_RUNNING: 1,
    CONTAINER_EXITED: 2,
    CONTAINER_UNKNOWN: 3,
  });
const containerFilter = message({ labelSelector: texts(4) });
export const listContainersRequest = message({ filter: nested(1, containerFilter) });
export const listedContainer = message({
  id: string(1),
  podSandboxId: string(2),
  state: containerState(6),
  labels: texts(8),
});
export type ListedContainer = Of<typeof listedContainer>;
export const listContainersResponse = message({ containers: repeated(nested(1, listedContainer)) });
export const containerStatus = message({
  id: string(1),
  metadata: nested(2, containerMetadata),
  state: containerState(3),
  createdAt: signedId(4),
  startedAt: signedId(5),
  finishedAt: signedId(6),
  exitCode: clampedInt64(7),
  reason: string(10),
  message: string(11),
  labels: texts(12),
  annotations: texts(13),
  logPath: string(15),
  stopSignal: signal(19),
});
export type ContainerStatusMessage = Of<typeof containerStatus>;
export const containerStatusRequest = message({ containerId: string(1) });
export const containerStatusResponse = message({ status: nested(1, containerStatus) });
export const updateContainerResourcesRequest = message({
  containerId: string(1),
  linux: nested(2, linuxContainerResources),
});
export const updateContainerResourcesResponse = message({});
export const reopenContainerLogRequest = message({ containerId: string(1) });
export const reopenContainerLogResponse = message({});

export const execSyncRequest = message({
  containerId: string(1),
  cmd: repeated(string(2)),
  timeout: clampedInt64(3),
});
export const execSyncResponse = message({ stdout: bytes(1), stderr: bytes(2), exitCode: clampedInt64(3) });
export const execRequest = message({
  containerId: string(1),
  cmd: repeated(string(2)),
  tty: bool(3),
  stdin: bool(4),
  stdout: bool(5),
  stderr: bool(6),
});
export const execResponse = message({ url: string(1) });
export const attachRequest = message({
  containerId: string(1),
  stdin: bool(2),
  tty: bool(3),
  stdout: bool(4),
  stderr: bool(5),
});
export const attachResponse = message({ url: string(1) });
export const portForwardRequest = message({ podSandboxId: string(1), port: repeated(clampedInt64(2)) });
export const portForwardResponse = message({ url: string(1) });

const cpuUsage = message({ usageCoreNanoSeconds: nested(2, uint64Value) });
const memoryUsage = message({
  workingSetBytes: nested(2, uint64Value),
  usageBytes: nested(4, uint64Value),
  rssBytes: nested(5, uint64Value),
  pageFaults: nested(6, uint64Value),
  majorPageFaults: nested(7, uint64Value),
});
const filesystemIdentifier = message({ mountpoint: string(1) });
const filesystemUsage = message({
  fsId: nested(2, filesystemIdentifier),
  usedBytes: nested(3, uint64Value),
  inodesUsed: nested(4, uint64Value),
});
const containerStatsMessage = message({
  cpu: nested(2, cpuUsage),
  memory: nested(3, memoryUsage),
  writableLayer: nested(4, filesystemUsage),
});
export const containerStatsRequest = message({ containerId: string(1) });
export const containerStatsResponse = message({ stats: nested(1, containerStatsMessage) });

const runtimeCondition = message({ type: string(1), status: bool(2), reason: string(3), message: string(4) });
const runtimeStatus = message({ conditions: repeated(nested(1, runtimeCondition)) });
const runtimeHandlerFeatures = message({ recursiveReadOnlyMounts: bool(1), userNamespaces: bool(2) });
const runtimeHandler = message({ name: string(1), features: nested(2, runtimeHandlerFeatures) });
const runtimeFeatures = message({ supplementalGroupsPolicy: bool(1) });
export const statusRequest = message({ verbose: bool(1) });
export const statusResponse = message({
  status: nested(1, runtimeStatus),
  info: texts(2),
  runtimeHandlers: repeated(nested(3, runtimeHandler)),
  features: nested(4, runtimeFeatures),
});
export type StatusResponse = Of<typeof statusResponse>;
const linuxRuntimeConfiguration = message({ cgroupDriver: openEnumeration(1, { SYSTEMD: 0, CGROUPFS: 1 }) });
export const runtimeConfigRequest = message({});
export const runtimeConfigResponse = message({ linux: nested(1, linuxRuntimeConfiguration) });
export const getEventsRequest = message({});
export const containerEventResponse = message({
  containerId: string(1),
  containerEventType: openEnumeration(2, {
    CONTAINER_CREATED_EVENT: 0,
    CONTAINER_STARTED_EVENT: 1,
    CONTAINER_STOPPED_EVENT: 2,
    CONTAINER_DELETED_EVENT: 3,
  }),
});

export const image = message({
  id: string(1),
  repoTags: repeated(string(2)),
  repoDigests: repeated(string(3)),
  size: clampedInt64(4),
  uid: nested(5, int64Value),
  username: string(6),
  pinned: bool(8),
});
export type ImageMessage = Of<typeof image>;
export const imageStatusRequest = message({ image: nested(1, imageSpec) });
export const imageStatusResponse = message({ image: nested(1, image) });
export const listImagesRequest = message({});
export const listImagesResponse = message({ images: repeated(nested(1, image)) });
const authConfig = message({ username: string(1), password: string(2) });
export const pullImageRequest = message({
  image: nested(1, imageSpec),
  auth: nested(2, authConfig),
  sandboxConfig: nested(3, podSandboxConfig),
});
export const pullImageResponse = message({ imageRef: string(1) });
export const removeImageRequest = message({ image: nested(1, imageSpec) });
export const removeImageResponse = message({});
export const imageFsInfoRequest = message({});
export const imageFsInfoResponse = message({ imageFilesystems: repeated(nested(1, filesystemUsage)) });

/** By the call's name: what it is asked with and what it answers. */
export const runtimeCalls = {
  Version: [versionRequest, versionResponse],
  RunPodSandbox: [runPodSandboxRequest, runPodSandboxResponse],
  StopPodSandbox: [stopPodSandboxRequest, stopPodSandboxResponse],
  RemovePodSandbox: [removePodSandboxRequest, removePodSandboxResponse],
  PodSandboxStatus: [podSandboxStatusRequest, podSandboxStatusResponse],
  ListPodSandbox: [listPodSandboxRequest, listPodSandboxResponse],
  CreateContainer: [createContainerRequest, createContainerResponse],
  StartContainer: [startContainerRequest, startContainerResponse],
  StopContainer: [stopContainerRequest, stopContainerResponse],
  RemoveContainer: [removeContainerRequest, removeContainerResponse],
  ListContainers: [listContainersRequest, listContainersResponse],
  ContainerStatus: [containerStatusRequest, containerStatusResponse],
  UpdateContainerResources: [updateContainerResourcesRequest, updateContainerResourcesResponse],
  ReopenContainerLog: [reopenContainerLogRequest, reopenContainerLogResponse],
  ExecSync: [execSyncRequest, execSyncResponse],
  Exec: [execRequest, execResponse],
  Attach: [attachRequest, attachResponse],
  PortForward: [portForwardRequest, portForwardResponse],
  ContainerStats: [containerStatsRequest, containerStatsResponse],
  Status: [statusRequest, statusResponse],
  RuntimeConfig: [runtimeConfigRequest, runtimeConfigResponse],
} as const;
export const imageCalls = {
  ListImages: [listImagesRequest, listImagesResponse],
  ImageStatus: [imageStatusRequest, imageStatusResponse],
  PullImage: [pullImageRequest, pullImageResponse],
  RemoveImage: [removeImageRequest, removeImageResponse],
  ImageFsInfo: [imageFsInfoRequest, imageFsInfoResponse],
} as const;

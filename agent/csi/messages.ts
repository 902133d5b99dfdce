import {
  bool,
  bytes,
  clampedInt64,
  message,
  nested,
  type Of,
  oneOf,
  openEnumeration,
  repeated,
  string,
} from "../../base/protobuf.ts";

/** The messages of CSI (`csi.v1`) and of the registration of plugins, as far as the agent speaks them: `csi.proto` and
 *  `registration.proto` have the same in protobuf's own language. */

/** A `map<string, string>`: entries, of which the last of a key counts. */
export const texts = (number: number) => repeated(nested(number, textEntry));
const textEntry = message({ key: string(1), value: string(2) });
export type TextEntry = Of<typeof textEntry>;
/** The same, for what need not be text: what a Secret holds. */
export const secrets = (number: number) => repeated(nested(number, secretEntry));
const secretEntry = message({ key: string(1), value: bytes(2) });

export const accessModes = {
  UNKNOWN: 0,
  SINGLE_NODE_WRITER: 1,
  SINGLE_NODE_READER_ONLY: 2,
  MULTI_NODE_READER_ONLY: 3,
  MULTI_NODE_SINGLE_WRITER: 4,
  MULTI_NODE_MULTI_WRITER: 5,
  SINGLE_NODE_SINGLE_WRITER: 6,
  SINGLE_NODE_MULTI_WRITER: 7,
} as const;
export type AccessMode = keyof typeof accessModes;

const blockVolume = message({});
const mountVolume = message({
  fsType: string(1),
  mountFlags: repeated(string(2)),
  volumeMountGroup: string(3),
});
const accessMode = message({ mode: openEnumeration(1, accessModes) });
export const volumeCapability = message({
  ...oneOf("access_type", { block: nested(1, blockVolume), mount: nested(2, mountVolume) }),
  accessMode: nested(3, accessMode),
});

export const nothing = message({});

const pluginInfo = message({ name: string(1), vendorVersion: string(2) });

const stageRequest = message({
  volumeId: string(1),
  publishContext: texts(2),
  stagingTargetPath: string(3),
  volumeCapability: nested(4, volumeCapability),
  secrets: secrets(5),
  volumeContext: texts(6),
});
const unstageRequest = message({ volumeId: string(1), stagingTargetPath: string(2) });
const publishRequest = message({
  volumeId: string(1),
  publishContext: texts(2),
  stagingTargetPath: string(3),
  targetPath: string(4),
  volumeCapability: nested(5, volumeCapability),
  readonly: bool(6),
  secrets: secrets(7),
  volumeContext: texts(8),
});
const unpublishRequest = message({ volumeId: string(1), targetPath: string(2) });

export const nodeAbilities = {
  UNKNOWN: 0,
  STAGE_UNSTAGE_VOLUME: 1,
  GET_VOLUME_STATS: 2,
  EXPAND_VOLUME: 3,
  VOLUME_CONDITION: 4,
  SINGLE_NODE_MULTI_WRITER: 5,
  VOLUME_MOUNT_GROUP: 6,
} as const;
export type NodeAbility = keyof typeof nodeAbilities;
const nodeServiceCapability = message({
  ...oneOf("type", { rpc: nested(1, message({ type: openEnumeration(1, nodeAbilities) })) }),
});
const capabilities = message({ capabilities: repeated(nested(1, nodeServiceCapability)) });

export const topology = message({ segments: texts(1) });
const nodeInfo = message({
  nodeId: string(1),
  maxVolumesPerNode: clampedInt64(2),
  accessibleTopology: nested(3, topology),
});
export type NodeInfo = Of<typeof nodeInfo>;

export const capacityRange = message({ requiredBytes: clampedInt64(1), limitBytes: clampedInt64(2) });
const expandRequest = message({
  volumeId: string(1),
  volumePath: string(2),
  capacityRange: nested(3, capacityRange),
  stagingTargetPath: string(4),
  volumeCapability: nested(5, volumeCapability),
  secrets: secrets(6),
});
const expandResponse = message({ capacityBytes: clampedInt64(1) });

export const usageUnits = { UNKNOWN: 0, BYTES: 1, INODES: 2 } as const;
const volumeUsage = message({
  available: clampedInt64(1),
  total: clampedInt64(2),
  used: clampedInt64(3),
  unit: openEnumeration(4, usageUnits),
});
const volumeCondition = message({ abnormal: bool(1), message: string(2) });
const statsRequest = message({ volumeId: string(1), volumePath: string(2), stagingTargetPath: string(3) });
const statsResponse = message({
  usage: repeated(nested(1, volumeUsage)),
  volumeCondition: nested(2, volumeCondition),
});
export type VolumeStatsAnswer = Of<typeof statsResponse>;

const pluginServices = { UNKNOWN: 0, CONTROLLER_SERVICE: 1, VOLUME_ACCESSIBILITY_CONSTRAINTS: 2 } as const;
const expansions = { UNKNOWN: 0, ONLINE: 1, OFFLINE: 2 } as const;
const pluginCapability = message({
  ...oneOf("type", {
    service: nested(1, message({ type: openEnumeration(1, pluginServices) })),
    volumeExpansion: nested(2, message({ type: openEnumeration(1, expansions) })),
  }),
});
const pluginCapabilities = message({ capabilities: repeated(nested(1, pluginCapability)) });
const readiness = message({ ready: nested(1, message({ value: bool(1) })) });

export const identityCalls = {
  GetPluginInfo: [nothing, pluginInfo],
  GetPluginCapabilities: [nothing, pluginCapabilities],
  Probe: [nothing, readiness],
} as const;

export const nodeCalls = {
  NodeStageVolume: [stageRequest, nothing],
  NodeUnstageVolume: [unstageRequest, nothing],
  NodePublishVolume: [publishRequest, nothing],
  NodeUnpublishVolume: [unpublishRequest, nothing],
  NodeGetVolumeStats: [statsRequest, statsResponse],
  NodeExpandVolume: [expandRequest, expandResponse],
  NodeGetCapabilities: [nothing, capabilities],
  NodeGetInfo: [nothing, nodeInfo],
} as const;

const registeredPlugin = message({
  type: string(1),
  name: string(2),
  endpoint: string(3),
  supportedVersions: repeated(string(4)),
});
export type RegisteredPlugin = Of<typeof registeredPlugin>;
const registrationStatus = message({ pluginRegistered: bool(1), error: string(2) });

export const registrationCalls = {
  GetInfo: [nothing, registeredPlugin],
  NotifyRegistrationStatus: [registrationStatus, nothing],
} as const;

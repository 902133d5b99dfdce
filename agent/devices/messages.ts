import {
  bool,
  clampedInt64,
  message,
  nested,
  type Of,
  repeated,
  string,
  uint32,
} from "../../base/protobuf.ts";

/** The messages of device plugins (`v1beta1`) and of what tells of pods' resources (`v1`): `device-plugin.proto` and
 *  `pod-resources.proto` have the same in protobuf's own language. */

const texts = (number: number) => repeated(nested(number, textEntry));
const textEntry = message({ key: string(1), value: string(2) });

const nothing = message({});
const pluginOptions = message({ preStartRequired: bool(1), getPreferredAllocationAvailable: bool(2) });
export type PluginOptions = Of<typeof pluginOptions>;
const registerRequest = message({
  version: string(1),
  endpoint: string(2),
  resourceName: string(3),
  options: nested(4, pluginOptions),
});
export type RegisterRequest = Of<typeof registerRequest>;

const topology = message({ nodes: repeated(nested(1, message({ ID: clampedInt64(1) }))) });
const device = message({ ID: string(1), health: string(2), topology: nested(3, topology) });
export const deviceList = message({ devices: repeated(nested(1, device)) });
export type ToldDevices = Of<typeof deviceList>;

const preStartRequest = message({ devicesIds: repeated(string(1)) });
const preferredRequest = message({
  containerRequests: repeated(
    nested(
      1,
      message({
        availableDeviceIDs: repeated(string(1)),
        mustIncludeDeviceIDs: repeated(string(2)),
        allocationSize: uint32(3),
      }),
    ),
  ),
});
const preferredResponse = message({
  containerResponses: repeated(nested(1, message({ deviceIDs: repeated(string(1)) }))),
});
const allocateRequest = message({
  containerRequests: repeated(nested(1, message({ devicesIds: repeated(string(1)) }))),
});
const mount = message({ containerPath: string(1), hostPath: string(2), readOnly: bool(3) });
const deviceSpec = message({ containerPath: string(1), hostPath: string(2), permissions: string(3) });
export const containerAllocation = message({
  envs: texts(1),
  mounts: repeated(nested(2, mount)),
  devices: repeated(nested(3, deviceSpec)),
  annotations: texts(4),
  cdiDevices: repeated(nested(5, message({ name: string(1) }))),
});
export type ToldAllocation = Of<typeof containerAllocation>;
const allocateResponse = message({ containerResponses: repeated(nested(1, containerAllocation)) });

export const registrationCalls = { Register: [registerRequest, nothing] } as const;

export const pluginCalls = {
  GetDevicePluginOptions: [nothing, pluginOptions],
  /** Answers again and again. */
  ListAndWatch: [nothing, deviceList],
  GetPreferredAllocation: [preferredRequest, preferredResponse],
  Allocate: [allocateRequest, allocateResponse],
  PreStartContainer: [preStartRequest, nothing],
} as const;

const containerDevices = message({
  resourceName: string(1),
  deviceIds: repeated(string(2)),
  topology: nested(3, topology),
});
export type ContainerDevices = Of<typeof containerDevices>;
const containerMemory = message({
  memoryType: string(1),
  size: clampedInt64(2),
  topology: nested(3, topology),
});
const claimResource = message({
  cdiDevices: repeated(nested(1, message({ name: string(1) }))),
  driverName: string(2),
  poolName: string(3),
  deviceName: string(4),
  shareId: string(5),
});
const dynamicResource = message({
  claimName: string(2),
  claimNamespace: string(3),
  claimResources: repeated(nested(4, claimResource)),
});
const containerResources = message({
  name: string(1),
  devices: repeated(nested(2, containerDevices)),
  cpuIds: repeated(clampedInt64(3)),
  memory: repeated(nested(4, containerMemory)),
  dynamicResources: repeated(nested(5, dynamicResource)),
});
const podResources = message({
  name: string(1),
  namespace: string(2),
  containers: repeated(nested(3, containerResources)),
});

export const podResourcesCalls = {
  List: [nothing, message({ podResources: repeated(nested(1, podResources)) })],
  GetAllocatableResources: [
    nothing,
    message({
      devices: repeated(nested(1, containerDevices)),
      cpuIds: repeated(clampedInt64(2)),
      memory: repeated(nested(3, containerMemory)),
    }),
  ],
  Get: [
    message({ podName: string(1), podNamespace: string(2) }),
    message({ podResources: nested(1, podResources) }),
  ],
} as const;

import {
  clampedInt64,
  message,
  nested,
  oneOf,
  openEnumeration,
  repeated,
  string,
} from "../../base/protobuf.ts";
import { capacityRange, nothing, secrets, texts, topology, volumeCapability } from "./messages.ts";

/** The messages of CSI's controller service, as far as our own driver answers them (`csi.proto`). */

const contentSource = message({
  ...oneOf("type", {
    snapshot: nested(1, message({ snapshotId: string(1) })),
    volume: nested(2, message({ volumeId: string(1) })),
  }),
});
const topologyRequirement = message({
  requisite: repeated(nested(1, topology)),
  preferred: repeated(nested(2, topology)),
});
const volume = message({
  capacityBytes: clampedInt64(1),
  volumeId: string(2),
  volumeContext: texts(3),
  contentSource: nested(4, contentSource),
  accessibleTopology: repeated(nested(5, topology)),
});

const createRequest = message({
  name: string(1),
  capacityRange: nested(2, capacityRange),
  volumeCapabilities: repeated(nested(3, volumeCapability)),
  parameters: texts(4),
  secrets: secrets(5),
  volumeContentSource: nested(6, contentSource),
  accessibilityRequirements: nested(7, topologyRequirement),
  mutableParameters: texts(8),
});
const createResponse = message({ volume: nested(1, volume) });

const deleteRequest = message({ volumeId: string(1), secrets: secrets(2) });

const validateRequest = message({
  volumeId: string(1),
  volumeContext: texts(2),
  volumeCapabilities: repeated(nested(3, volumeCapability)),
  parameters: texts(4),
  secrets: secrets(5),
  mutableParameters: texts(6),
});
const confirmed = message({
  volumeContext: texts(1),
  volumeCapabilities: repeated(nested(2, volumeCapability)),
  parameters: texts(3),
  mutableParameters: texts(4),
});
const validateResponse = message({ confirmed: nested(1, confirmed), message: string(2) });

const listRequest = message({ maxEntries: clampedInt64(1), startingToken: string(2) });
const listResponse = message({
  entries: repeated(nested(1, message({ volume: nested(1, volume) }))),
  nextToken: string(2),
});

const capacityRequest = message({
  volumeCapabilities: repeated(nested(1, volumeCapability)),
  parameters: texts(2),
  accessibleTopology: nested(3, topology),
});
const capacityResponse = message({ availableCapacity: clampedInt64(1) });

const controllerAbilities = {
  UNKNOWN: 0,
  CREATE_DELETE_VOLUME: 1,
  LIST_VOLUMES: 3,
  GET_CAPACITY: 4,
  SINGLE_NODE_MULTI_WRITER: 13,
} as const;
const controllerCapability = message({
  ...oneOf("type", { rpc: nested(1, message({ type: openEnumeration(1, controllerAbilities) })) }),
});
const controllerCapabilities = message({ capabilities: repeated(nested(1, controllerCapability)) });

export const controllerCalls = {
  CreateVolume: [createRequest, createResponse],
  DeleteVolume: [deleteRequest, nothing],
  ValidateVolumeCapabilities: [validateRequest, validateResponse],
  ListVolumes: [listRequest, listResponse],
  GetCapacity: [capacityRequest, capacityResponse],
  ControllerGetCapabilities: [nothing, controllerCapabilities],
} as const;

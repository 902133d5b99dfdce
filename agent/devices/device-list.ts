import { qualifiedName } from "../../client/rules/names.ts";
import type { ToldDevices } from "./messages.ts";

/** What a plugin says, or does not do, that a node cannot work with. */
export class DevicePluginError extends Error {
  override readonly name = "DevicePluginError";
}

/** What a plugin says of one device. */
export interface KnownDevice {
  readonly isHealthy: boolean;
  /** NUMA nodes that it is near to; none where the plugin does not say. */
  readonly numa: readonly number[];
}

/** A resource's devices by their ids. */
export type Devices = ReadonlyMap<string, KnownDevice>;

export const listLimits = { devicesMost: 65_536, idCharsMost: 1_024, numaMost: 4_096 } as const;

/** Of two devices of one id the last counts. Throws DevicePluginError. Pure. */
export function readDevices({ devices }: ToldDevices): Devices {
  if (devices.length > listLimits.devicesMost)
    throw new DevicePluginError(`it has ${devices.length} devices, more than ${listLimits.devicesMost}`);
  const known = new Map<string, KnownDevice>();
  for (const { ID, health, topology } of devices) {
    if (!isDeviceId(ID)) throw new DevicePluginError(`${JSON.stringify(ID.slice(0, 100))} is no device's id`);
    const numa = (topology?.nodes ?? []).map((node) => node.ID);
    known.set(ID, { isHealthy: health === "Healthy", numa: [...new Set(numa.filter(isNode))] });
  }
  return known;
}

/** Ids go into log lines, files and statuses. */
export const isDeviceId = (id: string): boolean =>
  id !== "" && id.length <= listLimits.idCharsMost && !/\p{Cc}/u.test(id);

const isNode = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < listLimits.numaMost;

/** Whether a resource is one that plugins may offer: not the cluster's own, and a name that a quota can have. Pure. */
export const isExtendedResource = (name: string): boolean =>
  name.includes("/") &&
  !name.includes("kubernetes.io/") &&
  !name.startsWith("requests.") &&
  qualifiedName(`requests.${name}`).length === 0;

import type { ResourceClaim, ResourceClaimSpec, ResourceSlice } from "../../../client/types.ts";

/** The vocabulary of devices, as it stands in the API. */
export type Device = NonNullable<ResourceSlice["spec"]["devices"]>[number];
export type DeviceCapacity = NonNullable<Device["capacity"]>[string];
export type Allocation = NonNullable<NonNullable<ResourceClaim["status"]>["allocation"]>;
export type AllocatedDevice = NonNullable<NonNullable<Allocation["devices"]>["results"]>[number];
export type DeviceConfiguration = NonNullable<NonNullable<Allocation["devices"]>["config"]>[number];
export type NodeSelector = NonNullable<Allocation["nodeSelector"]>;
export type DeviceRequest = NonNullable<NonNullable<ResourceClaimSpec["devices"]>["requests"]>[number];
export type ExactRequest = NonNullable<DeviceRequest["exactly"]>;
export type Constraint = NonNullable<NonNullable<ResourceClaimSpec["devices"]>["constraints"]>[number];
/** Amounts by name, in billionths. */
export type Amounts = ReadonlyMap<string, bigint>;

export interface DeviceId {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
}

/** Drivers, pools and devices are names without a blank. */
export const poolKey = (driver: string, pool: string): string => `${driver} ${pool}`;
export const deviceKey = ({ driver, pool, device }: DeviceId): string => `${poolKey(driver, pool)} ${device}`;

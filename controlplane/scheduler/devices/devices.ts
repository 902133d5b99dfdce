import type { Allocation } from "../../../client/rules/allocated-devices.ts";
import type { ResourceClaimSpec, ResourceSlice } from "../../../client/types.ts";

/** The vocabulary of devices, as it stands in the API. */
export type Device = NonNullable<ResourceSlice["spec"]["devices"]>[number];
export type DeviceCapacity = NonNullable<Device["capacity"]>[string];
export type DeviceConfiguration = NonNullable<NonNullable<Allocation["devices"]>["config"]>[number];
export type NodeSelector = NonNullable<Allocation["nodeSelector"]>;
export type DeviceRequest = NonNullable<NonNullable<ResourceClaimSpec["devices"]>["requests"]>[number];
export type ExactRequest = NonNullable<DeviceRequest["exactly"]>;
export type Constraint = NonNullable<NonNullable<ResourceClaimSpec["devices"]>["constraints"]>[number];
/** Amounts by name, in billionths. */
export type Amounts = ReadonlyMap<string, bigint>;

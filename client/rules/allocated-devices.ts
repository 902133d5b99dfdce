import type { ResourceClaim } from "../types.ts";

/** What a claim got, as its status says. */
export type Allocation = NonNullable<NonNullable<ResourceClaim["status"]>["allocation"]>;
export type AllocatedDevice = NonNullable<NonNullable<Allocation["devices"]>["results"]>[number];

export interface DeviceId {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
}

/** Drivers, pools and devices are names without a blank. */
export const poolKey = (driver: string, pool: string): string => `${driver} ${pool}`;
export const deviceKey = ({ driver, pool, device }: DeviceId): string => `${poolKey(driver, pool)} ${device}`;

/** The devices that the claim holds. */
export const allocatedDevices = ({ status }: ResourceClaim): readonly AllocatedDevice[] =>
  status?.allocation?.devices?.results ?? [];

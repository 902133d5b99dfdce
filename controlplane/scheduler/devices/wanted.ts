import type { DeviceClass, ResourceClaim } from "../../../client/types.ts";
import type { RequestName } from "./constraints.ts";
import type { DeviceRequest, ExactRequest } from "./devices.ts";
import type { PoolDevice } from "./pools.ts";

/** What is asked for, ready to be looked for. */

/** One request, or one of several of which the first that can be had is taken. */
export interface Wanted {
  readonly claim: ResourceClaim;
  readonly name: RequestName;
  readonly request: ExactRequest;
  readonly deviceClass: DeviceClass;
  readonly count: number;
  /** All that there are, and no others; undefined: any. */
  readonly all: readonly PoolDevice[] | undefined;
}

export interface WantedClaim {
  readonly claim: ResourceClaim;
  /** By request, in order: what may be taken for it, the best first. */
  readonly requests: readonly (readonly Wanted[])[];
}

/** The parts of a request that may stand for it: one, or those of which the first that can be had is taken. Pure. */
export function partsOf(
  request: DeviceRequest,
): readonly { readonly name: RequestName; readonly request: ExactRequest }[] {
  const main = request.name;
  if (request.exactly !== undefined) return [{ name: { main }, request: request.exactly }];
  return (request.firstAvailable ?? []).map((one) => ({ name: { main, sub: one.name }, request: one }));
}

export const requestsOf = ({ spec }: ResourceClaim): readonly DeviceRequest[] => spec.devices?.requests ?? [];

import { type AllocatedDevice, allocatedDevices } from "../../../client/rules/allocated-devices.ts";
import type { ResourceClaim } from "../../../client/types.ts";

/** Whether devices that must be made ready for a node are, as their driver says in the claim's status. Pure. */

export type Readiness =
  | { readonly state: "ready" }
  | { readonly state: "waiting" }
  | { readonly state: "failed"; readonly reason: string; readonly message: string };

const isConditional = ({ bindingConditions = [] }: AllocatedDevice): boolean => bindingConditions.length > 0;

/** The claim's devices that a pod has to wait for before it is bound. */
export const conditionalDevices = (claim: ResourceClaim): readonly AllocatedDevice[] =>
  allocatedDevices(claim).filter(isConditional);

/** All that is awaited has to be true; one thing that is a failure is enough. */
export function readinessOf(claim: ResourceClaim): Readiness {
  if (claim.status?.allocation === undefined) return { state: "waiting" };
  const devices = conditionalDevices(claim).map((device) => ({
    device,
    conditions: conditionsOf(claim, device),
  }));
  for (const { device, conditions } of devices)
    for (const type of device.bindingFailureConditions ?? []) {
      const failed = conditions.find((one) => one.type === type && one.status === "True");
      if (failed !== undefined) return { state: "failed", reason: failed.reason, message: failed.message };
    }
  const isReady = devices.every(({ device, conditions }) =>
    (device.bindingConditions ?? []).every((type) =>
      conditions.some((one) => one.type === type && one.status === "True"),
    ),
  );
  return { state: isReady ? "ready" : "waiting" };
}

function conditionsOf({ status }: ResourceClaim, { driver, pool, device }: AllocatedDevice) {
  const told = status?.devices?.find(
    (one) => one.driver === driver && one.pool === pool && one.device === device,
  );
  return told?.conditions ?? [];
}

/** Until when (ms since the epoch) the claim's devices may take; undefined: nothing is awaited. */
export function bindingDeadlineMs(claim: ResourceClaim, timeoutMs: number): number | undefined {
  const since = claim.status?.allocation?.allocationTimestamp;
  if (since === undefined || conditionalDevices(claim).length === 0) return undefined;
  return new Date(since).getTime() + timeoutMs;
}

/** Whether the claim's devices will not get ready: others have to be found. */
export function isLost(
  claim: ResourceClaim,
  { timeoutMs, nowMs }: { readonly timeoutMs: number; readonly nowMs: number },
): boolean {
  const { state } = readinessOf(claim);
  const deadlineMs = bindingDeadlineMs(claim, timeoutMs);
  return state === "failed" || (state === "waiting" && deadlineMs !== undefined && deadlineMs <= nowMs);
}

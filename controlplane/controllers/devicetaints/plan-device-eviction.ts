import type { AllocatedDevice } from "../../../client/rules/allocated-devices.ts";
import { type DeviceTaint, toleratesDevice } from "../../../client/rules/device-taints.ts";
import { timeMs } from "../times.ts";

/** When (ms since the epoch) the pods that use these devices have to end for what their driver says of them; undefined: they may
 *  stay. Of several tolerations with a limit the shortest counts, from the moment the taint was set. Pure. */
export function deviceEvictionMs(
  devices: readonly AllocatedDevice[],
  taintsOf: (device: AllocatedDevice) => readonly DeviceTaint[],
): number | undefined {
  const due = devices.flatMap((device) =>
    taintsOf(device)
      .filter(({ effect }) => effect === "NoExecute")
      .flatMap((taint) => dueMs(taint, device) ?? []),
  );
  return due.length === 0 ? undefined : Math.min(...due);
}

function dueMs(taint: DeviceTaint, { tolerations = [] }: AllocatedDevice): number | undefined {
  const bearing = tolerations.filter(
    (toleration) => toleration.effect === "NoExecute" && toleratesDevice(toleration, taint),
  );
  const limits = bearing.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  if (limits.length < bearing.length) return undefined;
  const sinceMs = timeMs(taint.timeAdded);
  return limits.length === 0 ? sinceMs : sinceMs + Math.max(0, Math.min(...limits)) * 1000;
}

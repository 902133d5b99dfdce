import type { ResourceClaimSpec, ResourceSlice } from "../types.ts";

/** What drivers say against the use of devices, and who bears that. Pure. */

type Devices = NonNullable<ResourceSlice["spec"]["devices"]>;
export type DeviceTaint = NonNullable<Devices[number]["taints"]>[number];
type Request = NonNullable<NonNullable<ResourceClaimSpec["devices"]>["requests"]>[number];
export type DeviceToleration = NonNullable<NonNullable<Request["exactly"]>["tolerations"]>[number];

/** Whether nobody is to get the device who does not bear that. */
export function preventsUse(
  taints: readonly DeviceTaint[] | undefined,
  tolerations: readonly DeviceToleration[] = [],
): boolean {
  return (taints ?? []).some(
    (taint) =>
      (taint.effect === "NoSchedule" || taint.effect === "NoExecute") &&
      !tolerations.some((toleration) => toleratesDevice(toleration, taint)),
  );
}

export function toleratesDevice(
  { effect, key, operator = "Equal", value = "" }: DeviceToleration,
  taint: DeviceTaint,
): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  return operator === "Exists" || (operator === "Equal" && value === (taint.value ?? ""));
}

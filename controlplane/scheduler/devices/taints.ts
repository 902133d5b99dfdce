import type { Device, ExactRequest } from "./devices.ts";

type Taint = NonNullable<Device["taints"]>[number];
type Toleration = NonNullable<ExactRequest["tolerations"]>[number];

/** Whether a device's driver says that nobody is to have it who does not bear that. Pure. */
export function preventsUse(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] = [],
): boolean {
  return (taints ?? []).some(
    (taint) =>
      (taint.effect === "NoSchedule" || taint.effect === "NoExecute") &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates({ effect, key, operator = "Equal", value = "" }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  return operator === "Exists" || (operator === "Equal" && value === (taint.value ?? ""));
}

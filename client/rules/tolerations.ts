import type { Taint, Toleration } from "../types.ts";

/** Taints and what bears them. Pure. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "Equal") {
    case "Exists":
      return true;
    case "Equal":
    case "":
      return Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? "");
    default:
      return false;
  }
}

/** The first taint among these effects that nothing bears. */
export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((one) => tolerates(one, taint)),
  );
}

/** Whether one of the tolerations bears the taint. */
export function tolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((one) => tolerates(one, taint));
}

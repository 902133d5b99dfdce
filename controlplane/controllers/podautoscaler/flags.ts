import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";
import type { AutoscalerRules } from "./plan-autoscaler.ts";

/** kube-controller-manager's names and defaults. */
export const autoscalerFlags = {
  "horizontal-pod-autoscaler-sync-period": {
    kind: "duration",
    default: 15_000,
    help: "how often each autoscaler is looked at",
  },
  "horizontal-pod-autoscaler-downscale-stabilization": {
    kind: "duration",
    default: 300_000,
    help: "for so long no target shrinks below what was wanted for it",
  },
  "horizontal-pod-autoscaler-tolerance": {
    kind: "number",
    default: 0.1,
    value: "SHARE",
    help: "how far usage may be from what is wanted without anything being done",
  },
  "horizontal-pod-autoscaler-cpu-initialization-period": {
    kind: "duration",
    default: 300_000,
    help: "for so long after its start a pod's use of CPU may not count",
  },
  "horizontal-pod-autoscaler-initial-readiness-delay": {
    kind: "duration",
    default: 30_000,
    help: "for so long after its start a pod's readiness counts as its first",
  },
} as const satisfies FlagTable;

export interface AutoscalingConfig extends AutoscalerRules {
  readonly syncPeriodMs: number;
}

export function autoscalingConfig(
  flags: FlagValues<typeof autoscalerFlags>,
  problems: string[],
): AutoscalingConfig {
  const period = flags["horizontal-pod-autoscaler-sync-period"];
  if (period < 1000)
    problems.push(`--horizontal-pod-autoscaler-sync-period: ${period}ms is less than a second`);
  const tolerance = flags["horizontal-pod-autoscaler-tolerance"];
  if (tolerance < 0) problems.push(`--horizontal-pod-autoscaler-tolerance: ${tolerance} is negative`);
  return {
    syncPeriodMs: period,
    downWindowMs: flags["horizontal-pod-autoscaler-downscale-stabilization"],
    tolerance,
    cpuInitializationMs: flags["horizontal-pod-autoscaler-cpu-initialization-period"],
    initialReadinessMs: flags["horizontal-pod-autoscaler-initial-readiness-delay"],
  };
}

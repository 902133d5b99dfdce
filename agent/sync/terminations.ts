import type { Meter } from "../../base/os/metrics.ts";
import type { PodStatus } from "../../client/types.ts";

export type TerminationCounter = ReturnType<typeof terminationCounter>;

export const terminationCounter = (meter: Meter) =>
  meter.counter("kubelet_terminated_containers_total", "Cumulative number of container terminations.", [
    "container_type",
    "exit_code",
    "reason",
  ]);

const sorts = [
  ["initContainerStatuses", "init_container"],
  ["containerStatuses", "container"],
  ["ephemeralContainerStatuses", "ephemeral_container"],
] as const;

/** Counts the containers whose end the status tells and the one before did not. */
export function countTerminations(
  before: PodStatus | undefined,
  after: PodStatus,
  counter: Pick<TerminationCounter, "inc">,
): void {
  for (const [field, container_type] of sorts)
    for (const { name, state } of after[field] ?? []) {
      const ended = state?.terminated;
      if (ended === undefined) continue;
      if (before?.[field]?.find((one) => one.name === name)?.state?.terminated !== undefined) continue;
      counter.inc({ container_type, exit_code: String(ended.exitCode), reason: ended.reason ?? "" });
    }
}

import { oncePerMeter } from "../../../base/os/once-per-meter.ts";

/** `node` and the driver, or the state and the driver, and how many. */
export interface AttachCounts {
  readonly inUse: () => Iterable<
    readonly [{ readonly node: string; readonly volume_plugin: string }, number]
  >;
  readonly total: () => Iterable<readonly [{ readonly plugin_name: string; readonly state: string }, number]>;
}

/** What is reported of attached volumes, under Kubernetes' names. The counts are those of the term of leadership that was set
 *  last. */
export const attachMetrics = oncePerMeter((meter) => {
  let counts: AttachCounts = { inUse: () => [], total: () => [] };
  meter.observedBy(
    "storage_count_attachable_volumes_in_use",
    "[ALPHA] Measure number of volumes in use",
    ["node", "volume_plugin"],
    () => counts.inUse(),
  );
  meter.observedBy(
    "attachdetach_controller_total_volumes",
    "[ALPHA] Number of volumes in A/D Controller",
    ["plugin_name", "state"],
    () => counts.total(),
  );
  return {
    forced: meter.counter(
      "attach_detach_controller_attachdetach_controller_forced_detaches",
      "[ALPHA] Number of times the A/D Controller performed a forced detach",
      ["reason"],
    ),
    count: (next: AttachCounts) => {
      counts = next;
    },
  };
});

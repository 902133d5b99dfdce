import type { VolumeSummary } from "../../client/rules/stats-summary.ts";
import { family, labelsText, type Row } from "./resource-metrics.ts";

const families: readonly (readonly [
  name: string,
  help: string,
  of: (volume: VolumeSummary) => number | undefined,
])[] = [
  ["capacity_bytes", "Capacity in bytes of the volume", ({ capacityBytes }) => capacityBytes],
  ["available_bytes", "Number of available bytes in the volume", ({ availableBytes }) => availableBytes],
  ["used_bytes", "Number of used bytes in the volume", ({ usedBytes }) => usedBytes],
  ["inodes", "Maximum number of inodes in the volume", ({ inodes }) => inodes],
  ["inodes_free", "Number of free inodes in the volume", ({ inodesFree }) => inodesFree],
  ["inodes_used", "Number of used inodes in the volume", ({ inodesUsed }) => inodesUsed],
  [
    "health_status_abnormal",
    "Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy, 0 indicates volume is healthy",
    ({ volumeHealthStats }) =>
      volumeHealthStats === undefined ? undefined : Number(volumeHealthStats.abnormal),
  ],
];

/** The kubelet's metrics of claims' volumes, in Prometheus' text format; each claim once, however many pods use it. Pure. */
export function volumeMetricsText(volumes: Iterable<VolumeSummary>): string {
  const byClaim = new Map<string, VolumeSummary>();
  for (const volume of volumes) {
    if (volume.pvcRef === undefined) continue;
    const labels = labelsText({
      namespace: volume.pvcRef.namespace,
      persistentvolumeclaim: volume.pvcRef.name,
    });
    if (!byClaim.has(labels)) byClaim.set(labels, volume);
  }
  return families
    .map(([name, help, of]) => {
      const rows: readonly Row[] = [...byClaim].map(([labels, volume]) => ({ labels, value: of(volume) }));
      return family(`kubelet_volume_stats_${name}`, "gauge", { help, rows, stability: "ALPHA" });
    })
    .join("");
}

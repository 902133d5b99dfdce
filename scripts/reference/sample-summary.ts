import type { StatsSummary } from "../../client/rules/stats-summary.ts";

const time = "2026-01-01T00:00:00Z";
const cpu = { time, usageCoreNanoSeconds: 1 };
const memory = { time, workingSetBytes: 1 };

/** Of a node with a pod of one container and one claimed volume: for each metric of such there is a sample. */
export const sampleSummary: StatsSummary = {
  node: { nodeName: "node", startTime: time, cpu, memory },
  pods: [
    {
      podRef: { name: "web", namespace: "default", uid: "1" },
      startTime: time,
      cpu,
      memory,
      containers: [{ name: "serve", startTime: time, cpu, memory }],
      volume: [
        {
          name: "data",
          time,
          availableBytes: 1,
          capacityBytes: 1,
          usedBytes: 1,
          inodesFree: 1,
          inodes: 1,
          inodesUsed: 1,
          pvcRef: { name: "data", namespace: "default" },
          volumeHealthStats: { abnormal: false },
        },
      ],
    },
  ],
};

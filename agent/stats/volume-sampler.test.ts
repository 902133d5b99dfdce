import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Pod } from "../../client/types.ts";
import type { CsiVolumeUse } from "../csi/volume-stats.ts";
import { roundMs } from "./background-round.ts";
import { askFolderUse, readFolderUse } from "./machine-use.ts";
import { volumeMetricsText } from "./volume-metrics.ts";
import { VolumeSampler } from "./volume-sampler.ts";

describe("agent/stats: what volumes hold", () => {
  const pod = {
    metadata: { name: "p", namespace: "n", uid: "u" },
    spec: {
      volumes: [
        { name: "scratch", emptyDir: {} },
        { name: "words", configMap: { name: "c" } },
        { name: "host", hostPath: { path: "/" } },
        { name: "local", persistentVolumeClaim: { claimName: "c1" } },
        { name: "driven", ephemeral: {} },
        { name: "unknown", persistentVolumeClaim: { claimName: "c3" } },
        { name: "gone", emptyDir: {} },
        { name: "broken", emptyDir: {} },
      ],
    },
  } as unknown as Pod;
  const disk = { availableBytes: 40, capacityBytes: 100, usedBytes: 60, inodes: 10, inodesFree: 7 };
  const driven: CsiVolumeUse = {
    atMs: 1000,
    capacityBytes: 5,
    condition: { isAbnormal: true, message: "no" },
  };
  const clock = new ManualClock();
  let measured: string[];
  let sampler: VolumeSampler;

  beforeEach(() => {
    measured = [];
    sampler = new VolumeSampler({
      pods: () => [pod],
      folderOf: (_, { name }) => `/v/${name}`,
      folderElsewhere: (_, { name }) => (name === "local" ? "/local" : undefined),
      csi: { of: (uid, name) => (uid === "u" && name === "driven" ? driven : undefined) },
      bytes: async (path) => {
        measured.push(path);
        if (path === "/v/broken") throw new Error("no");
        return path === "/v/gone" ? undefined : 12;
      },
      inodes: async () => 2,
      disk: async () => disk,
      clock,
      log: silentLog,
    });
  });
  const current = async () => {
    sampler.current();
    await sampler.settled();
    return sampler.current().get("u") ?? [];
  };

  it("is measured of each volume in its own way, and left out where nobody knows", async () => {
    const found = (await current()).map(({ time: _, ...one }) => one);
    assert.deepEqual(found, [
      { name: "scratch", ...disk, usedBytes: 12, inodesUsed: 2 },
      { name: "words", ...disk, usedBytes: 12, inodesUsed: 2 },
      { name: "local", pvcRef: { name: "c1", namespace: "n" }, ...disk, inodesUsed: 3 },
      {
        name: "driven",
        pvcRef: { name: "p-driven", namespace: "n" },
        capacityBytes: 5,
        volumeHealthStats: { abnormal: true },
      },
    ]);
  });

  it("is measured once a minute while somebody asks, and not at all otherwise", async () => {
    await current();
    const once = measured.length;
    await current();
    await clock.advance(10 * roundMs);
    assert.equal(measured.length, once);
    await current();
    assert.equal(measured.length, 2 * once);
  });

  it("is told under the kubelet's names, each claim once", async () => {
    const found = await current();
    assert.equal(
      volumeMetricsText([...found, ...found])
        .split("\n")
        .filter((line) => /capacity|health/.test(line))
        .join("\n"),
      [
        "# HELP kubelet_volume_stats_capacity_bytes [ALPHA] Capacity in bytes of the volume",
        "# TYPE kubelet_volume_stats_capacity_bytes gauge",
        'kubelet_volume_stats_capacity_bytes{namespace="n",persistentvolumeclaim="c1"} 100',
        'kubelet_volume_stats_capacity_bytes{namespace="n",persistentvolumeclaim="p-driven"} 5',
        "# HELP kubelet_volume_stats_health_status_abnormal [ALPHA] Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy, 0 indicates volume is healthy",
        "# TYPE kubelet_volume_stats_health_status_abnormal gauge",
        'kubelet_volume_stats_health_status_abnormal{namespace="n",persistentvolumeclaim="p-driven"} 1',
      ].join("\n"),
    );
    assert.equal(volumeMetricsText([]), "");
  });

  it("is the same of a disk, whoever asks", async () => {
    const dir = await mkdtemp(join(tmpdir(), "pintle-volume-stats-"));
    try {
      const [apart, here] = [await askFolderUse(dir), await readFolderUse(dir)];
      assert.deepEqual([apart.capacityBytes, apart.inodes], [here.capacityBytes, here.inodes]);
      assert.ok(apart.usedBytes + apart.availableBytes <= apart.capacityBytes);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

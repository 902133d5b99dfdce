import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Pod } from "../../client/types.ts";
import type { VolumeStatsAnswer } from "./messages.ts";
import { CsiPaths } from "./volume-paths.ts";
import { CsiVolumeStats, volumeUse } from "./volume-stats.ts";

describe("statistics of CSI volumes", () => {
  const record = (driver: string, podName: string) =>
    ({
      podUid: "u",
      name: `pv-${podName}`,
      podName,
      driver,
      handle: `h-${podName}`,
      lifecycle: "Persistent",
      isBlock: false,
      publishedBoot: "b",
      isMount: true,
    }) as const;
  const usage: VolumeStatsAnswer["usage"] = [
    { unit: "BYTES", total: 100, used: 60, available: 40 },
    { unit: "INODES", total: 10, used: 3, available: 7 },
    { unit: 9, total: 1, used: 1, available: 1 },
  ];
  let published: ReturnType<typeof record>[];
  let abilities: string[];
  let asked: unknown[];
  let answers: Record<string, () => Promise<VolumeStatsAnswer>>;
  let events: string[];
  const clock = new ManualClock();
  let stats: CsiVolumeStats;

  beforeEach(() => {
    published = [record("d", "data"), record("other", "more")];
    abilities = ["GET_VOLUME_STATS"];
    asked = [];
    events = [];
    answers = {};
    const node = {
      ask: async (_: string, request: { volumeId: string }, { timeoutMs }: { timeoutMs: number }) => {
        asked.push({ ...request, timeoutMs });
        return (answers[request.volumeId] ?? (async () => ({ usage, volumeCondition: undefined })))();
      },
    };
    stats = new CsiVolumeStats({
      os: { clock, log: silentLog },
      paths: new CsiPaths("/root"),
      drivers: { get: () => ({ abilities: async () => new Set(abilities), node }) as never },
      volumes: {
        published: () => published,
        stagingPathOf: ({ driver }) => (driver === "d" ? "/staged" : ""),
      },
      pods: () => [{ metadata: { name: "p", namespace: "n", uid: "u" } } as Pod],
      events: () => ({
        record: (_, { type, reason, message }) => void events.push(`${type} ${reason} ${message}`),
      }),
    });
  });
  const measure = () => stats.measure(new AbortController().signal);

  it("are what their driver says, asked with the paths that it was told", async () => {
    await measure();
    assert.deepEqual(asked, [
      {
        volumeId: "h-data",
        volumePath: "/root/pods/u/volumes/kubernetes.io~csi/pv-data/mount",
        stagingTargetPath: "/staged",
        timeoutMs: 10_000,
      },
      {
        volumeId: "h-more",
        volumePath: "/root/pods/u/volumes/kubernetes.io~csi/pv-more/mount",
        stagingTargetPath: "",
        timeoutMs: 10_000,
      },
    ]);
    const { atMs: _, ...figures } = stats.of("u", "data") ?? {};
    assert.deepEqual(figures, {
      availableBytes: 40,
      capacityBytes: 100,
      usedBytes: 60,
      inodes: 10,
      inodesFree: 7,
      inodesUsed: 3,
    });
    published = published.slice(1);
    await measure();
    assert.equal(stats.of("u", "data"), undefined);
  });

  it("are not asked of a driver that has none, and are none of one that fails", async () => {
    answers["h-data"] = async () => {
      throw new Error("no");
    };
    await measure();
    assert.equal(stats.of("u", "data"), undefined);
    assert.ok(stats.of("u", "more"));
    abilities = [];
    asked = [];
    await measure();
    assert.deepEqual(asked, []);
  });

  it("come once a minute", async () => {
    const abort = new AbortController();
    const running = stats.run(abort.signal);
    await clock.advance(59_000);
    assert.equal(asked.length, 0);
    await clock.advance(1_000);
    assert.equal(asked.length, 2);
    abort.abort(new Error("over"));
    await assert.rejects(running, /over/);
  });

  it("tell the pod of a volume that is not well, where its driver knows", async () => {
    const volumeCondition = { abnormal: true, message: "x".repeat(5000) };
    answers["h-data"] = async () => ({ usage: [], volumeCondition });
    await measure();
    assert.deepEqual(events, []);
    assert.equal(stats.of("u", "data")?.condition, undefined);
    abilities.push("VOLUME_CONDITION");
    await measure();
    assert.deepEqual(events, [`Warning VolumeConditionAbnormal Volume data: ${"x".repeat(1024)}`]);
    assert.equal(stats.of("u", "more")?.condition?.isAbnormal, false);
  });

  it("take nothing less than nothing for a figure", () => {
    const lie: VolumeStatsAnswer = {
      usage: [{ unit: "BYTES", total: -1, used: -5, available: 7 }],
      volumeCondition: undefined,
    };
    assert.deepEqual(volumeUse(lie, 5, false), { atMs: 5, availableBytes: 7 });
  });
});

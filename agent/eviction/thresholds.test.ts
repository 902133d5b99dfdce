import assert from "node:assert/strict";
import { amountText } from "../../base/quantity-text.ts";
import { evictionReservation } from "./pressure-flags.ts";
import {
  amountOf,
  defaultHardThresholds,
  isHard,
  readThresholds,
  type ThresholdTexts,
  withAllocatable,
} from "./thresholds.ts";

const gi = 2 ** 30;

describe("agent/eviction/thresholds", () => {
  const read = (texts: Partial<ThresholdTexts>) => {
    const problems: string[] = [];
    const none = { hard: [], soft: [], softGracePeriod: [], minimumReclaim: [] };
    const thresholds = readThresholds({ ...none, ...texts }, ({ flag, text, rule }) =>
      problems.push(`--${flag}: ${text} ${rule}`),
    );
    return { thresholds, problems };
  };

  it("reads shares and amounts, grace periods and what is to be reclaimed", () => {
    const { thresholds, problems } = read({
      hard: ["memory.available<100Mi", "nodefs.available<10%"],
      soft: ["memory.available<1.5Gi"],
      softGracePeriod: ["memory.available=1m30s"],
      minimumReclaim: ["memory.available=50Mi", "nodefs.available=2.5%"],
    });
    assert.deepEqual(problems, []);
    const told = thresholds.map((one) => [
      one.signal,
      amountText(amountOf(one.value, 10 * gi)),
      one.graceMs,
      one.minimumReclaim && amountText(amountOf(one.minimumReclaim, 10 * gi)),
    ]);
    assert.deepEqual(told, [
      ["memory.available", "100Mi", 0, "50Mi"],
      // To the bit what a kubelet makes of ten percent.
      ["nodefs.available", "1073741840", 0, "268435460"],
      ["memory.available", "1536Mi", 90_000, "50Mi"],
    ]);
    assert.deepEqual(thresholds.map(isHard), [true, true, false]);
  });

  it("knows its own defaults", () => {
    const { thresholds, problems } = read({ hard: defaultHardThresholds });
    assert.deepEqual(problems, []);
    assert.equal(thresholds.length, defaultHardThresholds.length);
  });

  it("takes 0% and 100% for off, also of a soft one", () => {
    const { thresholds, problems } = read({
      hard: ["memory.available<0%", "nodefs.available<100%"],
      soft: ["pid.available<0%"],
      softGracePeriod: ["pid.available=1s"],
    });
    assert.deepEqual([thresholds, problems], [[], []]);
  });

  it("names each thing that it does not understand, by the flag that says it", () => {
    const { thresholds, problems } = read({
      hard: [
        "memory.available",
        "disk.available<1Gi",
        "containerfs.available<1Gi",
        "memory.available<-1",
        "memory.available<0",
        "memory.available<101%",
        "memory.available<ten%",
        "memory.available<1e",
      ],
      soft: ["nodefs.available<1Gi", "nodefs.available<2Gi"],
      softGracePeriod: ["pid.available=5s", "imagefs.available=5", "memory.available=-5s"],
      minimumReclaim: ["pid.available=-1", "memory.available=0%", "nodefs.available<1Gi"],
    });
    assert.deepEqual(
      thresholds.map(({ signal }) => signal),
      ["nodefs.available"],
    );
    assert.deepEqual(problems, [
      "--eviction-hard: memory.available is not SIGNAL<VALUE",
      "--eviction-hard: disk.available<1Gi names no signal; there are memory.available, allocatableMemory.available, nodefs.available, nodefs.inodesFree, imagefs.available, imagefs.inodesFree, pid.available",
      "--eviction-hard: containerfs.available<1Gi is not to be set: what containers write is on nodefs or imagefs",
      "--eviction-hard: memory.available<-1 must be positive",
      "--eviction-hard: memory.available<0 must be positive",
      "--eviction-hard: memory.available<101% must be at most 100%",
      "--eviction-hard: memory.available<ten% is no share such as 10%",
      "--eviction-hard: memory.available<1e is no quantity such as 100Mi and no share such as 10%",
      "--eviction-soft: nodefs.available<2Gi is the second of its signal",
      '--eviction-soft-grace-period: imagefs.available=5 is no duration such as 90s (time: missing unit in duration "5")',
      "--eviction-soft-grace-period: memory.available=-5s must not be negative",
      "--eviction-minimum-reclaim: pid.available=-1 must be positive",
      "--eviction-minimum-reclaim: memory.available=0% must be positive",
      "--eviction-minimum-reclaim: nodefs.available<1Gi is not SIGNAL=VALUE",
      "--eviction-soft: nodefs.available needs a grace period (--eviction-soft-grace-period)",
      "--eviction-soft-grace-period: pid.available has no threshold in --eviction-soft",
    ]);
  });

  it("asks of the pods' own memory what is asked of the machine's, unless that is said itself", () => {
    const of = (...hard: string[]) =>
      withAllocatable(read({ hard }).thresholds).map(
        ({ signal, value }) => `${signal} ${amountText(amountOf(value, gi))}`,
      );
    assert.deepEqual(of("memory.available<1Mi"), ["memory.available 1Mi", "allocatableMemory.available 1Mi"]);
    assert.deepEqual(of("allocatableMemory.available<2Mi", "memory.available<1Mi"), [
      "allocatableMemory.available 2Mi",
      "memory.available 1Mi",
    ]);
  });

  it("keeps from pods what they would be evicted for: memory and disk, by hard thresholds", () => {
    const { thresholds } = read({
      hard: ["memory.available<100Mi", "nodefs.available<50%", "imagefs.available<90%"],
      soft: ["memory.available<500Mi"],
      softGracePeriod: ["memory.available=1s"],
    });
    const machine = { memoryBytes: gi, storageBytes: 4 * gi };
    assert.deepEqual(evictionReservation(thresholds, machine), {
      cpuMillis: 0,
      memoryBytes: 100 * 2 ** 20,
      storageBytes: 2 * gi,
    });
    assert.deepEqual(evictionReservation([], machine), { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 });
  });
});

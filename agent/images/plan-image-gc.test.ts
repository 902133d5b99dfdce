import { strict as assert } from "node:assert";
import type { Image } from "./image.ts";
import {
  type ImageGcPolicy,
  type ImageRecord,
  outdatedImages,
  recordImages,
  spaceWanted,
  unusedImages,
} from "./plan-image-gc.ts";

const policy: ImageGcPolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minAgeMs: 120_000,
  maxAgeMs: 0,
};
const pulled = (id: string, more: Partial<Image> = {}): Image => ({
  id,
  names: [`r/${id}:1`],
  digests: [`r/${id}@sha256:1`],
  sizeBytes: 10,
  config: {},
  ...more,
});
const ids = (images: readonly Image[]) => images.map(({ id }) => id);

describe("the space that images are to give back", () => {
  const cases = [
    { available: 16, wanted: undefined },
    { available: 15.5, wanted: 5 },
    { available: 15, wanted: 5 },
    { available: 0, wanted: 20 },
    { available: 120, wanted: undefined },
  ];
  for (const { available, wanted } of cases)
    it(`is ${wanted ?? "none"} where ${available} of 100 are left`, () => {
      const space = { capacityBytes: 100_000, availableBytes: available * 1000 };
      const bytes = spaceWanted(space, policy)?.bytes;
      assert.equal(bytes === undefined ? undefined : Math.ceil(bytes / 1000), wanted);
    });

  it("is none whatever is left where the threshold is 100", () =>
    assert.equal(
      spaceWanted({ capacityBytes: 100, availableBytes: 0 }, { ...policy, highThresholdPercent: 100 }),
      undefined,
    ));
});

describe("images that may go", () => {
  const record = (firstSeenMs: number, lastUsedMs?: number): ImageRecord => ({ firstSeenMs, lastUsedMs });

  it("are those that nobody uses, the longest unused first", () => {
    const images = ["used-late", "never", "in-use", "used-early", "never-but-older", "young"].map((id) =>
      pulled(id),
    );
    const records = new Map([
      ["used-late", record(0, 500_000)],
      ["never", record(200, undefined)],
      ["in-use", record(0, 1_000_000)],
      ["used-early", record(0, 400_000)],
      ["never-but-older", record(100, undefined)],
      ["young", record(880_001, undefined)],
    ]);
    assert.deepEqual(ids(unusedImages(images, records, policy, 1_000_000)), [
      "never-but-older",
      "never",
      "used-early",
      "used-late",
    ]);
  });

  it("are not the container runtime's own, nor those that no pull could bring back", () => {
    const images = [
      pulled("pause", { isPinned: true }),
      pulled("imported", { digests: [] }),
      pulled("imported-over", { digests: [], names: [] }),
    ];
    const records = recordImages(new Map(), images, () => false, 0);
    assert.deepEqual(ids(unusedImages(images, records, policy, 120_000)), ["imported-over"]);
  });

  it("are too old when nobody used them for longer than they may be", () => {
    const images = ["a", "b", "c"].map((id) => pulled(id));
    const records = new Map([
      ["a", record(0, undefined)],
      ["b", record(0, 900)],
      ["c", record(950, undefined)],
    ]);
    assert.deepEqual(ids(outdatedImages(images, records, { maxAgeMs: 100 }, 1000)), ["a"]);
    assert.deepEqual(ids(outdatedImages(images, records, { maxAgeMs: 100 }, 1001)), ["a", "b"]);
    assert.deepEqual(ids(outdatedImages(images, records, { maxAgeMs: 0 }, 1e9)), []);
  });

  it("are known since they were first seen, and used when they were last seen in use", () => {
    const images = [pulled("a"), pulled("b")];
    const first = recordImages(new Map(), images, (id) => id === "a", 10);
    const second = recordImages(first, [...images, pulled("c")], () => false, 20);
    assert.deepEqual(
      [...second],
      [
        ["a", record(10, 10)],
        ["b", record(10, undefined)],
        ["c", record(20, undefined)],
      ],
    );
    assert.deepEqual([...recordImages(second, [], () => false, 30)], []);
  });
});

import { strict as assert } from "node:assert";
import { deferred } from "../../base/deferred.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import type { Image } from "./image.ts";
import { collectedImages, ImageGc, keepImageSpace } from "./image-gc.ts";
import { ImageHolds } from "./image-holds.ts";
import type { ImageGcPolicy } from "./plan-image-gc.ts";
import { imageVolumesAnnotation } from "./used-images.ts";

const policy: ImageGcPolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minAgeMs: 120_000,
  maxAgeMs: 0,
};

/** A node with images of a tenth of its disk each. */
function node(ids: readonly string[], options: Partial<ImageGcPolicy> = {}) {
  const clock = new ManualClock();
  const meter = new MetricsRegistry();
  const images = new Map(
    ids.map((id): [string, Image] => [
      id,
      { id, names: [`r/${id}:1`], digests: [`r/${id}@d`], sizeBytes: 100, config: {} },
    ]),
  );
  const node = {
    clock,
    meter,
    holds: new ImageHolds(),
    containers: [] as Pick<RuntimeContainer, "imageId" | "annotations">[],
    availableBytes: 0,
    capacityBytes: 1000,
    removing: (_id: string): Promise<void> | undefined => undefined,
    troubles: [] as string[],
    left: () => [...images.keys()],
    find: async (id: string) => images.get(id),
    gc: undefined as unknown as ImageGc,
    deps: undefined as unknown as ConstructorParameters<typeof ImageGc>[1],
  };
  node.deps = {
    source: {
      list: async () => [...images.values()],
      remove: async (id) => {
        await node.removing(id);
        images.delete(id);
        node.availableBytes += 100;
      },
      tidy: async () => undefined,
    },
    holds: node.holds,
    runtime: { listContainers: () => node.containers as RuntimeContainer[] },
    space: async () => node,
    clock,
    log: silentLog,
    collected: collectedImages(meter),
    onTrouble: (reason, message) => void node.troubles.push(`${reason}: ${message}`),
  };
  node.gc = new ImageGc({ ...policy, ...options }, node.deps);
  return node;
}

describe("image garbage collection", () => {
  it("removes what was unused for longest until the low threshold is met, once it is old enough", async () => {
    const one = node(["a", "b", "c", "d"]);
    one.containers = [{ imageId: "a", annotations: {} }];
    await assert.rejects(one.gc.collect(), /Insufficient free disk space/);
    assert.deepEqual(one.left(), ["a", "b", "c", "d"], "too young");
    await one.clock.advance(120_000);
    one.containers = [];
    await one.gc.collect();
    assert.deepEqual(one.left(), ["a", "d"]);
    assert.match(await one.meter.text(), /kubelet_image_garbage_collected_total\{reason="space"\} 2/);
    await one.gc.collect();
    assert.deepEqual(one.left(), ["a", "d"], "the disk is no longer full");
  });

  it("never takes what a container is made of, mounts, or is about to be made of", async () => {
    const one = node(["running", "mounted", "wanted", "unused"]);
    one.containers = [
      { imageId: "running", annotations: {} },
      { imageId: "host", annotations: imageVolumesAnnotation(["mounted"]) },
    ];
    await one.holds.hold("pod", () => one.find("wanted"));
    await one.gc.collect().catch(() => undefined);
    await one.clock.advance(600_000);
    await assert.rejects(one.gc.collect(), /freed 100 bytes/);
    assert.deepEqual(one.left(), ["running", "mounted", "wanted"]);
    assert.match(
      one.troubles.at(-1) ?? "",
      /^FreeDiskSpaceFailed: Insufficient .*\(100% of 1000 bytes used\)/,
    );
    one.holds.release("pod");
    one.containers.pop();
    await one.clock.advance(1);
    assert.equal(await one.gc.deleteUnused(), 200);
    assert.deepEqual(one.left(), ["running"]);
  });

  it("removes what nobody used for too long although there is space", async () => {
    const one = node(["a", "b"], { maxAgeMs: 3_600_000 });
    one.availableBytes = 900;
    await one.gc.collect();
    await one.clock.advance(3_600_000);
    one.containers = [{ imageId: "b", annotations: {} }];
    await one.gc.collect();
    assert.deepEqual(one.left(), ["a", "b"]);
    await one.clock.advance(1);
    await one.gc.collect();
    assert.deepEqual(one.left(), ["b"]);
  });

  it("goes on past an image that cannot be removed, and says so in an event the second time", async () => {
    const one = node(["a", "b"], { minAgeMs: 0, highThresholdPercent: 1, lowThresholdPercent: 0 });
    one.removing = (id) => (id === "a" ? Promise.reject(new Error("a is stuck")) : undefined);
    const stop = new AbortController();
    await one.gc.deleteUnused().catch(() => undefined);
    assert.deepEqual(one.left(), ["a"]);
    const loop = keepImageSpace(one.gc, one.deps, stop.signal);
    await one.clock.advance(0);
    assert.deepEqual(one.troubles, []);
    await one.clock.advance(300_000);
    assert.deepEqual(one.troubles, ["ImageGCFailed: images cannot be removed: [a is stuck]"]);
    stop.abort();
    await loop.catch(() => undefined);
  });
});

describe("a pod that wants an image while it is removed", () => {
  it("does not get it, and one that has it keeps it", async () => {
    const one = node(["a", "b"]);
    const goOn = deferred<void>();
    one.removing = () => goOn.promise;
    const removal = one.holds.remove("a", () => one.deps.source.remove("a"));
    const late = one.holds.hold("late", () => one.find("a"));
    const other = one.holds.hold("other", () => one.find("b"));
    goOn.resolve();
    assert.equal(await removal, "removed");
    assert.equal(await late, undefined);
    assert.equal((await other)?.id, "b");
    assert.equal(await one.holds.remove("b", () => one.deps.source.remove("b")), "held");
    assert.deepEqual(one.left(), ["b"]);
  });

  it("does not get what was found just before", async () => {
    const one = node(["a"]);
    const found = deferred<void>();
    const goOn = deferred<void>();
    let looks = 0;
    const late = one.holds.hold("late", async () => {
      const image = await one.find("a");
      if (++looks === 1) {
        found.resolve();
        await goOn.promise;
      }
      return image;
    });
    await found.promise;
    assert.equal(await one.holds.remove("a", () => one.deps.source.remove("a")), "removed");
    goOn.resolve();
    assert.equal(await late, undefined);
    assert.equal(looks, 2);
  });
});

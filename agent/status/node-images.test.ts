import { strict as assert } from "node:assert";
import { silentLog } from "../../base/os/log.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { hostImage } from "../images/host-image.ts";
import type { Image } from "../images/image.ts";
import { NodeImages, nodeImageLimits, nodeImages } from "./node-images.ts";

const image = (name: string, sizeBytes: number, more: Partial<Image> = {}): Image => ({
  id: `sha256:${name}`,
  names: [`docker.io/library/${name}:1`],
  digests: [`docker.io/library/${name}@sha256:0`],
  sizeBytes,
  config: {},
  ...more,
});

describe("the images that a Node tells of", () => {
  it("are the largest, by digests and then names, few of each", () => {
    const names = ["1", "2", "3", "4", "5", "6"];
    const images = [image("small", 1), hostImage, image("large", 3), image("named", 2, { names })];
    assert.deepEqual(nodeImages(images, 2), [
      { names: ["docker.io/library/large@sha256:0", "docker.io/library/large:1"], sizeBytes: 3 },
      { names: ["docker.io/library/named@sha256:0", ...names.slice(0, 4)], sizeBytes: 2 },
    ]);
    assert.equal(nodeImages(images, -1).length, 3);
    assert.deepEqual(nodeImages(images, 0), []);
  });

  it("are looked at again and again, also after they could not be read", async () => {
    const clock = new ManualClock();
    const tasks = new TaskScope(silentLog);
    const answers: (() => Image[])[] = [
      () => [image("a", 1)],
      () => {
        throw new Error("no answer");
      },
      () => [],
    ];
    const list = async () => (answers.shift() ?? assert.fail())();
    const images = new NodeImages(50);
    const count = () => images.known?.length;
    try {
      assert.equal(count(), undefined);
      tasks.run("images", (signal) => images.follow({ list }, { clock, log: silentLog }, signal));
      await clock.advance(0);
      assert.equal(count(), 1);
      await clock.advance(nodeImageLimits.everyMs);
      assert.equal(count(), 1);
      await clock.advance(nodeImageLimits.everyMs);
      assert.deepEqual(images.known, []);
    } finally {
      await tasks.stop();
    }
  });
});

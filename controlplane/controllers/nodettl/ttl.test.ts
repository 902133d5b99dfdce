import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { nextStep, secondsAt, ttlAnnotation } from "./plan-ttl.ts";
import { ttlController } from "./ttl-controller.ts";

describe("how long nodes may keep what they read", () => {
  it("grows with the cluster, and stays between two sizes", () => {
    const seconds = (...sizes: readonly number[]) => {
      let step = 0;
      return sizes.map((size) => {
        step = nextStep(step, size);
        return secondsAt(step);
      });
    };
    assert.deepEqual(seconds(100, 101, 95, 90, 89), [0, 15, 15, 15, 0]);
    assert.deepEqual(seconds(5000, 1900, 1799, 1000, 899, 1), [300, 300, 60, 60, 30, 0]);
    fc.assert(
      fc.property(fc.array(fc.nat(6000), { minLength: 1, maxLength: 30 }), (sizes) => {
        let step = 0;
        for (const size of sizes) {
          step = nextStep(step, size);
          const alone = secondsAt(nextStep(0, size));
          // At most one row above what a cluster of that size that only ever grew would have.
          assert.ok(secondsAt(step) >= alone);
          assert.equal(nextStep(step, size), step);
        }
      }),
    );
  });

  it("is written on each node once, and again when it is another", async () => {
    const api = new FakeApi();
    for (let node = 0; node < 101; node++)
      await api.create(resources.nodes, { metadata: { name: `n${node}` } });
    const rig = await controllerRig(ttlController, { api });
    const values = async () =>
      new Set(
        (await api.list(resources.nodes)).items.map(({ metadata }) => metadata.annotations?.[ttlAnnotation]),
      );
    await rig.settle();
    assert.deepEqual(await values(), new Set(["15"]));
    for (let node = 0; node < 12; node++) await api.delete(resources.nodes, { name: `n${node}` });
    // As nodes report anyway.
    for (let node = 12; node < 101; node++)
      await api.patch(
        resources.nodes,
        { name: `n${node}` },
        { metadata: { labels: { a: "b" } } },
        { type: "merge" },
      );
    await rig.settle();
    assert.deepEqual(await values(), new Set(["0"]));
    await rig.stop();
  });
});

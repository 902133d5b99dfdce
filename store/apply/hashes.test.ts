import assert from "node:assert/strict";
import { LargeWorld } from "./fixtures/large-world.ts";

describe("hashes of the state", () => {
  it("are made one after the other, whoever asks, and whatever became of the one before", async () => {
    const world = await LargeWorld.open();
    const { state } = world;
    const { backend } = state;
    const visitRevisions = backend.visitRevisions.bind(backend);
    let running = 0;
    let runningMax = 0;
    backend.visitRevisions = async (visit) => {
      runningMax = Math.max(runningMax, ++running);
      await visitRevisions(visit);
      running--;
    };
    const { revision } = state.mvcc;
    const asked = [
      state.hashHistory(revision),
      state.hashHistory(revision - 3),
      state.hashHistory(revision + 1),
      state.hashKv(revision),
      state.hash(),
    ];
    const [now, before, future, again, whole] = await Promise.allSettled(asked);
    assert.equal(runningMax, 1);
    assert.ok(future?.status === "rejected" && /future revision/.test(String(future.reason)));
    assert.ok(now?.status === "fulfilled" && again?.status === "fulfilled" && before?.status === "fulfilled");
    assert.deepEqual(now.value, again.value);
    assert.notDeepEqual(now.value, before.value);
    assert.equal(whole?.status, "fulfilled");
    await state.close();
  });
});

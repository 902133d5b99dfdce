import assert from "node:assert/strict";
import { holdNetworkSlot } from "./network-slots.ts";

describe("holdNetworkSlot", () => {
  // Of this process alone: clusters on the machine and other runs of the tests hold slots too.
  const family = `test-${process.pid}`;

  it("gives no slot to two, and gives it back", async () => {
    const first = await holdNetworkSlot(family, undefined, async (slot) => slot >= 18);
    const second = await holdNetworkSlot(family, undefined, async (slot) => slot >= 18);
    assert.notEqual(first.slot, second.slot);
    await assert.rejects(
      holdNetworkSlot(family, first.slot, async () => true),
      /another running cluster .*test-\d+ slot 1[89].*pintle down/,
    );
    first.release();
    (await holdNetworkSlot(family, first.slot, async () => true)).release();
    second.release();
  });

  it("gives no slot that cannot be used, and does not keep it", async () => {
    await assert.rejects(
      holdNetworkSlot(family, 17, async () => false),
      /has taken this one's network/,
    );
    const broken = new Error("cannot look");
    await assert.rejects(
      holdNetworkSlot(family, 17, () => Promise.reject(broken)),
      broken,
    );
    (await holdNetworkSlot(family, 17, async () => true)).release();
  });
});

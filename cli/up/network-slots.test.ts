import assert from "node:assert/strict";
import { holdNetworkSlot } from "./network-slots.ts";

describe("holdNetworkSlot", () => {
  it("gives no slot to two, and gives it back", async () => {
    const first = await holdNetworkSlot(undefined, (slot) => slot >= 18);
    const second = await holdNetworkSlot(undefined, (slot) => slot >= 18);
    assert.notEqual(first.slot, second.slot);
    await assert.rejects(
      holdNetworkSlot(first.slot, () => true),
      /another running cluster .*slot 1[89].*pintle down/,
    );
    first.release();
    (await holdNetworkSlot(first.slot, () => true)).release();
    second.release();
  });
});

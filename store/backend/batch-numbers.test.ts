import assert from "node:assert/strict";
import { batchSlots, checkNumbers, numberRow } from "./batch-numbers.ts";

/** What a database holds after the batches up to `newest`, but for those that were lost. */
function rowsAfter(newest: number, lost: readonly number[] = []) {
  const rows = new Map<string, Uint8Array>();
  for (let number = 1; number <= newest; number++) if (!lost.includes(number)) rows.set(...numberRow(number));
  return [...rows].map(([key, value]) => ({ key, value }));
}

describe("store/backend: numbers of batches", () => {
  it("count on from the newest, over any number of rounds", () => {
    for (const newest of [0, 1, 2, batchSlots - 1, batchSlots, batchSlots + 1, 5 * batchSlots + 7])
      assert.deepEqual(checkNumbers(rowsAfter(newest)), { newest, missing: undefined });
  });

  it("tell which one of the last is missing", () => {
    for (const newest of [10, batchSlots + 10, 3 * batchSlots])
      for (const lost of [newest - 1, newest - 9])
        assert.deepEqual(checkNumbers(rowsAfter(newest, [lost])), { newest, missing: lost });
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { entryBytes, writeEntry } from "./entry-bytes.ts";
import { entry } from "./raft.ts";

describe("proto: an entry written by hand", () => {
  it("is what its table writes, as long as it says", () => {
    const parts = fc.record({
      type: fc.constantFrom("normal" as const, "confChange" as const),
      term: fc.maxSafeNat(),
      index: fc.maxSafeNat(),
      data: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(parts, (given) => {
        const { type, term, index, data } = given;
        const table = entry.encode({
          type: type === "normal" ? "NORMAL" : "CONF_CHANGE",
          term,
          index,
          data: data.length === 0 ? undefined : data,
        });
        const buffer = new Uint8Array(400);
        const end = writeEntry(buffer, 7, given);
        assert.equal(end - 7, entryBytes(given));
        assert.deepEqual(Buffer.from(buffer.subarray(7, end)), Buffer.from(table));
      }),
    );
  });
});

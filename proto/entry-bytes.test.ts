import assert from "node:assert/strict";
import fc from "fast-check";
import { entryBytes, readEntry, writeEntry } from "./entry-bytes.ts";
import { entry } from "./raft.ts";

const parts = fc.record({
  type: fc.constantFrom("normal" as const, "confChange" as const),
  term: fc.maxSafeNat(),
  index: fc.maxSafeNat(),
  data: fc.uint8Array({ maxLength: 300 }),
});

describe("proto: an entry written by hand", () => {
  it("is what its table writes, as long as it says", () => {
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

  it("is read back from exactly these bytes, and from no others", () => {
    const changes = fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 2 });
    const read = { asWritten: 0, changed: 0, refused: 0 };
    fc.assert(
      fc.property(parts, changes, fc.nat(3), (given, flips, cut) => {
        const whole = new Uint8Array(entryBytes(given));
        writeEntry(whole, 0, given);
        const bytes = whole.slice(0, whole.length - cut);
        for (const [at, byte] of flips) if (at < bytes.length) bytes[at] = byte;
        const found = readEntry(bytes);
        if (found === undefined) {
          const isUntouched = flips.length === 0 && cut === 0;
          assert.ok(!isUntouched || given.data.length === 0);
          read.refused++;
          return;
        }
        const again = new Uint8Array(bytes.length);
        assert.equal(writeEntry(again, 0, found), bytes.length);
        assert.deepEqual(again, bytes);
        read[Buffer.compare(bytes, whole) === 0 ? "asWritten" : "changed"]++;
      }),
      { numRuns: 500 },
    );
    assert.ok(Math.min(...Object.values(read)) > 10, JSON.stringify(read));
  });
});

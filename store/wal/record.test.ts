import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32c } from "../../base/crc32c.ts";
import { record, recordTypes } from "../../proto/wal.ts";
import { decodeExactly } from "./exact.ts";
import { parseRecord } from "./record.ts";

const chain = 0x1234_5678;

/** As `parseRecord`, by the table alone. */
function parsedByTable(bytes: Uint8Array): string {
  const decoded = decodeExactly(record, bytes);
  if ("problem" in decoded) return "bad";
  const { type, crc, data = new Uint8Array(0) } = decoded.value;
  const isKnown = (Object.values(recordTypes) as number[]).includes(type);
  const isRight = type === recordTypes.CRC ? data.length === 0 : crc32c(chain, data) === crc;
  return isKnown && isRight ? `${type} ${crc} ${Buffer.from(data).toString("hex")}` : "bad";
}

function parsed(bytes: Uint8Array): string {
  const found = parseRecord(bytes, chain);
  if (found.kind === "bad") return "bad";
  return `${recordTypes[found.type]} ${found.crc} ${Buffer.from(found.data).toString("hex")}`;
}

describe("wal: a record", () => {
  it("is read as its table reads it, whatever became of its bytes", () => {
    const seen = { good: 0, bad: 0 };
    const written = fc.record({
      type: fc.constantFrom(...Object.values(recordTypes)),
      data: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
    });
    const change = fc.record({ at: fc.nat(12), byte: fc.nat(255) });
    fc.assert(
      fc.property(written, fc.option(change), fc.nat(2), ({ type, data }, changed, cut) => {
        const crc = type === recordTypes.CRC ? chain : crc32c(chain, data ?? new Uint8Array(0));
        const whole = record.encode({ type, crc, data });
        const bytes = whole.slice(0, whole.length - (changed === null ? 0 : cut));
        if (changed !== null && changed.at < bytes.length) bytes[changed.at] = changed.byte;
        assert.equal(parsed(bytes), parsedByTable(bytes));
        seen[parsed(bytes) === "bad" ? "bad" : "good"]++;
      }),
      { numRuns: 500 },
    );
    assert.ok(Math.min(seen.good, seen.bad) > 50, JSON.stringify(seen));
  });
});

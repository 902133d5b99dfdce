import assert from "node:assert/strict";
import fc from "fast-check";
import { BytePieces, kept } from "./byte-pieces.ts";

/** Of random sizes, some far smaller than what they are views of. */
const piece = fc
  .record({ size: fc.constantFrom(0, 1, 2, 5, 40, 1_023, 1_024, 5_000), around: fc.constantFrom(0, 70_000) })
  .map(({ size, around }) => ({ size, around }));
const step = fc.oneof(
  { weight: 3, arbitrary: piece.map((add) => ({ add })) },
  { weight: 1, arbitrary: fc.nat(6_000).map((take) => ({ take })) },
  { weight: 1, arbitrary: fc.nat(10).map((peek) => ({ peek })) },
  { weight: 1, arbitrary: fc.constant("next" as const) },
  { weight: 1, arbitrary: fc.constant("keep" as const) },
);

describe("base/byte-pieces", () => {
  it("gives the bytes in their order, however they are added and taken, and changes none that it gave", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pieces = new BytePieces();
        let waiting = Buffer.alloc(0);
        let last = 0;
        const given: { readonly bytes: Buffer; readonly then: Buffer }[] = [];
        const give = (bytes: Buffer) => {
          const then = Buffer.from(bytes);
          assert.ok(then.equals(waiting.subarray(0, bytes.length)));
          waiting = waiting.subarray(bytes.length);
          given.push({ bytes, then });
        };
        for (const one of steps) {
          if (one === "keep") pieces.keep();
          else if (one === "next") give(pieces.next() ?? Buffer.alloc(0));
          else if ("take" in one) give(pieces.take(Math.min(one.take, waiting.length)));
          else if ("peek" in one) {
            const bytes = Math.min(one.peek, waiting.length);
            const seen = pieces.peek(bytes);
            assert.ok(seen.length >= bytes);
            assert.ok(seen.equals(waiting.subarray(0, seen.length)));
          } else {
            const { size, around } = one.add;
            const bytes = Buffer.alloc(size + around, 0xff).subarray(around / 2, around / 2 + size);
            for (let at = 0; at < size; at++) bytes[at] = last++ % 251;
            waiting = Buffer.concat([waiting, bytes]);
            pieces.add(bytes);
          }
          assert.equal(pieces.length, waiting.length);
        }
        give(pieces.take(waiting.length));
        for (const { bytes, then } of given) assert.ok(bytes.equals(then));
      }),
      { numRuns: 300 },
    );
  });

  it("joins what comes octet by octet into few pieces, and lets go what they were views of", () => {
    const pieces = new BytePieces();
    const around = Buffer.alloc(65_536);
    for (let at = 0; at < 100_000; at++) pieces.add(around.subarray(at % 65_536, (at % 65_536) + 1));
    let count = 0;
    for (let one = pieces.next(); one !== undefined; one = pieces.next()) {
      count += 1;
      assert.notEqual(one.buffer, around.buffer);
    }
    assert.ok(count < 20, `${count} pieces`);
  });

  it("leaves large pieces where they are, also when they have to wait", () => {
    const pieces = new BytePieces();
    const large = Buffer.alloc(16_384);
    for (const part of [large, large]) pieces.add(part);
    pieces.keep();
    assert.equal(pieces.next()?.buffer, large.buffer);
  });

  it("copies what is kept unless it is most of its buffer", () => {
    const buffer = Buffer.alloc(65_536);
    assert.equal(kept(buffer.subarray(0, 20_000)).buffer, buffer.buffer);
    assert.equal(kept(buffer.subarray(0, 2_000)).buffer.byteLength, 2_000);
  });
});

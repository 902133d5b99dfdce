import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32c } from "./crc32c.ts";

/** Bit by bit: obviously right. */
function slow(before: number, bytes: Uint8Array): number {
  let crc = ~before >>> 0;
  for (const byte of bytes) {
    crc = (crc ^ byte) >>> 0;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1) >>> 0;
  }
  return ~crc >>> 0;
}

describe("crc32c", () => {
  it("has the values of RFC 3720 B.4", () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    const vectors: [Uint8Array, number][] = [
      [new Uint8Array(32), 0x8a9136aa],
      [new Uint8Array(32).fill(0xff), 0x62a8ab43],
      [ascending, 0x46dd794e],
      [ascending.toReversed(), 0x113fdb5c],
      [new TextEncoder().encode("123456789"), 0xe3069283],
    ];
    for (const [bytes, expected] of vectors) assert.equal(crc32c(0, bytes), expected);
  });

  it("continues over pieces and agrees with the bitwise definition", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        const whole = new Uint8Array([...a, ...b]);
        assert.equal(crc32c(crc32c(0, a), b), slow(0, whole));
        assert.equal(crc32c(0, whole, a.length), slow(0, b));
      }),
    );
  });
});

describe("base/crc32c: wherever the bytes lie", () => {
  it("is the same, byte by byte and in steps, from any border to any other", () => {
    const memory = Buffer.allocUnsafeSlow(4_000);
    for (let at = 0; at < memory.length; at++) memory[at] = (at * 131) ^ (at >>> 3);
    const slowly = (start: number, end: number) => {
      let crc = 7;
      for (let at = start; at < end; at++) crc = crc32c(crc, memory, at, at + 1);
      return crc;
    };
    for (let start = 0; start < 9; start++)
      for (const length of [0, 1, 15, 63, 64, 65, 67, 68, 80, 127, 330, 1_000, 3_001]) {
        const view = memory.subarray(start, start + length);
        assert.equal(crc32c(7, memory, start, start + length), slowly(start, start + length));
        assert.equal(crc32c(7, Buffer.from(view)), slowly(start, start + length));
        assert.equal(crc32c(7, view), slowly(start, start + length));
      }
  });
});

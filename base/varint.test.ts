import assert from "node:assert/strict";
import fc from "fast-check";
import protobuf from "protobufjs";
import { varint64Bytes, varintBytes, writeVarint, writeVarint64 } from "./varint.ts";

describe("base/varint", () => {
  it("writes what protobufjs writes, in as many bytes as it says", () => {
    const check = (value: number) => {
      const wanted = protobuf.Writer.create().uint64(value).finish();
      const buffer = new Uint8Array(12);
      const end = writeVarint(buffer, 1, value);
      assert.deepEqual(Buffer.from(buffer.subarray(1, end)), Buffer.from(wanted));
      assert.equal(varintBytes(value), wanted.length);
    };
    for (let bits = 0; bits <= 53; bits++)
      for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1].filter(Number.isSafeInteger))
        check(value);
    fc.assert(fc.property(fc.maxSafeNat(), check));
  });

  it("writes 64-bit numbers whole", () => {
    const check = (value: bigint) => {
      const wanted = protobuf.Writer.create().uint64(`${value}`).finish();
      const buffer = new Uint8Array(12);
      const end = writeVarint64(buffer, 1, value);
      assert.deepEqual(Buffer.from(buffer.subarray(1, end)), Buffer.from(wanted));
      assert.equal(varint64Bytes(value), wanted.length);
    };
    for (let bits = 0n; bits <= 64n; bits++)
      for (const value of [2n ** bits - 1n, 2n ** bits]) if (value < 2n ** 64n) check(value);
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), check));
  });
});

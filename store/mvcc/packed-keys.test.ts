import assert from "node:assert/strict";
import fc from "fast-check";
import { rangeResponse } from "../../proto/etcd.ts";
import { encodeKeyValue } from "./key-value.ts";
import { PackedKeys } from "./packed-keys.ts";

const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const bare = fc.record({
  key: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 2_000, maxLength: 3_000 })),
  createRevision: number,
  modRevision: number,
  version: number,
  value: fc.constant(new Uint8Array(0)),
  lease: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
});

describe("packed keys", () => {
  it("are what a range answer has of them one by one", () => {
    fc.assert(
      fc.property(fc.array(bare, { maxLength: 60 }), (kvs) => {
        const packed = new PackedKeys();
        const taken = kvs.reduce((sum, kv) => sum + packed.add(kv), 0);
        const bytes = Buffer.concat(packed.pieces);
        assert.deepEqual([packed.count, bytes.length], [kvs.length, taken]);
        assert.deepEqual(bytes, Buffer.from(rangeResponse.encode({ kvs: kvs.map(encodeKeyValue) })));
      }),
    );
  });

  it("come in few pieces", () => {
    const packed = new PackedKeys();
    const kv = { createRevision: 1, modRevision: 1, version: 1, value: new Uint8Array(0), lease: 0n };
    for (let at = 0; at < 10_000; at++) packed.add({ key: Buffer.from(`key-${at}`), ...kv });
    assert.ok(packed.pieces.length < 12, `${packed.pieces.length}`);
  });
});

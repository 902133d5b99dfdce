import assert from "node:assert/strict";
import fc from "fast-check";
import { event, keyValue } from "../../proto/mvcc.ts";
import { isTombstone, mainOf, revisionKey, subOf, tombstoneKey } from "../revisions/revision-key.ts";
import {
  decodeKeyValue,
  encodeDeleted,
  encodeKeyValue,
  encodePut,
  eventOf,
  keyIn,
  withoutValue,
} from "./key-value.ts";

const revision = fc.nat(Number.MAX_SAFE_INTEGER);
const parts = fc.record({
  key: fc.uint8Array({ maxLength: 200 }),
  createRevision: revision,
  modRevision: revision,
  version: revision,
  value: fc.uint8Array({ maxLength: 300 }),
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

describe("store/mvcc: values and revisions as they are stored", () => {
  it("writes the bytes that the message's own table writes, and reads them back", () => {
    fc.assert(
      fc.property(parts, (kv) => {
        const stored = encodeKeyValue(kv);
        assert.deepEqual(Buffer.from(stored), Buffer.from(keyValue.encode(kv)));
        const back = decodeKeyValue(stored);
        assert.deepEqual(
          { ...back, key: Buffer.from(back.key), value: Buffer.from(back.value) },
          { ...kv, key: Buffer.from(kv.key), value: Buffer.from(kv.value) },
        );
        const bare = keyValue.encode({ ...kv, value: new Uint8Array(0) });
        assert.deepEqual(Buffer.from(withoutValue(stored)), Buffer.from(bare));
        assert.deepEqual(Buffer.from(keyIn(stored)), Buffer.from(kv.key));
      }),
    );
  });

  it("writes events as their table does, around the very bytes that are stored", () => {
    fc.assert(
      fc.property(parts, (kv) => {
        const put = encodePut(kv);
        assert.deepEqual(Buffer.from(put), Buffer.from(encodeKeyValue(kv)));
        assert.deepEqual(Buffer.from(eventOf(put)), Buffer.from(event.encode({ type: "PUT", kv: put })));
        assert.equal(eventOf(put).buffer, put.buffer);
        const { key, modRevision } = kv;
        const gone = encodeDeleted(key, modRevision);
        const bare = keyValue.encode({ key, modRevision });
        assert.deepEqual(Buffer.from(gone.kv), Buffer.from(bare));
        assert.deepEqual(Buffer.from(gone.event), Buffer.from(event.encode({ type: "DELETE", kv: gone.kv })));
      }),
    );
  });

  it("writes keys of rows that sort as the revisions do", () => {
    fc.assert(
      fc.property(revision, revision, fc.nat(1_000), fc.nat(1_000), (a, b, subA, subB) => {
        const [keyA, keyB] = [revisionKey(a, subA), revisionKey(b, subB)];
        assert.equal(keyA < keyB, a < b || (a === b && subA < subB));
        assert.deepEqual([mainOf(keyA), subOf(keyA)], [a, subA]);
        assert.ok(isTombstone(tombstoneKey(a, subA)) && !isTombstone(keyA));
      }),
    );
    assert.equal(
      Buffer.from(tombstoneKey(258, 3), "latin1").toString("hex"),
      "00000000000001025f000000000000000374",
    );
  });
});

import assert from "node:assert/strict";
import { MessageEnds } from "./message-ends.ts";

/** Messages of 3, 0 and 300 bytes. */
const bytes = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 44]),
  Buffer.alloc(300, 7),
]);

describe("the ends of messages in a stream", () => {
  it("are counted, however the stream is cut, each stream for itself", () => {
    for (const size of [1, 2, 7, 100, bytes.length]) {
      const ends = new MessageEnds(2);
      assert.equal(ends.count(0, bytes, 0, 4), 0);
      let ended = 0;
      for (let at = 0; at < bytes.length; at += size)
        ended += ends.count(1, bytes, at, Math.min(bytes.length, at + size));
      assert.equal(ended, 3, `pieces of ${size} bytes`);
      assert.equal(ends.count(0, bytes, 4, bytes.length), 3);
    }
  });
});

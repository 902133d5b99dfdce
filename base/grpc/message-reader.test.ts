import assert from "node:assert/strict";
import fc from "fast-check";
import { heldBytes } from "../testing/held-bytes.ts";
import { MessageReader } from "./message-reader.ts";

const messageBytes = 300_000;
const framed = (message: Buffer) => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};
const reader = () => new MessageReader({ bytesMost: 1 << 20, encoding: "identity" });

describe("the reader of messages", () => {
  it("gives messages in their order, however they are cut", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }), (all, cuts) => {
        const bytes = Buffer.concat(all.map(framed));
        const reading = reader();
        const read: Buffer[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const piece = bytes.subarray(at, at + (cuts[cut % cuts.length] ?? 1));
          reading.push(piece);
          // At times somebody else is busy with the message before.
          if (cut % 3 > 0)
            for (let one = reading.next(); one !== undefined; one = reading.next())
              read.push(Buffer.from(one));
          reading.keep();
          at += piece.length;
        }
        for (let one = reading.next(); one !== undefined; one = reading.next()) read.push(Buffer.from(one));
        assert.deepEqual(read, all);
        assert.equal(reading.isInMessage, false);
      }),
    );
  });

  it("holds little more than the octets of a message that comes one by one", async () => {
    const bytes = framed(Buffer.alloc(messageBytes, "octets"));
    const reading = reader();
    const before = await heldBytes();
    for (let at = 0; at < bytes.length - 1; at++) {
      reading.push(Buffer.from(bytes.buffer, bytes.byteOffset + at, 1));
      assert.equal(reading.next(), undefined);
      reading.keep();
    }
    const held = (await heldBytes()) - before;
    assert.ok(held < 3 * messageBytes, `${held} bytes are held`);
    reading.push(bytes.subarray(-1));
    assert.ok(Buffer.from(reading.next() ?? []).equals(bytes.subarray(5)));
  });

  it("holds little more than the octets of empty messages that wait", async () => {
    const bytes = Buffer.alloc(messageBytes);
    const reading = reader();
    const before = await heldBytes();
    for (let at = 0; at < bytes.length; at += 10_000) {
      reading.push(bytes.subarray(at, at + 10_000));
      reading.keep();
    }
    const held = (await heldBytes()) - before;
    assert.ok(held < 3 * messageBytes, `${held} bytes are held`);
    let count = 0;
    while (reading.next() !== undefined) count += 1;
    assert.equal(count, messageBytes / 5);
  });
});

import assert from "node:assert/strict";
import { genericFamily } from "./generic-netlink.ts";
import {
  attribute,
  be16,
  cString,
  encodeMessage,
  errorName,
  messageFlags,
  messageTypes,
  NetlinkFormatError,
  nested,
  readAttributes,
  readBe16,
  readCString,
  readMessages,
  readU16,
  readU32,
  u16,
  u32,
} from "./netlink-message.ts";
import { netlinkProtocols, openNetlink } from "./netlink-socket.ts";

describe("netlink's messages", () => {
  it("are read as they were written", () => {
    const inner = nested(3, attribute(1, u16(0xabcd)), attribute(2, be16(80)), attribute(5, cString("rr")));
    const bytes = encodeMessage({
      type: 0x1234,
      flags: messageFlags.request,
      sequence: 7,
      payload: Uint8Array.from([...inner, ...attribute(4, u32(0xffff_fffe))]),
    });
    const [message, ...more] = readMessages(Uint8Array.from([...bytes, ...bytes]));
    assert.equal(more.length, 1);
    assert.deepEqual([message?.type, message?.flags, message?.sequence], [0x1234, 1, 7]);
    const outer = readAttributes(message?.payload ?? new Uint8Array());
    assert.equal(readU32(outer.get(4)), 0xffff_fffe);
    const found = readAttributes(outer.get(3) ?? new Uint8Array());
    assert.deepEqual(
      [readU16(found.get(1)), readBe16(found.get(2)), readCString(found.get(5))],
      [0xabcd, 80, "rr"],
    );
  });

  it("are refused where lengths are not so", () => {
    const good = encodeMessage({ type: 2, flags: 0, sequence: 1, payload: attribute(1, u32(1)) });
    for (let length = 1; length < good.length; length++)
      assert.throws(() => readMessages(good.subarray(0, length)), NetlinkFormatError, `${length}`);
    for (const length of [1, 3, 5, 7])
      assert.throws(() => readAttributes(attribute(1, u32(1)).subarray(0, length)), NetlinkFormatError);
    // Lengths of nothing would be read for ever.
    assert.throws(() => readMessages(new Uint8Array(16)), NetlinkFormatError);
    assert.throws(() => readAttributes(new Uint8Array(4)), NetlinkFormatError);
    assert.throws(() => readU32(u16(1)), /has 2 bytes, not 4/);
    assert.throws(() => readCString(Uint8Array.of(65)), /no text/);
  });

  it("name the kernel's errors", () => {
    assert.deepEqual([2, 17, 9999].map(errorName), ["ENOENT", "EEXIST", "errno 9999"]);
  });
});

describe("the kernel's generic netlink", () => {
  it("knows its controller by name, and no family that there is none of", async () => {
    const netlink = openNetlink(netlinkProtocols.generic);
    try {
      assert.equal(await genericFamily(netlink, "nlctrl"), 0x10);
      assert.equal(await genericFamily(netlink, "pintle-none"), undefined);
    } finally {
      netlink.close();
    }
  });

  it("answers one question after the other, lists whole, and anew once its process is gone", async () => {
    const netlink = openNetlink(netlinkProtocols.generic);
    // All families: a list in several messages.
    const list = encodeMessage({
      type: 0x10,
      flags: messageFlags.request | messageFlags.dump,
      sequence: 9,
      payload: Uint8Array.of(3, 2, 0, 0),
    });
    try {
      const answers = await Promise.all([netlink.ask(list), netlink.ask(list)]);
      netlink.close();
      for (const answer of [...answers, await netlink.ask(list)]) {
        const messages = readMessages(answer);
        assert.ok(messages.length > 2);
        assert.deepEqual(
          messages.map(({ type }) => type === messageTypes.done),
          messages.map((_, at) => at === messages.length - 1),
        );
        assert.ok(messages.every(({ sequence }) => sequence === 9));
      }
    } finally {
      netlink.close();
    }
  });

  it("says what is wrong where there is no such protocol", async () => {
    const netlink = openNetlink(99);
    await assert.rejects(netlink.ask(Uint8Array.of(1)), /netlink socket: Protocol not supported/);
    assert.equal(netlink.hasAnswered, false);
    netlink.close();
  });
});

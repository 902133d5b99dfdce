import assert from "node:assert/strict";
import { ipFamilies } from "../ip-family.ts";
import { emptyChange, type RulesetChange } from "../nft-ruleset.ts";
import { nft } from "../nft-text.ts";
import { choiceChain, numberRules } from "../service-choices.ts";
import { littleEndian } from "./attributes.ts";
import { encodeChange, encodeTableRequest } from "./encode-change.ts";
import { parseReplies } from "./replies.ts";

describe("a change as netlink messages", () => {
  const table = { version: 4, name: "t" } as const;
  const fields = { key: ["address4", "protocol", "port"], value: ["address4", "port"] } as const;
  const entry = (text: string): RulesetChange => ({
    ...emptyChange,
    // What stands in a ruleset was checked when it was made: this is one that was not.
    freshElements: [{ name: "m", fields, elements: [Object.assign(Object.create(null), { text })] }],
  });
  const encoded = (change: RulesetChange) => encodeChange(table, change) ?? assert.fail("not encoded");
  /** Each message's type and flags. */
  const messages = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found: { type: number; flags: number; sequence: number; body: string }[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = view.getUint32(at, littleEndian);
      found.push({
        type: view.getUint16(at + 4, littleEndian),
        flags: view.getUint16(at + 6, littleEndian),
        sequence: view.getUint32(at + 8, littleEndian),
        body: Buffer.from(bytes.subarray(at + 20, at + length)).toString("hex"),
      });
      at += length;
    }
    return found;
  };

  it("is a batch whose last message but the end is acknowledged", () => {
    const { bytes, asked } = encoded(entry("10.96.0.1 . tcp . 80 : 10.1.0.2 . 8080"));
    assert.deepEqual(asked, ["begin", "add elements to m"]);
    const [begin, add, end] = messages(bytes);
    assert.deepEqual([begin?.type, begin?.flags, begin?.sequence], [0x10, 1, 0]);
    assert.deepEqual([add?.type, add?.flags, add?.sequence], [0xa0c, 0x405, 1]);
    assert.deepEqual([end?.type, end?.flags, end?.sequence], [0x11, 1, 2]);
    assert.match(add?.body ?? "", /0a6000010600000000500000100002800c0001000a0100021f900000$/);
  });

  it("takes no more elements into a message than its lists can hold, and says what each message asks for", () => {
    const elements = Array.from({ length: 1201 }, (_, n) => nft`${`10.0.${n >> 8}.${n & 255}`} . tcp . 80`);
    const change = {
      ...emptyChange,
      goneElements: [{ name: "m", fields, elements }],
      goneChains: ["c"],
      goneMaps: ["m"],
    };
    const { asked, bytes } = encoded(change);
    const gone = Array.from({ length: 3 }, () => "delete elements of m");
    assert.deepEqual(asked, ["begin", ...gone, "flush chain c", "delete chain c", "delete set m"]);
    assert.deepEqual(
      messages(bytes).map(({ sequence }) => sequence),
      asked.map((_, n) => n).concat(asked.length),
    );
  });

  it("is left to nft where a rule, a set or its elements are known as text only", () => {
    const chain = { rules: [nft`drop`] };
    assert.equal(
      encodeChange(table, { ...emptyChange, chains: [{ name: "c", chain, isNew: true }] }),
      undefined,
    );
    const hook = nft`type nat hook output priority -100;`;
    const based = { ...choiceChain({ way: "address", list: "all" }, 2), hook };
    assert.equal(
      encodeChange(table, { ...emptyChange, chains: [{ name: "c", chain: based, isNew: true }] }),
      undefined,
    );
    const newSets = [{ name: "s", definition: nft`type ipv4_addr; flags interval;` }];
    assert.equal(encodeChange(table, { ...emptyChange, newSets }), undefined);
    const goneElements = [{ name: "s", elements: [nft`10.0.0.0/8`] }];
    assert.equal(encodeChange(table, { ...emptyChange, goneElements }), undefined);
    const { chain: known } = numberRules(ipFamilies[6], { way: "node-port", list: "local" }, 0);
    encoded({ ...emptyChange, chains: [{ name: "c", chain: known, isNew: true }] });
  });

  it("refuses words that are not what a set's elements are", () => {
    for (const text of [
      "10.96.0.1 . tcp . 80 : 10.1.0.2 . 65536",
      "10.96.0.1 . tcp . 80 : 10.1.0.2",
      "10.96.0.1 . icmp . 80 : 10.1.0.2 . 80",
      "10.96.0.256 . tcp . 80 : 10.1.0.2 . 80",
      "fd00::1 . tcp . 80 : 10.1.0.2 . 80",
      "10.96.0.1 . tcp . -1 : 10.1.0.2 . 80",
      "10.96.0.1 . tcp : 10.1.0.2 . 80",
      "",
    ])
      assert.throws(() => encodeChange(table, entry(text)), /is no |has not/, text);
    const verdict = { key: ["port"], value: "verdict" } as const;
    for (const text of ["80 : accept", "80 : goto", "80 : goto a b", "80 : jump c"]) {
      const elements = [Object.assign(Object.create(null), { text })];
      const change = { ...emptyChange, freshElements: [{ name: "m", fields: verdict, elements }] };
      assert.throws(() => encodeChange(table, change), /is no verdict/, text);
    }
  });

  it("asks for a table in a message of its own", () => {
    const [one, more] = messages(encodeTableRequest({ version: 6, name: "t" }));
    assert.deepEqual([one?.type, one?.flags, more], [0xa01, 1, undefined]);
  });
});

describe("the kernel's replies", () => {
  const reply = (type: number, sequence: number, error: number) => {
    const bytes = new Uint8Array(20);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 20, littleEndian);
    view.setUint16(4, type, littleEndian);
    view.setUint32(8, sequence, littleEndian);
    view.setInt32(16, error, littleEndian);
    return bytes;
  };

  it("are acknowledgements, errors by their names, and other messages", () => {
    const bytes = Buffer.concat([reply(2, 3, -2), reply(2, 7, 0), reply(0xa00, 1, 0), reply(2, 4, -4000)]);
    const { acknowledged, errors, others } = parseReplies(bytes);
    assert.deepEqual([...acknowledged], [7]);
    assert.deepEqual(errors, [
      { sequence: 3, code: "ENOENT" },
      { sequence: 4, code: "errno 4000" },
    ]);
    assert.equal(others, 1);
  });

  it("are refused where they are cut off, or say a length that cannot be", () => {
    const whole = reply(2, 1, 0);
    for (let length = 1; length < whole.length; length++)
      assert.throws(() => parseReplies(whole.subarray(0, length)), /cut off/);
    for (const length of [0, 15, 16, 21, 0xffff_ffff]) {
      const bytes = reply(2, 1, 0);
      new DataView(bytes.buffer).setUint32(0, length, littleEndian);
      assert.throws(() => parseReplies(bytes), /cut off|says nothing/);
    }
  });
});

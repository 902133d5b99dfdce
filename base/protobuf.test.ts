import assert from "node:assert/strict";
import fc from "fast-check";
import protobuf from "protobufjs";
import * as table from "./protobuf.ts";
import { utf8, WireError } from "./wire.ts";

const inner = table.message({ name: table.string(1), count: table.int32(2) });
const shapes = table.message({
  flag: table.bool(1),
  signed: table.int32(2),
  unsigned: table.uint32(3),
  long: table.int64(4),
  id: table.id64(5),
  signedId: table.signedId(6),
  text: table.string(7),
  raw: table.bytes(8),
  half: table.double(9),
  fixed: table.fixed32(10),
  inner: table.nested(11, inner),
  many: table.repeated(table.nested(12, inner)),
  numbers: table.repeated(table.int32(13)),
  texts: table.repeated(table.string(14)),
  byName: table.map(15, (number) => table.nested(number, inner)),
  labels: table.map(2000, table.string),
});
const { root } = protobuf.parse(`syntax = "proto3";
  message Inner { string name = 1; int32 count = 2; }
  message Shapes {
    bool flag = 1; int32 signed = 2; uint32 unsigned = 3; int64 long = 4; uint64 id = 5; int64 signedId = 6;
    string text = 7; bytes raw = 8; double half = 9; fixed32 fixed = 10; Inner inner = 11; repeated Inner many = 12;
    repeated int32 numbers = 13; repeated string texts = 14; map<string, Inner> byName = 15;
    map<string, string> labels = 2000;
  }`);
const twin = root.lookupType("Shapes");

const anyText = fc.string({ unit: "grapheme", maxLength: 40 });
const anyInner = fc.record({ name: anyText, count: fc.integer() }, { noNullPrototype: true });
const anyRecord = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(
    anyText.filter((key) => key !== "__proto__"),
    value,
    { maxKeys: 4, noNullPrototype: true },
  );
const anyShapes = fc.record({
  flag: fc.boolean(),
  signed: fc.integer(),
  unsigned: fc.nat(),
  long: fc.maxSafeInteger(),
  id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  signedId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text: anyText,
  raw: fc.uint8Array({ maxLength: 200 }),
  half: fc.double({ noNaN: true }).filter((half) => !Object.is(half, -0)),
  fixed: fc.nat(),
  inner: fc.option(anyInner, { nil: undefined }),
  many: fc.array(anyInner, { maxLength: 4 }),
  numbers: fc.array(fc.integer(), { maxLength: 60 }),
  texts: fc.array(anyText, { maxLength: 4 }),
  byName: anyRecord(anyInner),
  labels: anyRecord(anyText),
});

/** The twin keeps 64-bit numbers as text. */
const forTwin = (value: Record<string, unknown>) => ({
  ...value,
  long: String(value.long),
  id: String(value.id),
  signedId: String(value.signedId),
});
const plain = (value: { readonly raw: Uint8Array }) => ({ ...value, raw: Buffer.from(value.raw) });

describe("protobuf tables, compiled", () => {
  it("read what protobufjs writes, and write what it reads", () => {
    fc.assert(
      fc.property(anyShapes, (given) => {
        const theirs = twin.encode(twin.fromObject(forTwin(given))).finish();
        const ours = shapes.encode(given);
        assert.deepEqual(plain(shapes.decode(theirs)), plain(given as never));
        assert.deepEqual(plain(shapes.decode(ours)), plain(given as never));
        const asObject = (bytes: Uint8Array) =>
          twin.toObject(twin.decode(bytes), { longs: String, defaults: true });
        assert.deepEqual(asObject(ours), asObject(theirs));
      }),
    );
  });

  it("refuse what is cut off or no message, or read some of it, and never go past its end", () => {
    const damaged = fc.tuple(anyShapes, fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(damaged, ([given, at, byte]) => {
        const whole = shapes.encode(given);
        if (whole.length === 0) return;
        const changed = Buffer.from(whole);
        changed[at % whole.length] = byte;
        for (const bytes of [whole.subarray(0, at % whole.length), changed]) {
          try {
            assert.ok(shapes.decode(bytes).raw.length <= bytes.length);
          } catch (error) {
            assert.ok(error instanceof WireError, String(error));
          }
        }
      }),
    );
  });

  it("write into memory of exactly the size, also after one that could not be written", () => {
    const taken: number[] = [];
    const take = (lengthBytes: number) => {
      taken.push(lengthBytes);
      return Buffer.alloc(lengthBytes);
    };
    assert.throws(() => shapes.encode({ many: [{ name: "a" }, { name: 5 as never }] }, take));
    const value = { inner: { name: "n", count: -1 }, texts: ["a", "b"] };
    const bytes = shapes.encode(value, take);
    assert.deepEqual(taken, [bytes.length]);
    assert.deepEqual(shapes.decode(bytes).inner, value.inner);
  });

  it("never hand out memory that was not written", () => {
    const oneMore = (lengthBytes: number) => Buffer.alloc(lengthBytes + 1);
    assert.throws(() => shapes.encode({ text: "x" }, oneMore), /3 bytes were written of a message of 4/);
  });

  it("take nested messages that are encoded already", () => {
    const encoded = inner.encode({ name: "x" });
    const bytes = shapes.encode({ inner: encoded, many: [encoded, { name: "y" }] });
    assert.deepEqual(shapes.decode(bytes).inner, { name: "x", count: 0 });
    assert.deepEqual(
      shapes.decode(bytes).many.map(({ name }) => name),
      ["x", "y"],
    );
  });

  it("pass over unknown fields and wrong wire types, and read packed numbers and single ones", () => {
    const unknown = Buffer.from([0xf8, 0x7f, 1, 0x0d, 1, 2, 3, 4, 0x68, 7, 0x6a, 2, 8, 9, 0x08, 1]);
    const read = shapes.decode(unknown);
    assert.deepEqual(read.numbers, [7, 8, 9]);
    assert.equal(read.flag, true);
    assert.throws(() => shapes.decode(Buffer.from([0x02])), /illegal tag 2/);
  });

  it("read to a bounded depth", () => {
    type Nest = { readonly within: Nest | undefined };
    const nest: table.Message<Nest> = table.message({ within: table.nested(1, () => nest) });
    let bytes: Uint8Array = new Uint8Array(0);
    for (let depth = 0; depth < table.nestedDepthMax; depth++) bytes = nest.encode({ within: bytes });
    assert.ok(nest.decode(bytes).within !== undefined);
    assert.throws(() => nest.decode(nest.encode({ within: bytes })), /nested deeper than 100/);
  });

  it("keep presence where it is asked for, and write what is always written", () => {
    const presence = table.message({
      maybe: table.optional(table.int32(1)),
      always: table.always(table.int64(2)),
      nestedAlways: table.always(table.nested(3, inner)),
    });
    assert.deepEqual([...presence.encode({})], [0x10, 0, 0x1a, 0]);
    assert.deepEqual([...presence.encode({ maybe: 0 })], [8, 0, 0x10, 0, 0x1a, 0]);
    assert.equal(presence.decode(new Uint8Array(0)).maybe, undefined);
    assert.equal(presence.decode(Uint8Array.of(8, 0)).maybe, 0);
  });

  it("exclude fields of the same oneof, the last one read wins", () => {
    const choice = table.message(
      table.oneOf("kind", { a: table.optional(table.int32(1)), b: table.nested(2, inner) }),
    );
    assert.deepEqual(choice.decode(Uint8Array.of(8, 5, 0x12, 0)), {
      a: undefined,
      b: { name: "", count: 0 },
    });
    assert.deepEqual(choice.decode(Uint8Array.of(0x12, 0, 8, 5)), { a: 5, b: undefined });
  });

  it("read a key of a map that is also a property of every object as what it is", () => {
    const bytes = shapes.encode({ labels: JSON.parse('{"__proto__": "p"}') as Record<string, string> });
    const { labels } = shapes.decode(bytes);
    assert.deepEqual(Object.getOwnPropertyDescriptor(labels, "__proto__")?.value, "p");
    assert.deepEqual(utf8("p"), utf8(Object.values(labels)[0] ?? ""));
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import protobuf from "protobufjs";
import * as table from "./protobuf.ts";
import { WireError } from "./wire.ts";

const inner = table.message({
  name: table.string(1),
  count: table.uint32(2),
  deeper: table.nested(3, table.message({ ids: table.repeated(table.id64(1)), on: table.bool(2) })),
});
const shapes = table.message({
  flag: table.bool(1),
  unsigned: table.uint32(3),
  long: table.int64(4),
  id: table.id64(5),
  signedId: table.signedId(6),
  text: table.string(7),
  raw: table.bytes(8),
  inner: table.nested(11, inner),
  many: table.repeated(table.nested(12, inner)),
  numbers: table.repeated(table.uint32(13)),
  texts: table.repeated(table.string(14)),
  ...table.oneOf("choice", { one: table.nested(15, inner), other: table.nested(2000, inner) }),
});
const { root } = protobuf.parse(`syntax = "proto3";
  message Deeper { repeated uint64 ids = 1; bool on = 2; }
  message Inner { string name = 1; uint32 count = 2; Deeper deeper = 3; }
  message Shapes {
    bool flag = 1; uint32 unsigned = 3; int64 long = 4; uint64 id = 5; int64 signedId = 6;
    string text = 7; bytes raw = 8; Inner inner = 11; repeated Inner many = 12;
    repeated uint32 numbers = 13; repeated string texts = 14; oneof choice { Inner one = 15; Inner other = 2000; }
  }`);
const twin = root.lookupType("Shapes");

const anyText = fc.string({ unit: "grapheme", maxLength: 40 });
const anyId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const perhaps = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const anyDeeper = record({ ids: fc.array(anyId, { maxLength: 3 }), on: fc.boolean() });
const anyInner = record({ name: anyText, count: fc.nat(), deeper: perhaps(anyDeeper) });
const anyShapes = record({
  flag: fc.boolean(),
  unsigned: fc.nat(),
  long: fc.maxSafeInteger(),
  id: anyId,
  signedId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text: anyText,
  raw: fc.uint8Array({ maxLength: 200 }),
  inner: perhaps(anyInner),
  many: fc.array(anyInner, { maxLength: 4 }),
  numbers: fc.array(fc.nat(), { maxLength: 60 }),
  texts: fc.array(anyText, { maxLength: 4 }),
  one: perhaps(anyInner),
  other: fc.constant(undefined),
});

/** The twin keeps 64-bit numbers as text. */
const forTwin = (value: object): Record<string, unknown> =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one)));
const encodeWithTwin = ({ raw, long, ...value }: { readonly raw: Uint8Array; readonly long: number }) =>
  twin.encode(twin.fromObject({ ...forTwin(value), raw, long: String(long) })).finish();
const plain = (value: { readonly raw: Uint8Array }) => ({ ...value, raw: Buffer.from(value.raw) });

describe("protobuf tables, compiled", () => {
  it("read what protobufjs writes, and write what it reads", () => {
    fc.assert(
      fc.property(anyShapes, (given) => {
        const theirs = encodeWithTwin(given);
        const ours = shapes.encode(given);
        assert.deepEqual(plain(shapes.decode(theirs)), plain(given as never));
        assert.deepEqual(plain(shapes.decode(ours)), plain(given as never));
        const asObject = (bytes: Uint8Array) =>
          twin.toObject(twin.decode(bytes), { longs: String, defaults: true });
        assert.deepEqual(asObject(ours), asObject(theirs));
      }),
    );
  });

  it("read a message that comes in pieces as protobufjs does: messages within go on, lists grow, the last number stands", () => {
    fc.assert(
      fc.property(fc.array(anyShapes, { minLength: 2, maxLength: 3 }), (pieces) => {
        const bytes = Buffer.concat(pieces.map((piece) => shapes.encode(piece)));
        const whole = twin.encode(twin.decode(bytes)).finish(); // each field once
        assert.deepEqual(plain(shapes.decode(bytes)), plain(shapes.decode(whole)));
      }),
    );
    const pieces = [
      { inner: { name: "n", deeper: { ids: [1n] } } },
      { inner: { count: 2, deeper: { ids: [2n] } } },
    ];
    assert.deepEqual(shapes.decode(Buffer.concat(pieces.map((piece) => shapes.encode(piece)))).inner, {
      name: "n",
      count: 2,
      deeper: { ids: [1n, 2n], on: false },
    });
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
    const value = { inner: { name: "n", count: 1, deeper: undefined }, texts: ["a", "b"] };
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
    assert.deepEqual(shapes.decode(bytes).inner, { name: "x", count: 0, deeper: undefined });
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
      maybe: table.optional(table.uint32(1)),
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
      table.oneOf("kind", { a: table.optional(table.uint32(1)), b: table.nested(2, inner) }),
    );
    assert.deepEqual(choice.decode(Uint8Array.of(8, 5, 0x12, 0)), {
      a: undefined,
      b: { name: "", count: 0, deeper: undefined },
    });
    assert.deepEqual(choice.decode(Uint8Array.of(0x12, 0, 8, 5)), { a: 5, b: undefined });
  });
});

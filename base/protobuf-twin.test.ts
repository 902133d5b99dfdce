import assert from "node:assert/strict";
import fc from "fast-check";
import { message, string } from "./protobuf.ts";
import { twinDecode, twinEncode } from "./testing/protobuf-twin.ts";
import { spoiled, tables, valuesOf } from "./testing/random-tables.ts";
import { WireError, WireReader, WireWriter } from "./wire.ts";

/** Views and Buffers are plain bytes to a test. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

/** What comes out, or how it is refused. */
function outcome(decode: () => unknown): unknown {
  try {
    return plain(decode());
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { refused: error.message, problem: error.problem };
  }
}

const withValues = tables(2).chain((table) => valuesOf(table).map((value) => ({ table, value })));
const numRuns = 200;

describe("protobuf tables, compiled, beside the interpreting twin", () => {
  it("are written as their tables say, field by field", () => {
    fc.assert(
      fc.property(withValues, ({ table, value }) => {
        assert.deepEqual([...table.encode(value)], twinEncode(table.fields, value));
      }),
      { numRuns },
    );
  });

  it("are read as their tables say, whole, spoiled or cut, and refused in the same words", () => {
    const given = withValues.chain(({ table, value }) =>
      spoiled(fc.constant(table.encode(value))).map((wire) => ({ table, wire })),
    );
    fc.assert(
      fc.property(given, ({ table, wire }) => {
        const within = Buffer.concat([Buffer.from([1, 2, 3]), wire, Buffer.from([0x08, 0xff, 1])]).subarray(
          3,
          -3,
        );
        assert.deepEqual(
          outcome(() => table.decode(within)),
          outcome(() => twinDecode(table.fields, wire)),
        );
      }),
      { numRuns },
    );
  });

  it("are read as another table says, too", () => {
    const given = fc
      .tuple(withValues, tables(2))
      .chain(([{ table, value }, other]) =>
        spoiled(fc.constant(table.encode(value))).map((wire) => ({ other, wire })),
      );
    fc.assert(
      fc.property(given, ({ other, wire }) => {
        assert.deepEqual(
          outcome(() => other.decode(wire)),
          outcome(() => twinDecode(other.fields, wire)),
        );
      }),
      { numRuns },
    );
  });

  it("keep text as it is, also with a byte order mark before it", () => {
    const table = message({ name: string(1) });
    assert.equal(table.decode(table.encode({ name: "\ufeffa" })).name, "\ufeffa");
  });

  it("lose what is beyond 64 bits, whatever they are read as", () => {
    const wire = Buffer.from([...Array<number>(9).fill(0x80), 0x7e]);
    const read = (how: (reader: WireReader) => unknown) => how(new WireReader(wire));
    assert.deepEqual(
      [
        read((r) => r.varint()),
        read((r) => r.varintLow()),
        read((r) => r.varintClamped()),
        read((r) => r.varintBig()),
      ],
      [0, 0, 0, 0n],
    );
  });

  it("take numbers to ±2^53, and refuse what is a bit beyond", () => {
    const read = (value: bigint) => new WireReader(new WireWriter().varintBig(value).finish()).varint();
    assert.equal(read(2n ** 53n - 1n), 2 ** 53 - 1);
    assert.equal(read(-(2n ** 53n)), -(2 ** 53));
    for (const value of [2n ** 53n, -(2n ** 53n) - 1n, 2n ** 63n, -(2n ** 63n)])
      assert.throws(() => read(value), /^WireError: 64-bit number beyond 2\^53$/);
  });

  it("are exact where they are asked to be: numbers as far as those tell neighbours apart, bigints beyond", () => {
    const any = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.maxSafeInteger().map(BigInt),
    );
    const read = (value: bigint) => new WireReader(new WireWriter().varintBig(value).finish()).varintExact();
    fc.assert(
      fc.property(any, (value) => {
        assert.equal(read(value), Number.isSafeInteger(Number(value)) ? Number(value) : value);
      }),
    );
    for (const value of [2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)])
      assert.equal(BigInt(read(value)), value);
  });
});

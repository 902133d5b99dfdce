import fc from "fast-check";
import {
  always,
  bool,
  bytes,
  clampedInt64,
  type Field,
  type Fields,
  id64,
  int64,
  type Message,
  message,
  nested,
  oneOf,
  openEnumeration,
  optional,
  repeated,
  signedId,
  string,
  uint32,
} from "../protobuf.ts";

/** Tables of every kind of field, and values and bytes for them. */

const names = { ZERO: 0, ONE: 1, TWO_HUNDRED: 200, MINUS: -3 } as const;
const scalars: readonly ((number: number) => Field<unknown>)[] = [
  bool,
  uint32,
  int64,
  clampedInt64,
  signedId,
  id64,
  string,
  bytes,
  (number) => openEnumeration(number, names),
];

type Shape = (field: Field<unknown>) => Field<unknown>;
const shapes: readonly Shape[] = [
  (field) => field,
  optional,
  always,
  (field) => repeated(field) as Field<unknown>,
  (field) => ({ ...repeated(field), packed: false }) as Field<unknown>,
];
const shapesOfMessages = shapes.filter((_, at) => at !== 1 && at !== 4);

const fieldNumbers = fc.constantFrom(1, 2, 3, 4, 15, 16, 17, 100, 1300, 2 ** 20, 2 ** 29 - 1);

export function tables(depth: number): fc.Arbitrary<Message<object>> {
  const scalar = fc.tuple(fc.constantFrom(...scalars), fc.constantFrom(...shapes)).map(
    ([make, shape]) =>
      (number: number) =>
        shape(make(number)),
  );
  const inner = fc
    .tuple(depth === 0 ? fc.constant(message({})) : tables(depth - 1), fc.constantFrom(...shapesOfMessages))
    .map(
      ([type, shape]) =>
        (number: number) =>
          shape(nested(number, type) as Field<unknown>),
    );
  const field = fc.oneof({ arbitrary: scalar, weight: 3 }, { arbitrary: inner, weight: 1 });
  return fc
    .tuple(
      fc.uniqueArray(fieldNumbers, { maxLength: 7 }),
      fc.array(field, { minLength: 7, maxLength: 7 }),
      fc.nat(3),
    )
    .map(([numbers, makers, rivals]) => {
      const rows = numbers.map((number, at): [string, Field<unknown>] => [
        `field${number}`,
        (makers[at] as (number: number) => Field<unknown>)(number),
      ]);
      const isRival = ([, row]: [string, Field<unknown>], at: number) =>
        row.shape === "single" && !row.always && at < rivals;
      const grouped: Fields = oneOf("group", Object.fromEntries(rows.filter(isRival)));
      return message({ ...Object.fromEntries(rows), ...grouped }) as Message<object>;
    });
}

const safeIntegers = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: 0, max: 300 }));

/** What may be encoded. */
export function valuesOf(table: Message<object>): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(table.fields).map(([name, row]) => {
    const one = valueFor(row);
    return [name, row.shape === "repeated" ? fc.array(one, { maxLength: 4 }) : one] as const;
  });
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

function valueFor({ json }: Field<unknown>): fc.Arbitrary<unknown> {
  switch (json.kind) {
    case "bool":
      return fc.boolean();
    case "uint32":
      return fc.nat({ max: 2 ** 32 - 1 });
    case "long": {
      if (json.as !== "exact") return safeIntegers;
      const any = json.signed
        ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
        : fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
      return fc.oneof(any, fc.bigInt({ min: 0n, max: 300n }));
    }
    case "enum":
      return fc.oneof(fc.constantFrom(...Object.keys(names)), fc.integer());
    case "string":
      return fc.oneof(
        fc.string({ unit: "binary", maxLength: 10 }),
        fc.string({ minLength: 120, maxLength: 140 }),
      );
    case "bytes":
      return fc.oneof(fc.uint8Array({ maxLength: 10 }), fc.uint8Array({ minLength: 120, maxLength: 140 }));
    case "message": {
      const type = json.type();
      return fc.oneof(
        valuesOf(type),
        valuesOf(type).map((value) => type.encode(value)),
      );
    }
  }
}

/** Bytes that were meant for a message and spoiled: cut, overwritten, with others in between, or none of it. */
export function spoiled(wire: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat(),
    removed: fc.nat({ max: 3 }),
    added: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc
        .array(fc.integer({ min: 128, max: 255 }), { maxLength: 12 })
        .map((high) => Uint8Array.from([...high, 1])),
    ),
  });
  return fc
    .tuple(wire, fc.array(change, { maxLength: 3 }), fc.nat({ max: 40 }))
    .map(([bytes, changes, cut]) => {
      const out = [...bytes];
      for (const { at, removed, added } of changes) out.splice(at % (out.length + 1), removed, ...added);
      return Uint8Array.from(cut < 10 ? out.slice(0, Math.max(0, out.length - cut)) : out);
    });
}

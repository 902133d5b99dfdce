import type { Field, Fields } from "./protobuf.ts";
import { varint64Bytes, varintBytes, writeVarint, writeVarint64 } from "./varint.ts";
import { text, WireError, type WireReader } from "./wire.ts";

/** A table as straight code: one switch over tags that ends in one object literal, and two walks to write, of which the first
 *  finds out how long everything is. The code's text is made of field names and numbers of our own tables alone, never of
 *  anything that comes in. */
export interface Compiled {
  readonly read: (reader: WireReader) => object;
  /** The same for a message that comes in pieces: goes on from what was read of it before, which is used up. */
  readonly readOn: (reader: WireReader, before: object) => object;
  /** The bytes `value` takes; notes in `lengths`, in the order in which `write` asks for them, those of nested messages and
   *  texts. */
  readonly size: (value: object, lengths: Lengths) => number;
  /** Writes `value` at `at`; answers where it ends. */
  readonly write: (buffer: Buffer, at: number, value: object, lengths: Lengths) => number;
}

export class Lengths {
  readonly list: number[] = [];
  next = 0;
}

/** What the code calls. */
const help = {
  text,
  openName: (byNumber: ReadonlyMap<number, string>, value: number) => byNumber.get(value) ?? value,
  knownName(byNumber: ReadonlyMap<number, string>, value: number) {
    const name = byNumber.get(value);
    if (name === undefined) throw new WireError(`unknown enum value ${value}`);
    return name;
  },
  varintBytes,
  varint64Bytes,
  writeVarint,
  writeVarint64,
  textBytes: (text: string) => Buffer.byteLength(text),
  signedBytes: (value: number) => (value < 0 ? 10 : varintBytes(value)),
  writeSigned: (buffer: Buffer, at: number, value: number) =>
    value < 0 ? writeVarint64(buffer, at, BigInt(value)) : writeVarint(buffer, at, value),
};

export function compile(fields: Fields): Compiled {
  const entries = Object.entries(fields);
  const rows = entries.map(([, row]) => row);
  const initials = rows.map((row) => row.initial());
  const inOrder = entries
    .map(([name, row], at) => ({ name, row, at }))
    .sort((a, b) => a.row.number - b.row.number);
  const bind = (body: string, ...parameters: string[]) =>
    new Function(
      "help",
      "rows",
      "initials",
      `"use strict";\nreturn (${parameters.join(", ")}) => {\n${body}};`,
    )(help, rows, initials);
  let readOn: Compiled["readOn"] | undefined; // rarely needed
  return {
    read: bind(readBody(entries, initialOf), "reader"),
    readOn(reader, before) {
      readOn ??= bind(readBody(entries, fieldBefore), "reader", "before") as Compiled["readOn"];
      return readOn(reader, before);
    },
    size: bind(sizeBody(inOrder), "value", "lengths"),
    write: bind(writeBody(inOrder), "buffer", "at", "value", "lengths"),
  };
}

// ---- reading ----------------------------------------------------------------------------------------------------------

type Begin = (name: string, at: number) => string;

const initialOf: Begin = (_, at) => `initials[${at}]`;
const fieldBefore: Begin = (name) => `before[${JSON.stringify(name)}]`;

function readBody(entries: readonly (readonly [string, Field<unknown>])[], begin: Begin): string {
  const names = entries.map(([name], at) => `${JSON.stringify(name)}: f${at}`);
  return [
    ...entries.map(([name], at) => `let f${at} = ${begin(name, at)};`),
    "while (reader.position < reader.end) {",
    "const tag = reader.varint();",
    "switch (tag) {",
    ...entries.flatMap(([, row], at) => readCases(entries, row, at)),
    "default: reader.skipField(tag);",
    "}",
    "}",
    `return { ${names.join(", ")} };`,
    "",
  ].join("\n");
}

function readCases(
  entries: readonly (readonly [string, Field<unknown>])[],
  row: Field<unknown>,
  at: number,
): string[] {
  const tag = row.number * 8 + row.wireType;
  switch (row.shape) {
    case "single": {
      const value = readValue(row, at, `f${at}`);
      const rivals =
        row.oneOf === undefined
          ? []
          : entries.flatMap(([, other], rival) =>
              rival !== at && other.oneOf === row.oneOf ? [`f${rival} = initials[${rival}];`] : [],
            );
      return [`case ${tag}: f${at} = ${value}; ${rivals.join(" ")} break;`];
    }
    case "repeated": {
      // A list of one is made as long as it is; what is pushed to an empty one makes room for many.
      const value = readValue(row, at, "undefined");
      const push = `{ const x = ${value}; if (f${at} === initials[${at}]) f${at} = [x]; else f${at}.push(x); }`;
      const one = `case ${tag}: ${push} break;`;
      const packed = `case ${row.number * 8 + 2}: { const end = reader.enter(); while (reader.position < reader.end) ${push} reader.leave(end); break; }`;
      return row.wireType === 2 ? [one] : [one, packed];
    }
  }
}

/** @param before What came earlier of the same field: a message that comes in pieces goes on from it. */
function readValue({ json }: Field<unknown>, at: number, before: string): string {
  switch (json.kind) {
    case "bool":
      return "reader.varintBool()";
    case "uint32":
      return "reader.varintLow()";
    case "long":
      if (json.as === "exact") return json.signed ? "reader.varintBigSigned()" : "reader.varintBig()";
      return json.as === "safe" ? "reader.varint()" : "reader.varintClamped()";
    case "string":
      return "help.text(reader.bytes())";
    case "bytes":
      return "reader.bytes()";
    case "enum":
      return `help.${json.isOpen ? "openName" : "knownName"}(rows[${at}].json.byNumber, reader.varintLow() | 0)`;
    case "message":
      return `rows[${at}].json.type().readNested(reader, ${before})`;
  }
}

// ---- writing ----------------------------------------------------------------------------------------------------------

interface Place {
  readonly name: string;
  readonly row: Field<unknown>;
  readonly at: number;
}

function sizeBody(inOrder: readonly Place[]): string {
  const steps = inOrder.map((place) => {
    const { row, at } = place;
    const tag = tagBytes(row.number);
    if (row.shape === "single") return ifWritten(place, `n += ${tag}; ${sizeValue(row, at)}`);
    const each = row.packed
      ? `n += ${tag}; const all = lengths.list.push(0) - 1; const before = n; for (const x of list) { ${sizeValue(row, at)} } const size = n - before; lengths.list[all] = size; n += help.varintBytes(size);`
      : `for (const x of list) { n += ${tag}; ${sizeValue(row, at)} }`;
    return ifWritten(place, `const list = x; ${each}`);
  });
  return ["let n = 0;", ...steps, "return n;", ""].join("\n");
}

function writeBody(inOrder: readonly Place[]): string {
  const steps = inOrder.map((place) => {
    const { row, at } = place;
    const tag = writeTag(row.number, row.wireType);
    if (row.shape === "single") return ifWritten(place, `${tag} ${writeValue(row, at)}`);
    const each = row.packed
      ? `${writeTag(row.number, 2)} at = help.writeVarint(buffer, at, lengths.list[lengths.next++]); for (const x of list) { ${writeValue(row, at)} }`
      : `for (const x of list) { ${tag} ${writeValue(row, at)} }`;
    return ifWritten(place, `const list = x; ${each}`);
  });
  return [...steps, "return at;", ""].join("\n");
}

/** `what` for a field that is written, with its value in `x`. */
function ifWritten({ name, row, at }: Place, what: string): string {
  const property = `value[${JSON.stringify(name)}]`;
  if (row.always) return `{ const x = ${property} ?? initials[${at}]; ${what} }`;
  return `{ const x = ${property}; if (x !== undefined && x !== null && ${isWritten(row, at)}) { ${what} } }`;
}

function isWritten(row: Field<unknown>, at: number): string {
  if (row.explicit) return "true";
  if (row.shape === "repeated") return "x.length !== 0";
  switch (row.json.kind) {
    case "bool":
      return "x !== false";
    case "uint32":
      return "x !== 0";
    case "long":
      return row.json.as === "exact" ? "x !== 0n" : "x !== 0";
    case "bytes":
      return "x.length !== 0";
    case "string":
      return 'x !== ""';
    case "enum":
      return `x !== initials[${at}]`;
    case "message":
      return "true";
  }
}

/** Adds to `n` what `x` takes after its tag. */
function sizeValue({ json }: Field<unknown>, at: number): string {
  switch (json.kind) {
    case "bool":
      return "n += 1;";
    case "uint32":
      return "n += help.varintBytes(x);";
    case "long":
      return json.as === "exact" ? "n += help.varint64Bytes(x);" : "n += help.signedBytes(x);";
    case "enum":
      return `n += help.signedBytes(${enumNumber(at)});`;
    case "bytes":
      return "n += help.varintBytes(x.length) + x.length;";
    case "string":
      return "{ const size = help.textBytes(x); lengths.list.push(size); n += help.varintBytes(size) + size; }";
    case "message":
      return `{ let size; if (x instanceof Uint8Array) size = x.length; else { const mine = lengths.list.push(0) - 1; size = rows[${at}].json.type().size(x ?? {}, lengths); lengths.list[mine] = size; } n += help.varintBytes(size) + size; }`;
  }
}

function writeValue({ json }: Field<unknown>, at: number): string {
  switch (json.kind) {
    case "bool":
      return "buffer[at++] = x ? 1 : 0;";
    case "uint32":
      return "at = help.writeVarint(buffer, at, x);";
    case "long":
      return json.as === "exact"
        ? "at = help.writeVarint64(buffer, at, x);"
        : "at = help.writeSigned(buffer, at, x);";
    case "enum":
      return `at = help.writeSigned(buffer, at, ${enumNumber(at)});`;
    case "bytes":
      return "at = help.writeVarint(buffer, at, x.length); buffer.set(x, at); at += x.length;";
    case "string":
      return "{ const size = lengths.list[lengths.next++]; at = help.writeVarint(buffer, at, size); at += buffer.utf8Write(x, at, size); }";
    case "message":
      return `if (x instanceof Uint8Array) { at = help.writeVarint(buffer, at, x.length); buffer.set(x, at); at += x.length; } else { at = help.writeVarint(buffer, at, lengths.list[lengths.next++]); at = rows[${at}].json.type().write(buffer, at, x ?? {}, lengths); }`;
  }
}

const enumNumber = (at: number) => `(typeof x === "number" ? x : rows[${at}].json.names[x])`;

function tagBytes(number: number): number {
  return varintBytes(number * 8);
}

/** A tag's bytes are known beforehand. */
function writeTag(number: number, wireType: number): string {
  const bytes = new Uint8Array(5);
  const end = writeVarint(bytes, 0, number * 8 + wireType);
  return [...bytes.subarray(0, end)].map((byte) => `buffer[at++] = ${byte};`).join(" ");
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Header, headerCost } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { KnownBlocks } from "./known-blocks.ts";
import { staticTable } from "./static-table.ts";

const options = { listBytesMost: 10_000 };
const timeout = "grpc-timeout";
const header = (name: string, value: string): Header => ({ name, value });
const call = [
  header(":method", "POST"),
  header(":path", "/a/b"),
  header("te", "trailers"),
  header("x-odd", "1"),
];

type Way = "indexed" | "kept" | "plain";

/** Writes blocks as any client might: each header by its index, into the table, or past it. */
class Writer {
  readonly #table: Header[] = [];
  #most = 4096;

  resize(bytes: number): Buffer {
    this.#most = bytes;
    this.#evict(0);
    return integer(0x20, 5, bytes);
  }

  write({ name, value }: Header, way: Way): Buffer {
    const all = [...staticTable, ...this.#table];
    const index = all.findIndex((one) => one.name === name && one.value === value) + 1;
    if (way === "indexed" && index > 0) return integer(0x80, 7, index);
    const isKept = way !== "plain";
    const text = (said: string) => Buffer.concat([integer(0, 7, said.length), Buffer.from(said, "latin1")]);
    if (isKept) this.#keep({ name, value });
    return Buffer.concat([Buffer.from([isKept ? 0x40 : 0]), text(name), text(value)]);
  }

  #keep(one: Header): void {
    this.#evict(headerCost(one));
    if (headerCost(one) <= this.#most) this.#table.unshift(one);
  }

  #evict(room: number): void {
    const bytes = () => this.#table.reduce((sum, one) => sum + headerCost(one), room);
    while (this.#table.length > 0 && bytes() > this.#most) this.#table.pop();
  }
}

function integer(flags: number, prefixBits: number, value: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([flags | value]);
  const rest: number[] = [];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) rest.push((left % 128) | 0x80);
  return Buffer.from([flags | most, ...rest, left]);
}

const reader = (apart?: string) => new KnownBlocks<string>(new HeaderDecoder(options), { apart });
const read = (blocks: KnownBlocks<string>, block: Buffer) => {
  // Somewhere within what came together, as from a connection.
  const came = Buffer.concat([Buffer.from("before"), block, Buffer.from("behind")]);
  const list = blocks.read(came, 6, 6 + block.length);
  assert.ok(list !== "tooLarge");
  return list;
};

describe("header blocks that are known", () => {
  it("say what they say without being known, whatever came before", () => {
    const one = fc.record({
      name: fc.constantFrom(":method", timeout, "x-a", "x-b"),
      value: fc.constantFrom("1", "2", "v".repeat(100), "w".repeat(300)),
      way: fc.constantFrom<Way>("indexed", "indexed", "indexed", "kept", "plain"),
    });
    const block = fc.record({
      headers: fc.array(one, { maxLength: 4 }),
      size: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.constantFrom(0, 100, 400, 4096)),
    });
    // Few different blocks, so that many come again.
    const blocks = fc
      .array(block, { minLength: 3, maxLength: 6 })
      .chain((few) => fc.array(fc.constantFrom(...few), { minLength: 20, maxLength: 40 }));
    let again = 0;
    fc.assert(
      fc.property(blocks, (sequence) => {
        const writer = new Writer();
        const known = reader();
        const apart = reader(timeout);
        const decoder = new HeaderDecoder(options);
        for (const { headers, size } of sequence) {
          const resized = size === null ? [] : [writer.resize(size)];
          const bytes = Buffer.concat([...resized, ...headers.map((one) => writer.write(one, one.way))]);
          const said = headers.map(({ name, value }) => header(name, value));
          assert.deepEqual(decoder.decode(bytes), said);
          const list = read(known, bytes);
          assert.deepEqual(list.headers, said);
          if (list.found !== undefined) again += 1;
          list.found = "read before";
          const without = read(apart, bytes).headers;
          const first = said.find(({ name }) => name === timeout);
          if (apart.apart === undefined) assert.deepEqual(without, said);
          else {
            assert.equal(apart.apart, first?.value);
            assert.deepEqual(
              without,
              said.filter((one) => one !== first),
            );
          }
        }
      }),
      { numRuns: 300 },
    );
    assert.ok(again > 100, "blocks were known");
  });

  it("are read again where they say how large the table is", () => {
    const known = reader();
    const writer = new Writer();
    const [some, other] = [header("x-some", "1"), header("x-other", "2")];
    for (const bytes of [4096, 50, 4096])
      read(known, Buffer.concat([writer.resize(bytes), writer.write(header("x-size", `${bytes}`), "plain")]));
    for (const one of [some, other]) read(known, writer.write(one, "kept"));
    assert.deepEqual(read(known, writer.write(some, "indexed")).headers, [some]);
  });

  it("are one list, by their bytes, by an index that moved, and without any table", () => {
    const writer = new Writer();
    const known = reader();
    const block = (way: Way) => Buffer.concat(call.map((one) => writer.write(one, way)));
    const list = read(known, block("kept"));
    const indexed = block("indexed");
    for (const bytes of [indexed, indexed, block("plain"), headerBlock(call)])
      assert.equal(read(known, bytes), list);
    read(known, Buffer.concat([...call, header("x-new", "1")].map((one) => writer.write(one, "kept"))));
    const moved = block("indexed");
    assert.ok(!moved.equals(indexed));
    assert.equal(read(known, moved), list);
  });

  it("are one list whatever the header says that is kept apart", () => {
    const known = reader(timeout);
    const writer = new Writer();
    const lists = ["1S", "2S", "2S", "3S"].map((value) => {
      const list = read(
        known,
        Buffer.concat([...call, header(timeout, value)].map((one) => writer.write(one, "indexed"))),
      );
      assert.equal(known.apart, value);
      return list;
    });
    assert.equal(new Set(lists).size, 1);
    assert.deepEqual(lists[0]?.headers, call);
    assert.equal(read(known, Buffer.concat(call.map((one) => writer.write(one, "indexed")))), lists[0]);
    assert.equal(known.apart, undefined);
  });

  it("keep what is out of its place in the list, for whoever checks that", () => {
    const known = reader(timeout);
    const headers = [header(timeout, "1S"), header(timeout, "2S"), ...call];
    assert.deepEqual(read(known, headerBlock(headers)).headers, headers);
    assert.equal(known.apart, undefined);
  });

  it("keep what comes twice but for the first in the list, for whoever checks its value", () => {
    const known = reader(timeout);
    const twice = [...call, header(timeout, "1S"), header(timeout, "\0")];
    assert.deepEqual(read(known, headerBlock(twice)).headers, [...call, header(timeout, "\0")]);
    assert.equal(known.apart, "1S");
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Header } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { type Block, CommonBlock, HeaderEncoder } from "./header-encoder.ts";

const ok = { name: ":status", value: "200" };
const header = (name: string, value: string): Header => ({ name, value });
const said = (block: Block, decoder: HeaderDecoder, bytes: Buffer) => {
  const headers = decoder.decode(bytes);
  if (block instanceof CommonBlock) assert.deepEqual(headers, block.headers);
  return headers;
};

describe("header blocks that are said often", () => {
  it("are a byte a header from the second time on", () => {
    const begin = new CommonBlock([ok, header("content-type", "application/grpc"), header("x-own", "1")]);
    const end = new CommonBlock([header("grpc-status", "0")]);
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder({ listBytesMost: 10_000 });
    const lengths = [begin, end, begin, end, begin, end].map((block) => {
      const bytes = encoder.bytes(block);
      said(block, decoder, bytes);
      return bytes.length;
    });
    assert.deepEqual(lengths.slice(2), [3, 1, 3, 1]);
    assert.equal(encoder.bytes(begin), encoder.bytes(begin));
  });

  it("are read as they were meant, in any order, and whatever tables the peer keeps", () => {
    const name = fc.constantFrom("x-a", "content-type", ":status");
    const value = fc.constantFrom("", "200", "1", "v".repeat(90), "w".repeat(1_500), "x".repeat(5_000));
    const headers = fc.array(fc.record({ name, value }, { noNullPrototype: true }), { maxLength: 4 });
    const blocks = fc
      .array(headers, { minLength: 2, maxLength: 6 })
      .map((lists) => lists.map((list, at) => (at === 0 ? headerBlock(list) : new CommonBlock(list))));
    const step = (made: readonly Block[]) =>
      fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...made) }, fc.constantFrom(0, 60, 150, 4_096, 9_000));
    const steps = blocks.chain((made) => fc.array(step(made), { minLength: 10, maxLength: 30 }));
    fc.assert(
      fc.property(steps, (sequence) => {
        const encoder = new HeaderEncoder();
        const decoder = new HeaderDecoder({ listBytesMost: 100_000 });
        let allowed = 4_096;
        let update: number | undefined;
        for (const one of sequence) {
          if (typeof one === "number") {
            encoder.resize(one);
            if (one < allowed) update = one;
            allowed = Math.min(allowed, one);
            continue;
          }
          const bytes = encoder.bytes(one);
          // A smaller table is agreed to where the next block begins.
          const [first = 0] = bytes;
          assert.equal((first & 0xe0) === 0x20, update !== undefined);
          update = undefined;
          said(one, decoder, bytes);
        }
      }),
      { numRuns: 300 },
    );
  });
});

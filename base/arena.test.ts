import assert from "node:assert/strict";
import fc from "fast-check";
import { Arena, slabMask, unitBytes } from "./arena.ts";

interface Block {
  readonly address: number;
  readonly units: number;
  readonly fill: number;
}

function bytesOf(arena: Arena, { address, units }: Pick<Block, "address" | "units">): Uint8Array {
  const start = (address & slabMask) * unitBytes;
  return arena.slabOf(address).bytes.subarray(start, start + units * unitBytes);
}

const units = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 4, arbitrary: fc.integer({ min: 41, max: 9_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 140_000 }) },
);

describe("base/arena", () => {
  it("keeps blocks of any sizes apart, while others are freed and taken anew", () => {
    const step = fc.oneof(fc.record({ take: units }), fc.record({ free: fc.nat() }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const arena = new Arena();
        const blocks: Block[] = [];
        for (const [at, one] of steps.entries()) {
          if ("take" in one) {
            const block = { address: arena.allocate(one.take), units: one.take, fill: at % 251 };
            assert.ok(block.address > 0);
            bytesOf(arena, block).fill(block.fill);
            blocks.push(block);
          } else {
            const [block] = blocks.splice(one.free % Math.max(1, blocks.length), 1);
            if (block === undefined) continue;
            assert.ok(bytesOf(arena, block).every((byte) => byte === block.fill));
            arena.free(block.address, block.units);
          }
        }
        for (const block of blocks) assert.ok(bytesOf(arena, block).every((byte) => byte === block.fill));
      }),
      { numRuns: 50 },
    );
  });

  it("takes no more memory for blocks that come and go, of one size after the other", () => {
    const arena = new Arena();
    let first = 0;
    for (let size = 2; size < 60; size++) {
      const addresses = Array.from({ length: 400_000 / size }, () => arena.allocate(size));
      if (first === 0) first = arena.sizeBytes;
      for (const address of addresses) arena.free(address, size);
    }
    assert.ok(arena.sizeBytes <= first + 2 ** 20, `${arena.sizeBytes} bytes after ${first}`);
  });
});

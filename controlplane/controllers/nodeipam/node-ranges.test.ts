import assert from "node:assert/strict";
import fc from "fast-check";
import { type IpRange, parseIpRange, rangesOverlap } from "../../../base/ip-range.ts";
import { NodeRanges } from "./node-ranges.ts";

const range = (text: string): IpRange => {
  const parsed = parseIpRange(text);
  assert.ok(parsed, text);
  return parsed;
};
const cluster = (text: string, maskSize: number) => ({ range: range(text), maskSize });
const give = (ranges: NodeRanges, node: string) => {
  const given = ranges.give(node);
  return given.ok ? given.ranges.join() : undefined;
};

describe("which node has which range", () => {
  it("gives each the next, of each family, and the same again to who has one", () => {
    const ranges = new NodeRanges([cluster("10.244.0.0/16", 24), cluster("fd00:10:244::/56", 64)], []);
    assert.equal(give(ranges, "a"), "10.244.0.0/24,fd00:10:244::/64");
    assert.equal(give(ranges, "b"), "10.244.1.0/24,fd00:10:244:1::/64");
    assert.equal(give(ranges, "a"), "10.244.0.0/24,fd00:10:244::/64");
    ranges.forget("a");
    assert.equal(give(ranges, "c"), "10.244.2.0/24,fd00:10:244:2::/64");
  });

  it("goes round, and holds nothing where one family has nothing left", () => {
    const ranges = new NodeRanges([cluster("10.0.0.0/24", 26), cluster("fd00::/63", 64)], []);
    for (const name of ["a", "b"]) assert.ok(give(ranges, name));
    const none = ranges.give("c");
    assert.ok(!none.ok);
    assert.equal(none.exhausted.range.family, 6);
    assert.deepEqual(
      ranges.sets.map(({ used }) => used),
      [2, 2],
    );
    ranges.forget("a");
    assert.equal(give(ranges, "c"), "10.0.0.192/26,fd00::/64");
  });

  it("keeps clear of what nodes show and of services, whatever size that is", () => {
    const ranges = new NodeRanges([cluster("10.0.0.0/22", 24)], [range("10.0.1.128/25")]);
    assert.deepEqual(ranges.show("old", ["10.0.2.0/23"]), []);
    assert.deepEqual(ranges.show("foreign", ["192.168.0.0/24", "fd00::/64"]), [
      "192.168.0.0/24",
      "fd00::/64",
    ]);
    assert.equal(give(ranges, "a"), "10.0.0.0/24");
    assert.equal(give(ranges, "b"), undefined);
    ranges.show("old", ["10.0.3.0/24"]);
    assert.equal(give(ranges, "b"), "10.0.2.0/24");
    // Two that show the same: it is free once both are gone.
    ranges.show("twin", ["10.0.2.0/24"]);
    ranges.forget("b");
    assert.equal(give(ranges, "c"), undefined);
    ranges.forget("twin");
    assert.equal(give(ranges, "c"), "10.0.2.0/24");
  });

  it("holds what a node shows in whatever order the families stand there", () => {
    const ranges = new NodeRanges([cluster("fd00::/63", 64), cluster("10.0.0.0/23", 24)], []);
    assert.deepEqual(ranges.show("old", ["10.0.0.0/24", "fd00::/64"]), []);
    assert.equal(give(ranges, "new"), "fd00:0:0:1::/64,10.0.1.0/24");
    ranges.forget("old");
    assert.equal(give(ranges, "newer"), "fd00::/64,10.0.0.0/24");
  });

  it("gives 5,000 nodes ranges of their own, looking at each once", () => {
    const ranges = new NodeRanges([cluster("10.0.0.0/8", 24)], []);
    const seen = new Set<string>();
    for (let node = 0; node < 5000; node++) seen.add(give(ranges, `n${node}`) ?? "");
    assert.equal(seen.size, 5000);
    assert.ok(seen.has("10.19.135.0/24"));
  });

  type Step = readonly ["give" | "forget", number] | readonly ["show", number, number, number];
  const steps: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(fc.constantFrom("give" as const, "forget" as const), fc.nat(11)),
    fc.tuple(fc.constant("show" as const), fc.nat(11), fc.nat(15), fc.constantFrom(26, 28, 29)),
  );

  it("in any life of a cluster of both families never lets two nodes have one range", () => {
    const v4 = fc.nat(3).map((block) => `10.0.${block}.0/24`);
    const v6 = fc.nat(3).map((block) => `fd00:0:0:${block}::/64`);
    const shown = fc.oneof(fc.tuple(v4, v6), fc.tuple(v6, v4), fc.tuple(v4), fc.tuple(v6));
    const step = fc.tuple(fc.nat(5), fc.option(shown, { nil: undefined }), fc.boolean());
    const families = fc.constantFrom([0, 1], [1, 0]);
    fc.assert(
      fc.property(families, fc.array(step, { maxLength: 40 }), (order, life) => {
        const both = [cluster("10.0.0.0/22", 24), cluster("fd00::/62", 64)];
        const ranges = new NodeRanges(
          order.flatMap((at) => both[at] ?? []),
          [],
        );
        const held = new Map<string, readonly string[]>();
        for (const [index, own, goes] of life) {
          const node = `n${index}`;
          if (goes) {
            ranges.forget(node);
            held.delete(node);
            continue;
          }
          if (own !== undefined) {
            ranges.show(node, own);
            held.set(node, own);
            continue;
          }
          if (held.has(node)) continue;
          const given = ranges.give(node);
          if (!given.ok) continue;
          const others = [...held.values()].flat().map(range);
          for (const text of given.ranges)
            assert.ok(!others.some((one) => rangesOverlap(one, range(text))), text);
          held.set(node, given.ranges);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("in any life gives nobody what another holds, and is not exhausted while there is room", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (life) => {
        const ranges = new NodeRanges([cluster("10.0.0.0/24", 28)], [range("10.0.0.32/28")]);
        /** The model: what each holds. */
        const held = new Map<string, IpRange>();
        const reserved = range("10.0.0.32/28");
        for (const [what, index, block, bits] of life) {
          const node = `n${index}`;
          if (what === "forget") {
            ranges.forget(node);
            held.delete(node);
          } else if (what === "show") {
            const text = `10.0.0.${(block ?? 0) * 16}/${bits}`;
            ranges.show(node, [text]);
            held.set(node, range(text));
          } else {
            const given = give(ranges, node);
            const others = [...held].filter(([name]) => name !== node).map(([, one]) => one);
            const before = held.get(node);
            if (before !== undefined) continue;
            const blocks = Array.from({ length: 16 }, (_, at) => range(`10.0.0.${at * 16}/28`));
            const free = blocks.filter(
              (one) => ![...others, reserved].some((taken) => rangesOverlap(one, taken)),
            );
            assert.equal(given === undefined, free.length === 0);
            if (given === undefined) continue;
            assert.ok(
              free.some((one) => one.first === range(given).first),
              `${given} is taken`,
            );
            held.set(node, range(given));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

import { strict as assert } from "node:assert";
import fc from "fast-check";
import { anyMachine, machine } from "./testing/machines.ts";
import { bitCount, cpuHints, type Hint, mergeHints, numaPlaces } from "./topology-hints.ts";

const none: ReadonlySet<number> = new Set();

describe("hints of where CPUs are near to each other", () => {
  const topology = machine({ sockets: 2, coresPerNuma: 2, threads: 2 });
  const all = new Set(topology.map(({ id }) => id));

  it("prefer as few NUMA nodes as would do on an empty machine", () => {
    const hints = (available: ReadonlySet<number>, count: number, kept = none) =>
      cpuHints(topology, { available, kept, count }).map(({ nodes, preferred }) => [nodes, preferred]);
    assert.deepEqual(hints(all, 2), [
      [1, true],
      [2, true],
      [3, false],
    ]);
    assert.deepEqual(hints(all, 5), [[3, true]]);
    assert.deepEqual(hints(new Set([0, 2]), 2), [[3, false]]);
    assert.deepEqual(hints(new Set([0]), 2), []);
    assert.deepEqual(hints(new Set([0]), 2, new Set([1])), [
      [1, true],
      [3, false],
    ]);
  });

  it("are of sets that have enough, and no set that has is left out", () => {
    const worlds = anyMachine.chain((one) =>
      fc.tuple(
        fc.constant(one),
        fc.subarray(one.map(({ id }) => id)),
        fc.integer({ min: 1, max: one.length }),
      ),
    );
    fc.assert(
      fc.property(worlds, ([one, free, count]) => {
        const places = numaPlaces(one);
        const able = (mask: number, ids: readonly number[]) =>
          one.filter(({ id, numa }) => ids.includes(id) && (mask >> Number(places.get(numa))) & 1).length >=
          count;
        const hints = new Map(
          cpuHints(one, { available: new Set(free), kept: none, count }).map((hint) => [hint.nodes, hint]),
        );
        const ids = one.map(({ id }) => id);
        for (let mask = 1; mask < 2 ** places.size; mask++) {
          assert.equal(hints.has(mask), able(mask, free));
          const smaller = Array.from({ length: 2 ** places.size }, (_, other) => other).some(
            (other) => bitCount(other) < bitCount(mask) && able(other, ids),
          );
          if (hints.has(mask)) assert.equal(hints.get(mask)?.preferred, !smaller);
        }
      }),
      { seed: 2, numRuns: 200 },
    );
  });
});

describe("hints are merged", () => {
  const hint = (nodes: number | undefined, preferred = true): Hint => ({ nodes, preferred });

  for (const [what, policy, lists, nodes, admit] of [
    ["to what they have in common", "best-effort", [[hint(1), hint(2)], [hint(2)]], 2, true],
    ["to the narrowest, and of equals the lowest", "restricted", [[hint(2), hint(1), hint(3)]], 1, true],
    [
      "to what nobody prefers where nothing else is left",
      "best-effort",
      [[hint(3, false)], [hint(1)]],
      1,
      true,
    ],
    ["which restricted does not admit", "restricted", [[hint(3, false)], [hint(1)]], 1, false],
    ["to all where there is none", "best-effort", [[]], 3, true],
    ["to none where restricted has none", "restricted", [[]], 3, false],
    ["to a single node", "single-numa-node", [[hint(3), hint(2)]], 2, true],
    [
      "to no single node where one is not preferred",
      "single-numa-node",
      [[hint(3), hint(2, false)]],
      undefined,
      false,
    ],
    ["to anything where nobody cares", "single-numa-node", [[hint(undefined)]], undefined, true],
  ] as const)
    it(what, () => {
      const merged = mergeHints(policy, 3, lists);
      assert.deepEqual([merged.hint.nodes, merged.admit], [nodes, admit]);
    });

  it("where nobody's preference is met, to as many nodes as the neediest could do with, else the most below", () => {
    const merged = (...lists: (readonly number[])[]) =>
      mergeHints(
        "best-effort",
        15,
        lists.map((list) => list.map((nodes) => hint(nodes))),
      ).hint.nodes;
    assert.equal(merged([0b0011, 0b0110], [0b1100, 0b1110]), 0b0110);
    assert.equal(merged([0b0111], [0b0011, 0b0100]), 0b0011);
    assert.equal(merged([0b0111], [0b0100, 0b0011]), 0b0011);
    assert.equal(merged([0b1111], [0b0111, 0b0001]), 0b0111);
    const unloved = [0b0011, 0b1100, 0b1111].map((nodes) => hint(nodes, false));
    assert.equal(mergeHints("best-effort", 15, [unloved]).hint.nodes, 0b0011);
  });

  it("to one that is preferred wherever all can be given what they prefer from the same nodes", () => {
    const list = fc.array(fc.record({ nodes: fc.integer({ min: 1, max: 7 }), preferred: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 3 }), (lists) => {
        const agreed = [1, 2, 3, 4, 5, 6, 7]
          .filter((mask) =>
            lists.every((one) => one.some(({ nodes, preferred }) => preferred && nodes === mask)),
          )
          .sort((a, b) => bitCount(a) - bitCount(b) || a - b);
        const { hint: merged, admit } = mergeHints("restricted", 7, lists);
        assert.equal(admit, agreed.length > 0);
        if (agreed.length > 0) assert.equal(merged.nodes, agreed[0]);
        assert.equal(mergeHints("best-effort", 7, lists).admit, true);
        const single = mergeHints("single-numa-node", 7, lists);
        const one = agreed.find((mask) => bitCount(mask) === 1);
        assert.deepEqual(
          [single.admit, single.hint.nodes],
          one === undefined ? [false, undefined] : [true, one],
        );
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

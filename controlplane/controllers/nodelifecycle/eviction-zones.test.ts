import assert from "node:assert/strict";
import fc from "fast-check";
import { EvictionZones, zoneOf } from "./eviction-zones.ts";

const rates = { primaryPerSecond: 0.1, secondaryPerSecond: 0.01, unhealthyShare: 0.55, largeZoneNodes: 50 };

/** A zone of `size` nodes `z-0` …, of which the last `lost` are not ready. */
function zones(...sizes: readonly { readonly zone: string; readonly size: number; readonly lost: number }[]) {
  const made = new EvictionZones(rates);
  for (const { zone, size, lost } of sizes)
    for (let at = 0; at < size; at++)
      made.note({ name: `${zone}-${at}`, zone, ready: at < size - lost, excluded: false }, 0);
  return made;
}

describe("controlplane/controllers/nodelifecycle/eviction-zones", () => {
  it("gives up one node every ten seconds in a zone that is mostly well", () => {
    const made = zones({ zone: "a", size: 3, lost: 2 });
    assert.equal(made.stateOf("a"), "normal");
    assert.deepEqual(made.ask("a-2", 0), { granted: true });
    assert.deepEqual(made.ask("a-1", 4_000), { granted: false, waitMs: 6_000 });
    assert.deepEqual(made.ask("a-2", 4_000), { granted: true }, "a node given up needs no second token");
    assert.deepEqual(made.ask("a-1", 10_000), { granted: true });
  });

  it("stops in a small zone of which 55 % are lost", () => {
    const made = zones({ zone: "a", size: 10, lost: 6 }, { zone: "b", size: 1, lost: 0 });
    assert.equal(made.stateOf("a"), "partial");
    assert.deepEqual(made.ask("a-9", 1e9), { granted: false });
  });

  it("slows down to the secondary rate in a large zone of which 55 % are lost", () => {
    const made = zones({ zone: "a", size: 60, lost: 40 });
    assert.equal(made.stateOf("a"), "partial");
    const first = [...Array(40).keys()].find((at) => made.ask(`a-${20 + at}`, 1_000_000).granted);
    assert.notEqual(first, undefined);
    assert.deepEqual(made.ask("a-59", 1_000_000), { granted: false, waitMs: 100_000 });
  });

  it("evicts nothing while no node of any zone is ready, and a lost zone while another is alive", () => {
    const made = zones({ zone: "a", size: 2, lost: 2 }, { zone: "b", size: 1, lost: 1 });
    assert.equal(made.disrupted, true);
    assert.deepEqual(made.ask("a-0", 1e9), { granted: false });
    assert.equal(made.note({ name: "b-0", zone: "b", ready: true, excluded: false }, 1e9), true);
    assert.equal(made.disrupted, false);
    assert.deepEqual(made.ask("a-0", 1e9 + 10_000), { granted: true });
  });

  it("leaves nodes out that are excluded from disruption checks", () => {
    const made = zones({ zone: "a", size: 3, lost: 0 });
    for (let at = 0; at < 9; at++) made.note({ name: `x-${at}`, zone: "a", ready: false, excluded: true }, 0);
    assert.equal(made.stateOf("a"), "normal");
    assert.deepEqual(made.ask("x-0", 0), { granted: true });
    made.note({ name: "only", zone: "b", ready: false, excluded: true }, 0);
    assert.deepEqual(made.ask("only", 0), { granted: true });
    for (let at = 0; at < 3; at++)
      made.note({ name: `a-${at}`, zone: "a", ready: false, excluded: false }, 0);
    assert.equal(made.disrupted, true, "a zone of excluded nodes only does not count");
  });

  it("asks again for a node that was ready in between, and counts a node that moved or left once", () => {
    const made = zones({ zone: "a", size: 4, lost: 1 });
    assert.deepEqual(made.ask("a-3", 0), { granted: true });
    made.note({ name: "a-3", zone: "a", ready: true, excluded: false }, 1);
    made.note({ name: "a-3", zone: "a", ready: false, excluded: false }, 2);
    assert.deepEqual(made.ask("a-3", 2), { granted: false, waitMs: 9_998 });
    made.note({ name: "a-3", zone: "b", ready: false, excluded: false }, 3);
    assert.equal(made.stateOf("b"), "full");
    made.forget("a-3", 4);
    assert.equal(made.stateOf("b"), undefined);
  });

  it("never grants more than the primary rate allows, whatever happens to the nodes", () => {
    const event = fc.record({
      node: fc.integer({ min: 0, max: 11 }),
      zone: fc.constant("a"),
      ready: fc.boolean(),
      stepMs: fc.integer({ min: 0, max: 8_000 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const made = new EvictionZones(rates);
        let nowMs = 0;
        let lastMs = Number.NEGATIVE_INFINITY;
        const given = new Set<string>();
        for (const { node, zone, ready, stepMs } of events) {
          nowMs += stepMs;
          const name = `n-${node}`;
          made.note({ name, zone, ready, excluded: false }, nowMs);
          if (ready) given.delete(name);
          const { granted } = made.ask(name, nowMs);
          assert.ok(!granted || !ready);
          if (!granted || given.has(name)) continue;
          given.add(name);
          assert.ok(nowMs - lastMs >= 10_000, `granted after ${nowMs - lastMs} ms`);
          lastMs = nowMs;
        }
      }),
    );
  });

  it("names a zone by region and zone", () => {
    assert.equal(zoneOf(undefined), "");
    assert.equal(zoneOf({ "topology.kubernetes.io/zone": "z" }), "/z");
    assert.equal(zoneOf({ "topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r" }), "r/z");
  });
});

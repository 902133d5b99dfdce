import { strict as assert } from "node:assert";
import fc from "fast-check";
import { bitCount } from "../cpus/topology-hints.ts";
import { beginChoice, type Choice, deviceHints, finishChoice } from "./choose-devices.ts";
import type { Devices } from "./device-list.ts";

const places = new Map([
  [0, 0],
  [1, 1],
  [2, 2],
]);
const anyId = fc.constantFrom(..."abcdefgh");
const devicesOf = (numa: Readonly<Record<string, readonly number[]>>): Devices =>
  new Map(Object.entries(numa).map(([id, nodes]) => [id, { isHealthy: true, numa: nodes }]));
const choice = (devices: Devices, more: Partial<Choice> = {}): Choice => ({
  devices,
  inUse: new Set(),
  reusable: new Set(),
  count: 1,
  affinity: undefined,
  places,
  ...more,
});
const chosen = (one: Choice, preferred: readonly string[] = []) => {
  const begun = beginChoice(one);
  return begun && finishChoice(begun, preferred);
};

describe("devices are chosen", () => {
  const four = devicesOf({ a: [0], b: [0], c: [1], d: [] });

  it("near to where they are to be, then elsewhere, then anywhere", () => {
    assert.deepEqual(chosen(choice(four, { affinity: 0b10, count: 1 })), ["c"]);
    assert.deepEqual(chosen(choice(four, { affinity: 0b10, count: 2 })), ["c", "a"]);
    assert.deepEqual(chosen(choice(four, { affinity: 0b10, count: 4 })), ["c", "a", "b", "d"]);
    assert.equal(chosen(choice(four, { count: 5 })), undefined);
  });

  it("as their plugin prefers, but no farther away than has to be", () => {
    assert.deepEqual(chosen(choice(four, { affinity: 0b1 }), ["c", "b"]), ["b"]);
    assert.deepEqual(chosen(choice(four, { affinity: 0b1, count: 3 }), ["d", "x"]), ["a", "b", "d"]);
    assert.deepEqual(chosen(choice(four, { count: 2 }), ["d", "c"]), ["d", "c"]);
  });

  it("first of what the pod has already, and none that is another's or ill", () => {
    const devices = new Map([...four, ["b", { isHealthy: false, numa: [] }]]);
    const more = { inUse: new Set(["a", "c"]), reusable: new Set(["c"]) };
    assert.deepEqual(chosen(choice(devices, { ...more, count: 2 })), ["c", "d"]);
    assert.equal(chosen(choice(devices, { ...more, count: 3 })), undefined);
  });

  it("always so many, each once, whatever is asked", () => {
    const anyDevices = fc.dictionary(anyId, fc.subarray([0, 1, 2]));
    fc.assert(
      fc.property(anyDevices, fc.nat(7), fc.nat(6), fc.array(anyId), (numa, affinity, count, preferred) => {
        const devices = devicesOf(numa);
        const ids = chosen(choice(devices, { affinity, count }), preferred);
        if (ids === undefined) return assert.ok(devices.size < count);
        assert.equal(new Set(ids).size, count);
        for (const id of ids) assert.ok(devices.has(id));
        const near = [...devices].filter(([, one]) => one.numa.some((node) => (affinity >> node) & 1));
        const taken = ids.filter((id) => near.some(([other]) => other === id));
        assert.equal(taken.length, Math.min(count, near.length));
      }),
    );
  });
});

describe("hints of where devices are near to each other", () => {
  it("are of no node where their plugin names none", () => {
    assert.equal(deviceHints(choice(devicesOf({ a: [], b: [] }))), undefined);
  });

  it("are of the nodes that have devices, and prefer the fewest that could ever do", () => {
    const devices = devicesOf({ a: [0], b: [0], c: [1] });
    assert.deepEqual(deviceHints(choice(devices, { count: 2 })), [
      { nodes: 0b01, preferred: true },
      { nodes: 0b11, preferred: false },
    ]);
    assert.deepEqual(deviceHints(choice(devices, { count: 2, inUse: new Set(["a"]) })), [
      { nodes: 0b11, preferred: false },
    ]);
    assert.deepEqual(deviceHints(choice(devices, { count: 4 })), []);
  });

  it("include what the pod keeps", () => {
    const devices = devicesOf({ a: [0], b: [1], c: [1] });
    const more = { inUse: new Set(["a"]), reusable: new Set(["a"]), count: 1 };
    assert.deepEqual(deviceHints(choice(devices, more)), [
      { nodes: 0b01, preferred: true },
      { nodes: 0b11, preferred: false },
    ]);
  });

  it("name only sets that have enough", () => {
    const anyDevices = fc.dictionary(anyId, fc.subarray([0, 1, 2, 7]));
    fc.assert(
      fc.property(anyDevices, fc.integer({ min: 1, max: 5 }), (numa, count) => {
        const devices = devicesOf(numa);
        const hints = deviceHints(choice(devices, { count }));
        if (hints === undefined) return assert.ok(Object.values(numa).every((nodes) => nodes.length === 0));
        const inside = (mask: number) =>
          Object.values(numa).filter((nodes) => nodes.some((node) => node < 3 && (mask >> node) & 1)).length;
        const fewest = Math.min(...hints.map(({ nodes }) => bitCount(nodes ?? 0)));
        for (const { nodes, preferred } of hints) {
          assert.ok(inside(nodes ?? 0) >= count);
          assert.equal(preferred, bitCount(nodes ?? 0) === fewest);
        }
      }),
    );
  });
});

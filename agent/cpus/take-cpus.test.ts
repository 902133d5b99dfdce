import { strict as assert } from "node:assert";
import fc from "fast-check";
import { cpuSetText, parseCpuSet } from "./cpu-set.ts";
import { takeCpus } from "./take-cpus.ts";
import { anyMachine, machine } from "./testing/machines.ts";

const hyperthreaded = machine({ sockets: 1, coresPerNuma: 4, threads: 2 });
const dual = machine({ sockets: 2, coresPerNuma: 3, threads: 2 });
const split = machine({ sockets: 1, numaPerSocket: 2, coresPerNuma: 2, threads: 2 });

describe("CPUs are taken", () => {
  for (const [what, topology, available, count, taken] of [
    ["singly, from the lowest core", hyperthreaded, "0-7", 1, "0"],
    ["by whole cores", hyperthreaded, "0-7", 2, "0,4"],
    ["by whole cores and what is left of the next", hyperthreaded, "0-7", 3, "0-1,4"],
    ["from a core that is in use before another is begun", hyperthreaded, "1-7", 1, "4"],
    ["by a whole core although another has one CPU left", hyperthreaded, "1-7", 2, "1,5"],
    ["by a whole socket", dual, "0-11", 6, "0-2,6-8"],
    ["from the socket where fewer are free", dual, "1-11", 2, "1,7"],
    ["by a whole socket, whichever is free", dual, "1-11", 6, "3-5,9-11"],
    ["by a whole NUMA node", split, "0-7", 4, "0-1,4-5"],
    ["all", split, "0-7", 8, "0-7"],
    ["none", split, "", 0, ""],
  ] as const)
    it(what, () => {
      const own = takeCpus(topology, parseCpuSet(available) ?? new Set(), count);
      assert.equal(own && cpuSetText(own), taken);
    });

  it("as many as are wanted, of those that are free, or not at all", () => {
    const worlds = anyMachine.chain((topology) =>
      fc.record({
        topology: fc.constant(topology),
        available: fc.subarray(topology.map(({ id }) => id)),
        count: fc.nat(topology.length + 1),
      }),
    );
    fc.assert(
      fc.property(worlds, ({ topology, available, count }) => {
        const free = new Set(available);
        const own = takeCpus(topology, free, count);
        assert.equal(own === undefined, count > free.size);
        if (own === undefined) return;
        assert.equal(own.size, count);
        assert.ok([...own].every((id) => free.has(id)));
        assert.deepEqual(parseCpuSet(cpuSetText(own)), new Set([...own].sort((a, b) => a - b)));
        // Where whole cores would do, no core is parted.
        const isWhole = (core: number, set: ReadonlySet<number>) =>
          topology.every((cpu) => cpu.core !== core || set.has(cpu.id));
        const threads = topology.filter(({ core }) => core === topology[0]?.core).length;
        const whole = new Set(topology.map(({ core }) => core).filter((core) => isWhole(core, free)));
        if (count % threads === 0 && whole.size * threads >= count)
          assert.ok(topology.every(({ id, core }) => !own.has(id) || isWhole(core, own)));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("and read from lists of the kernel's form alone", () => {
    assert.deepEqual(parseCpuSet(" 0-2,7\n"), new Set([0, 1, 2, 7]));
    for (const text of ["a", "3-1", "1,", "0-99999", "-1", "1--2", "0x1"])
      assert.equal(parseCpuSet(text), undefined, text);
  });
});

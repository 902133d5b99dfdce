import { strict as assert } from "node:assert";
import fc from "fast-check";
import { type CpuSet, cpuSetText, union } from "./cpu-set.ts";
import { exclusiveCpus, type PlacementRules, placePod } from "./place-pod.ts";
import { anyMachine, machine, podOf, wanting } from "./testing/machines.ts";
import { topologyPolicies } from "./topology-hints.ts";

const rules = (more: Partial<PlacementRules> = {}): PlacementRules => ({
  topology: machine({ sockets: 2, coresPerNuma: 2, threads: 2 }),
  reserved: new Set([0, 4]),
  fullCoresOnly: false,
  topologyPolicy: "none",
  topologyScope: "container",
  ...more,
});
const told = (...[pod, assigned, given]: Parameters<typeof placePod>) => {
  const placed = placePod(pod, assigned, given);
  if ("reason" in placed) return `${placed.reason}: ${placed.message}`;
  return Object.fromEntries([...placed].map(([name, cpus]) => [name, cpuSetText(cpus)]));
};
const nobody = new Map();

describe("containers have CPUs of their own", () => {
  it("where they ask for whole ones, in a Guaranteed pod that asks for nothing as a whole", () => {
    const count = (...[cpu, more]: [string, object?]) => {
      const pod = podOf("p", [wanting(cpu)], more);
      return exclusiveCpus(pod, pod.spec.containers[0] as never);
    };
    assert.deepEqual([count("2"), count("1500m"), count("2000m")], [2, 0, 2]);
    assert.equal(count("2", { resources: { limits: { cpu: "2" } } }), 0);
    const burstable = podOf("p", [wanting("2"), { name: "d" }]);
    assert.equal(exclusiveCpus(burstable, wanting("2")), 0);
  });

  it("none that is reserved, or another's", () => {
    const first = told(
      podOf("a", [wanting("2", "x"), wanting("500m", "y"), wanting("1", "z")]),
      nobody,
      rules(),
    );
    assert.deepEqual(first, { x: "1,5", z: "2" });
    const taken = new Map([["a", new Map([["x", new Set([1, 5])]])]]);
    assert.deepEqual(told(podOf("b", [wanting("4")]), taken, rules()), { c: "2-3,6-7" });
    assert.equal(
      told(podOf("b", [wanting("5")]), taken, rules()),
      "UnexpectedAdmissionError: Allocate failed due to not enough cpus available to satisfy request: requested=5, available=4, which is unexpected",
    );
  });

  it("which those that come after an init container may have, and a sidecar keeps", () => {
    const initContainers = [wanting("1", "side", { restartPolicy: "Always" }), wanting("4", "init")];
    const placed = placePod(podOf("p", [wanting("5", "main")], { initContainers }), nobody, rules());
    assert.ok(!("reason" in placed));
    const of = (name: string): CpuSet => placed.get(name) ?? new Set();
    assert.deepEqual([of("side").size, of("init").size, of("main").size], [1, 4, 5]);
    assert.equal(union(of("side"), of("init"), of("main")).size, 6);
    assert.equal(union(of("side"), of("main")).size, 6);
  });

  it("that they had before, when they are asked for again", () => {
    const had = new Map([["p", new Map([["c", new Set([6, 7])]])]]);
    assert.deepEqual(told(podOf("p", [wanting("2")]), had, rules()), { c: "6-7" });
  });

  it("by whole cores alone, where nobody is to share one", () => {
    const strict = rules({ fullCoresOnly: true, reserved: new Set([0]) });
    assert.equal(
      told(podOf("p", [wanting("3")]), nobody, strict),
      "SMTAlignmentError: SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2",
    );
    assert.equal(
      told(podOf("p", [wanting("8")]), nobody, strict),
      "SMTAlignmentError: SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 6, requested CPUs = 8, CPUs per core = 2",
    );
    assert.deepEqual(told(podOf("p", [wanting("2")]), nobody, strict), { c: "1,5" });
  });

  it("of one NUMA node, where that is asked for, each or all of a pod", () => {
    const error = "TopologyAffinityError: Resources cannot be allocated with Topology locality";
    const single = rules({ topologyPolicy: "single-numa-node" });
    assert.deepEqual(told(podOf("p", [wanting("4")]), nobody, single), { c: "2-3,6-7" });
    assert.equal(told(podOf("p", [wanting("5")]), nobody, single), error);
    const two = podOf("p", [wanting("2", "a"), wanting("3", "b")]);
    assert.deepEqual(told(two, nobody, single), { a: "1,5", b: "2-3,6" });
    assert.equal(told(two, nobody, { ...single, topologyScope: "pod" }), error);
    const near = podOf("p", [wanting("2", "a"), wanting("2", "b")]);
    assert.deepEqual(told(near, nobody, { ...single, topologyScope: "pod" }), { a: "2,6", b: "3,7" });
    assert.equal(
      told(podOf("p", [wanting("3")]), nobody, rules({ topologyPolicy: "best-effort" })) !== error,
      true,
    );
  });

  it("whatever pods come and go", () => {
    const worlds = anyMachine.chain((topology) =>
      fc.record({
        topology: fc.constant(topology),
        reserved: fc.subarray(
          topology.map(({ id }) => id),
          { minLength: 1 },
        ),
        fullCoresOnly: fc.boolean(),
        topologyPolicy: fc.constantFrom(...topologyPolicies),
        topologyScope: fc.constantFrom("container" as const, "pod" as const),
        steps: fc.array(
          fc.record({
            uid: fc.constantFrom("a", "b", "c", "d"),
            comes: fc.boolean(),
            init: fc.nat(3),
            main: fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }),
          }),
          { maxLength: 12 },
        ),
      }),
    );
    fc.assert(
      fc.property(worlds, ({ steps, reserved, ...world }) => {
        const given: PlacementRules = { ...world, reserved: new Set(reserved) };
        const assigned = new Map<string, ReadonlyMap<string, CpuSet>>();
        const coreOf = new Map(given.topology.map(({ id, core }) => [id, core]));
        for (const { uid, comes, init, main } of steps) {
          if (!comes || assigned.has(uid)) {
            assigned.delete(uid);
            continue;
          }
          const asked = (count: number) => (count === 0 ? "500m" : String(count));
          const containers = main.map((count, index) => wanting(asked(count), `m${index}`));
          const pod = podOf(uid, containers, { initContainers: [wanting(asked(init), "init")] });
          const placed = placePod(pod, assigned, given);
          if ("reason" in placed) {
            const left = given.topology.length - given.reserved.size;
            const held = [...assigned.values()].flatMap((own) => [...own.values()]);
            const needed = main.reduce((sum, count) => sum + count, 0);
            if (given.topologyPolicy === "none" && !given.fullCoresOnly)
              assert.ok(Math.max(init, needed) > left - union(...held).size, "there was room");
            continue;
          }
          assigned.set(uid, placed);
          const mains = main.map((count, index) => [count, placed.get(`m${index}`)] as const);
          for (const [count, own] of mains) assert.equal(own?.size ?? 0, count);
          assert.equal(placed.get("init")?.size ?? 0, init);
          // Of one pod's that run at one time, and of several pods', none has another's.
          const sizes = mains.reduce((sum, [count]) => sum + count, 0);
          assert.equal(union(...mains.map(([, own]) => own ?? new Set<number>())).size, sizes);
          const pods = [...assigned.values()].map((own) => union(...own.values()));
          assert.equal(
            union(...pods).size,
            pods.reduce((sum, own) => sum + own.size, 0),
          );
          for (const id of union(...pods)) assert.ok(!given.reserved.has(id));
          if (given.fullCoresOnly) {
            const cores = pods.map((own) => new Set([...own].map((id) => coreOf.get(id))));
            const together = new Set(cores.flatMap((own) => [...own]));
            assert.equal(
              together.size,
              cores.reduce((sum, own) => sum + own.size, 0),
            );
          }
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

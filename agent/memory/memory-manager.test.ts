import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { UsageError } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import type { Container, Pod } from "../../client/types.ts";
import { type PlacementRules, placePod } from "../cpus/place-pod.ts";
import { podOf } from "../cpus/testing/machines.ts";
import { type TopologyPolicy, topologyPolicies } from "../cpus/topology-hints.ts";
import { MemoryManager } from "./memory-manager.ts";
import { anyMemory, cpuAtEach, gi, memoryConfig, memoryNodes, needing } from "./testing/memory-machines.ts";

describe("which NUMA nodes containers have their memory of", () => {
  let root: string;
  let file: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-memory-"));
    file = join(root, "memory_manager_state");
  });
  const opened: MemoryManager[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.save(); // nothing is being written any more
    await rm(root, { recursive: true, force: true });
  });

  const open = async (sizesGi: readonly number[], { isAligned = true, pages = 0 } = {}) => {
    const config = memoryConfig(file, memoryNodes(sizesGi, pages), isAligned);
    const manager = await MemoryManager.open(config, silentLog);
    opened.push(manager);
    return manager;
  };
  const rules = (manager: MemoryManager, topologyPolicy: TopologyPolicy = "best-effort"): PlacementRules => ({
    topology: cpuAtEach(manager.places.size),
    reserved: new Set(),
    allShare: true,
    fullCoresOnly: false,
    topologyPolicy,
    topologyScope: "container",
  });
  /** The nodes of each container, or why there are none. */
  const give = (manager: MemoryManager, pod: Pod, policy?: TopologyPolicy) => {
    const beside = manager.begin(pod);
    const placed = placePod(pod, new Map(), rules(manager, policy), beside);
    const { uid } = pod.metadata;
    if ("reason" in placed) {
      manager.forget(uid);
      return `${placed.reason}: ${placed.message}`;
    }
    return Object.fromEntries([...manager.of(uid).keys()].map((name) => [name, manager.numasOf(uid, name)]));
  };
  const freeGi = (manager: MemoryManager) =>
    [...manager.state.values()].map(({ memory }) => (memory.get("memory")?.free ?? 0) / gi);

  it("are the fewest that have enough, in Guaranteed pods that ask for nothing as a whole", async () => {
    const manager = await open([5, 8]);
    assert.deepEqual(give(manager, podOf("a", [needing(3), needing(2, "d")])), { c: "0", d: "1" });
    assert.deepEqual(freeGi(manager), [1, 6]);
    const whole = podOf("b", [needing(1)], { resources: { limits: { memory: "1Gi" } } });
    assert.equal(manager.begin(whole), undefined);
    assert.equal(manager.begin(podOf("c", [{ name: "c" }])), undefined);
  });

  it("give alone or together, but none does both", async () => {
    const manager = await open([5, 5, 5]);
    assert.deepEqual(give(manager, podOf("big", [needing(7)])), { c: "0-1" });
    assert.deepEqual(give(manager, podOf("small", [needing(1)])), { c: "2" });
    assert.deepEqual(give(manager, podOf("beside", [needing(2)])), { c: "2" });
    assert.match(
      String(give(manager, podOf("more", [needing(6)]))),
      /UnexpectedAdmissionError: .*\[memorymanager\]/,
    );
    manager.forget("small");
    manager.forget("beside");
    assert.deepEqual(give(manager, podOf("small", [needing(4)])), { c: "2" });
    manager.forget("big");
    assert.deepEqual(give(manager, podOf("alone", [needing(4)])), { c: "0" });
  });

  it("are of one set for memory and huge pages, where both have to be", async () => {
    const manager = await open([3, 9], { pages: 512 });
    assert.deepEqual(give(manager, podOf("a", [needing(1, "c", { pages: 512 })])), { c: "0" });
    assert.deepEqual(give(manager, podOf("b", [needing(1, "c", { pages: 1 })])), { c: "1" });
    assert.deepEqual(manager.blocksOf("b", "c"), [
      { numas: [1], type: "memory", bytes: gi },
      { numas: [1], type: "hugepages-2Mi", bytes: 2 ** 21 },
    ]);
  });

  it("are refused in the kubelet's words where there is not enough", async () => {
    const told = async (policy: TopologyPolicy, sizeGi: number) => {
      const manager = await open([5, 5], { isAligned: policy !== "none" });
      const answer = give(manager, podOf(`${policy}`, [needing(sizeGi)]), policy);
      manager.forget(policy);
      await manager.save();
      return answer;
    };
    const unexpected = (problem: string) =>
      `UnexpectedAdmissionError: Allocate failed due to ${problem}, which is unexpected`;
    assert.equal(
      await told("none", 20),
      unexpected(
        "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available",
      ),
    );
    assert.deepEqual(await told("none", 7), { c: "0-1" });
    assert.deepEqual(await told("best-effort", 7), { c: "0-1" });
    assert.deepEqual(await told("restricted", 7), { c: "0-1" });
    assert.equal(
      await told("single-numa-node", 7),
      "TopologyAffinityError: Resources cannot be allocated with Topology locality",
    );
    const full = await open([5, 5]);
    give(full, podOf("a", [needing(3)]));
    give(full, podOf("b", [needing(4)]));
    assert.equal(
      give(full, podOf("c", [needing(3)]), "restricted"),
      unexpected(
        "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available",
      ),
    );
  });

  it("are those of init containers that are over, whose memory those that follow have", async () => {
    const manager = await open([9]);
    const initContainers = [
      needing(2, "side", { restartPolicy: "Always" }),
      needing(4, "first"),
      needing(5, "second"),
    ];
    const pod = podOf("p", [needing(3), needing(3, "d")], { initContainers });
    assert.ok(typeof give(manager, pod) !== "string");
    const sizes = [...manager.of("p")].map(([name, [block]]) => [name, (block?.bytes ?? 0) / gi]);
    assert.deepEqual(Object.fromEntries(sizes), { side: 2, first: 0, second: 0, c: 3, d: 3 });
    assert.deepEqual(freeGi(manager), [0]);
  });

  it("are kept in a file that says what the kubelet's does, for the next agent", async () => {
    const manager = await open([5, 8], { pages: 512 });
    give(manager, podOf("p", [needing(3)]));
    await manager.save();
    const table = (total: number, systemReserved: number, elsewhere: number, reserved = 0) => {
      const allocatable = total - systemReserved - elsewhere;
      return { total, systemReserved, allocatable, reserved, free: allocatable - reserved };
    };
    const empty = { "hugepages-2Mi": table(gi, 0, 0) };
    assert.deepEqual(JSON.parse(await readFile(file, "utf8")), {
      policyName: "Static",
      machineState: {
        0: {
          numberOfAssignments: 1,
          memoryMap: { ...empty, memory: table(5 * gi, gi, gi, 3 * gi) },
          cells: [0],
        },
        1: { numberOfAssignments: 0, memoryMap: { ...empty, memory: table(8 * gi, 0, gi) }, cells: [1] },
      },
      entries: { p: { c: [{ numaAffinity: [0], type: "memory", size: 3 * gi }] } },
    });
    const next = await open([5, 8], { pages: 512 });
    assert.equal(next.numasOf("p", "c"), "0");
    assert.deepEqual(give(next, podOf("p", [needing(3)])), { c: "0" });
    assert.deepEqual(freeGi(next), [0, 7]);
    next.keepOnly(new Set());
    await next.save();
    assert.equal((await open([5, 8], { pages: 512 })).numasOf("p", "c"), undefined);
  });

  it("are not gone on with on another machine, or from a file that another policy wrote, or nobody whole", async () => {
    const manager = await open([5, 8]);
    give(manager, podOf("p", [needing(5)]));
    await manager.save();
    const refused = async (sizesGi: readonly number[], message: RegExp) =>
      assert.rejects(open(sizesGi), (error) => error instanceof UsageError && message.test(error.message));
    await refused([5, 9], /\[memorymanager\] the expected machine state is different from the real one/);
    await refused(
      [5],
      /\[memorymanager\] \(pod: p, container: c\) the memory assignment uses the NUMA that does not exist/,
    );
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"Static"', '"None"'));
    await refused([5, 8], /configured policy "Static" differs from state checkpoint policy "None"/);
    for (const broken of [text.slice(0, -9), text.replace(/"size":\d+/, '"size":-1'), "[]", ""]) {
      await writeFile(file, broken);
      await refused([5, 8], /it is not whole/);
    }
    await writeFile(file, text);
    assert.equal((await open([5, 8])).numasOf("p", "c"), "1");
  });

  it("hold whatever comes and goes: no node gives more than it has, or both alone and together", async () => {
    const container = fc.record({
      size: fc.integer({ min: 1, max: 14 }),
      pages: fc.integer({ min: 0, max: 3 }),
    });
    const step = fc.record({
      uid: fc.integer({ min: 0, max: 5 }).map(String),
      inits: fc.array(fc.tuple(container, fc.boolean()), { maxLength: 2 }),
      mains: fc.array(container, { minLength: 1, maxLength: 2 }),
      goes: fc.boolean(),
    });
    const policies = fc.constantFrom(...topologyPolicies);
    await fc.assert(
      fc.asyncProperty(
        anyMemory,
        policies,
        fc.array(step, { maxLength: 12 }),
        async (sizes, policy, steps) => {
          await rm(file, { force: true });
          const manager = await open(sizes, { isAligned: policy !== "none", pages: 4 });
          for (const { uid, inits, mains, goes } of steps) {
            if (goes) {
              manager.forget(uid);
              continue;
            }
            if (manager.of(uid).size > 0) continue;
            const named = (
              { size, pages }: { size: number; pages: number },
              name: string,
              more = {},
            ): Container => needing(size, name, { pages, ...more });
            const initContainers = inits.map(([one, isSidecar], at) =>
              named(one, `i${at}`, isSidecar ? { restartPolicy: "Always" } : {}),
            );
            give(
              manager,
              podOf(
                uid,
                mains.map((one, at) => named(one, `c${at}`)),
                { initContainers },
              ),
              policy,
            );
            checkState(manager, sizes);
          }
          await manager.save();
          const next = await open(sizes, { isAligned: policy !== "none", pages: 4 });
          assert.deepEqual(freeGi(next), freeGi(manager));
        },
      ),
      { numRuns: 60 },
    );
  });

  function checkState(manager: MemoryManager, sizes: readonly number[]): void {
    const groups = new Map<number, string>();
    const given = new Map<string, number>();
    for (const containers of [...new Set(["0", "1", "2", "3", "4", "5"])].map((uid) => manager.of(uid)))
      for (const blocks of containers.values())
        for (const { numas, type, bytes } of blocks) {
          const group = numas.join();
          for (const numa of numas) {
            assert.ok((groups.get(numa) ?? group) === group, `node ${numa} is of ${group} and another group`);
            groups.set(numa, group);
          }
          given.set(`${group} ${type}`, (given.get(`${group} ${type}`) ?? 0) + bytes);
        }
    for (const [key, bytes] of given) {
      const [group = "", type] = key.split(" ");
      const all = group.split(",").map(Number);
      const most = (numa: number) =>
        type === "memory" ? Number(sizes[numa]) * gi - 4 * 2 ** 21 - (numa === 0 ? gi : 0) : 4 * 2 ** 21;
      assert.ok(bytes <= all.reduce((sum, numa) => sum + most(numa), 0), `${key}: ${bytes}`);
    }
  }
});

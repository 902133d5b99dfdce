import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { machine } from "../cpus/testing/machines.ts";
import { memoryRules, readReservedMemory } from "./memory-flags.ts";
import { readMemoryNodes } from "./memory-nodes.ts";
import { checkReservedMemory, openMemory } from "./open-memory.ts";
import { gi, memoryNodes } from "./testing/memory-machines.ts";

describe("what is said of a node's memory", () => {
  const problemsOf = (policy: string, ...texts: string[]) => {
    const problems: string[] = [];
    const flags = { "memory-manager-policy": policy, "reserved-memory": texts };
    memoryRules(flags, (ok, flag, value, rule) => {
      if (!ok) problems.push(`--${flag}: ${JSON.stringify(value)} ${rule}`);
    });
    return problems;
  };
  const read = (...texts: string[]) =>
    [...readReservedMemory(texts, (text, rule) => assert.fail(`${text} ${rule}`))].map(([numa, types]) => [
      numa,
      Object.fromEntries(types),
    ]);

  it("is read as kubelets write it", () => {
    assert.deepEqual(read("0:memory=1Gi", "hugepages-2Mi=4Mi", "1:memory=2Gi"), [
      [0, { memory: gi, "hugepages-2Mi": 2 ** 22 }],
      [1, { memory: 2 * gi }],
    ]);
    assert.deepEqual(read("0:memory=1Gi;1:memory=1Gi"), [
      [0, { memory: gi }],
      [1, { memory: gi }],
    ]);
  });

  it("is refused where it is nothing, or nothing comes of it", () => {
    assert.deepEqual(problemsOf("Static", "0:memory=1Gi"), []);
    assert.deepEqual(problemsOf("BestEffort"), [
      '--memory-manager-policy: "BestEffort" must be None or Static',
    ]);
    assert.match(
      problemsOf("None", "0:memory=1Gi")[0] ?? "",
      /has no effect without --memory-manager-policy=Static/,
    );
    for (const [text, rule] of [
      ["memory=1Gi", /incorrect format/],
      ["a:memory=1Gi", /incorrect format/],
      ["0:memory=", /incorrect format/],
      ["0:memory=1=2", /incorrect format/],
      ["0:cpu=1", /the limit type "cpu" for NUMA node 0 is not supported/],
      ["0:hugepages-x=1", /the limit type "hugepages-x" for NUMA node 0 is not supported/],
      ["0:memory=much", /is no whole quantity of bytes/],
      ["0:memory=0", /reserved memory may not be zero for NUMA node 0 and resource "memory"/],
      ["0:memory=1,memory=1", /has a duplicate value for NUMA node 0 and resource "memory"/],
    ] as const)
      assert.match(problemsOf("Static", ...text.split(",")).join("\n"), rule, text);
  });

  it("has to be what is kept from pods in all, at NUMA nodes that there are", () => {
    const nodes = memoryNodes([4, 4]);
    const of = (...texts: string[]) => readReservedMemory(texts, () => assert.fail());
    checkReservedMemory(of("0:memory=1Gi", "1:memory=1Gi"), nodes, 2 * gi);
    for (const [texts, kept, message] of [
      [
        ["2:memory=1Gi"],
        gi,
        "the reserved memory configuration references a NUMA node 2 that does not exist on this machine",
      ],
      [
        ["0:memory=1Gi"],
        2 * gi,
        'the total amount "1Gi" of type "memory" is not equal to the value "2Gi" determined by Node Allocatable feature',
      ],
      [
        ["0:memory=1Gi,hugepages-2Mi=2Mi"],
        gi,
        'the total amount "2Mi" of type "hugepages-2Mi" is not equal to the value "0" determined by Node Allocatable feature',
      ],
      [[], 0, "[memorymanager] you should specify the system reserved memory"],
    ] as const)
      assert.throws(
        () => checkReservedMemory(of(...texts.flatMap((text) => text.split(","))), nodes, kept),
        new UsageError(`--memory-manager-policy: ${message}`),
      );
  });

  it("is compared with what the kernel has at each NUMA node", async () => {
    const dir = await mkdtemp(join(tmpdir(), "pintle-numa-"));
    try {
      for (const [numa, kilobytes] of [
        [1, 2048],
        [0, 1024],
        [7, 1],
      ]) {
        const pages = join(dir, `node${numa}`, "hugepages", "hugepages-2048kB");
        await mkdir(pages, { recursive: true });
        await writeFile(join(pages, "nr_hugepages"), `${numa}\n`);
        const text = `Node ${numa} MemTotal:       ${kilobytes} kB\nNode ${numa} MemFree: 5 kB\n`;
        await writeFile(join(dir, `node${numa}`, "meminfo"), text);
      }
      const whole = { memoryBytes: 1, hugePages: [] };
      const pages = (count: number) => [{ pageBytes: 2 ** 21, count }];
      assert.deepEqual(await readMemoryNodes(new Set([0, 1]), whole, dir), [
        { numa: 0, memoryBytes: 2 ** 20, hugePages: pages(0) },
        { numa: 1, memoryBytes: 2 ** 21, hugePages: pages(1) },
      ]);
      assert.deepEqual(await readMemoryNodes(new Set([0]), whole, join(dir, "none")), [
        { numa: 0, ...whole },
      ]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("goes by the policy that an earlier agent had, and by containers", async () => {
    const rootDir = await mkdtemp(join(tmpdir(), "pintle-memory-"));
    const topology = machine({ sockets: 1, coresPerNuma: 1, threads: 1 });
    const open = (isStatic: boolean, isProcesses = false) =>
      openMemory(
        {
          rootDir,
          memory: { isStatic, reserved: new Map([[0, new Map([["memory", 2 ** 20]])]]) },
          cpus: { topologyPolicy: "none" },
        },
        {
          reserved: { memoryBytes: 2 ** 20 },
          machine: { memoryBytes: gi, hugePages: [] },
          isProcesses,
          log: silentLog,
        },
        topology,
      );
    try {
      assert.equal(await open(false), undefined);
      await assert.rejects(open(true, true), /Static needs containers/);
      const manager = await open(true);
      assert.deepEqual(manager?.allocatable.map(({ numas, type }) => [numas, type]).at(-1), [[0], "memory"]);
      await assert.rejects(
        open(false),
        /configured policy "None" differs from state checkpoint policy "Static", please drain this node/,
      );
    } finally {
      await rm(rootDir, { recursive: true });
    }
  });
});

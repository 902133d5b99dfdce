import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { CpuManager } from "./cpu-manager.ts";
import { readCpuTopology } from "./cpu-topology.ts";
import { openCpus } from "./open-cpus.ts";
import { machine, podOf, wanting } from "./testing/machines.ts";

describe("which CPUs containers run on", () => {
  let root: string;
  let file: string;
  let moves: number;
  const opened: CpuManager[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-cpus-"));
    file = join(root, "cpu_manager_state");
    moves = 0;
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.settled();
    await rm(root, { recursive: true, force: true });
  });
  const rules = {
    topology: machine({ sockets: 1, coresPerNuma: 2, threads: 2 }),
    reserved: new Set([0]),
    fullCoresOnly: false,
    topologyPolicy: "none",
    topologyScope: "container",
  } as const;
  const open = async (keepsReservedFree = false) => {
    const deps = { log: silentLog, onShared: () => void moves++ };
    const manager = await CpuManager.open({ file, rules, keepsReservedFree }, deps);
    opened.push(manager);
    return manager;
  };

  it("is their own, or what is left for all others, and outlives the agent", async () => {
    const cpus = await open();
    assert.deepEqual(cpus.cpusOf("p", "c"), { cpus: "0-3", isExclusive: false });
    assert.equal(await cpus.admit(podOf("p", [wanting("2"), wanting("500m", "d")])), undefined);
    for (const agent of [cpus, await open()]) {
      assert.deepEqual(agent.cpusOf("p", "c"), { cpus: "1,3", isExclusive: true });
      assert.deepEqual(agent.cpusOf("p", "d"), { cpus: "0,2", isExclusive: false });
      assert.deepEqual([agent.hasExclusive("p"), agent.hasExclusive("q")], [true, false]);
    }
    assert.equal(moves, 1);
    assert.equal(await cpus.admit(podOf("burstable", [{ name: "c" }])), undefined);
    assert.equal(moves, 1);
    cpus.forget("p");
    assert.equal(cpus.cpusOf("q", "c").cpus, "0-3");
    assert.equal(moves, 2);
  });

  it("is kept in a file that says what the kubelet's does", async () => {
    const cpus = await open();
    await cpus.admit(podOf("p", [wanting("1")]));
    assert.deepEqual(JSON.parse(await readFile(file, "utf8")), {
      policyName: "static",
      defaultCpuSet: "0-1,3",
      entries: { p: { c: "2" } },
    });
  });

  it("is free of pods that went while no agent ran", async () => {
    await (await open()).admit(podOf("gone", [wanting("2")]));
    const cpus = await open();
    cpus.keepOnly(new Set(["other"]));
    assert.equal(cpus.cpusOf("other", "c").cpus, "0-3");
  });

  it("is never nothing: the last that others share is nobody's own", async () => {
    const cpus = await open(true);
    const rejection = await cpus.admit(podOf("p", [wanting("3")]));
    assert.equal(rejection?.reason, "UnexpectedAdmissionError");
    assert.match(rejection?.message ?? "", /no CPU being left/);
    assert.equal(cpus.cpusOf("q", "c").cpus, "1-3");
    assert.equal(await cpus.admit(podOf("p", [wanting("2")])), undefined);
    assert.equal(cpus.cpusOf("q", "c").cpus, "2");
  });

  it("is given to no pod where it cannot be kept", async () => {
    const cpus = await open();
    await mkdir(`${file}.new`);
    const rejection = await cpus.admit(podOf("p", [wanting("2")]));
    assert.match(rejection?.message ?? "", /^Allocate failed due to could not save checkpoint: .*EISDIR/);
    assert.equal(cpus.cpusOf("q", "c").cpus, "0-3");
  });

  for (const [what, text] of [
    ["that is cut off", '{"entries":{"p":{"c":'],
    ["of another form", '{"entries":{"p":["1"]}}'],
    ["that is none", "null"],
    ["of CPUs that the machine does not have", '{"entries":{"p":{"c":"4"}}}'],
    ["that gives a CPU twice", '{"entries":{"p":{"c":"1"},"q":{"c":"1-2"}}}'],
    ["with a list that is none", '{"entries":{"p":{"c":"1;2"}}}'],
  ] as const)
    it(`is not read from a file ${what}`, async () => {
      await writeFile(file, text);
      await assert.rejects(open(), UsageError);
    });

  it("is not changed to all while pods may have theirs", async () => {
    const input = { isProcesses: false, log: silentLog, onShared: () => undefined };
    const config = (more: object) => ({
      rootDir: root,
      reserved: { cpuMillis: 0 },
      cpus: { ...rules, isStatic: true, keepsReservedFree: false, reserved: undefined, ...more },
    });
    const fixed = config({});
    assert.equal(await openCpus(config({ isStatic: false }), input), undefined);
    await writeFile(file, "{}");
    await assert.rejects(
      openCpus(config({ isStatic: false }), input),
      /configured policy "none" differs from state checkpoint policy/,
    );
    await rm(file);
    await assert.rejects(
      openCpus(fixed, input),
      /systemreserved.cpu \+ kubereserved.cpu to be greater than zero/,
    );
    await assert.rejects(openCpus(fixed, { ...input, isProcesses: true }), /plain processes/);
    const foreign = config({ reserved: new Set([8191]) });
    await assert.rejects(openCpus(foreign, input), /--reserved-cpus: this machine has no CPU 8191/);
    assert.ok(await openCpus(config({ reserved: new Set([0]) }), input));
  });

  it("is of the machine's topology", async () => {
    const put = async (path: string, text: string) => {
      await mkdir(join(root, path, ".."), { recursive: true });
      await writeFile(join(root, path), text);
    };
    await put("cpu/online", "0-1,3\n");
    for (const [cpu, siblings, socket] of [
      [0, "0,3", "0"],
      [1, "1", "-1"],
      [3, "0,3", "0"],
    ]) {
      await put(`cpu/cpu${cpu}/topology/thread_siblings_list`, `${siblings}\n`);
      await put(`cpu/cpu${cpu}/topology/physical_package_id`, `${socket}\n`);
    }
    await put("node/node0/cpulist", "0,3\n");
    await put("node/node4/cpulist", "1-2\n");
    assert.deepEqual(await readCpuTopology(root), [
      { id: 0, core: 0, socket: 0, numa: 0 },
      { id: 1, core: 1, socket: 0, numa: 4 },
      { id: 3, core: 0, socket: 0, numa: 0 },
    ]);
  });
});

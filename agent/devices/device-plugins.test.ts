import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import type { Pod } from "../../client/types.ts";
import { podResources } from "./pod-resources.ts";
import { asking, DeviceRig, gpu, podOf } from "./testing/device-rig.ts";
import { askPodResources, FakePlugin, type ToldDevice } from "./testing/fake-plugin.ts";

const named = (...ids: readonly string[]): readonly ToldDevice[] => ids.map((ID) => ({ ID }));
const never = new AbortController().signal;

describe("device plugins", function () {
  this.timeout(30_000);
  let rig: DeviceRig;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    rig = await DeviceRig.open();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await rig.close();
  });
  /** A program of these tests in a process of its own, and the first that it says. */
  const started = async (file: string, ...words: string[]) => {
    const path = join(import.meta.dirname, "testing", file);
    const argv = ["--import", "tsx", path, ...words];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [said] = await once(child.stdout, "data");
    return { child, said: String(said) };
  };
  const amounts = () => {
    const { capacity, allocatable } = rig.manager.nodeAmounts();
    return [capacity[gpu], allocatable[gpu]];
  };
  const has = (pod: Pod, container = "c") => [
    ...(rig.manager.of(pod.metadata.uid, container).get(gpu)?.devices.keys() ?? []),
  ];
  const reasonFor = async (pod: Pod) => {
    const rejection = await rig.admit(pod);
    return rejection && `${rejection.reason}: ${rejection.message}`;
  };
  const failed = (problem: string) =>
    `UnexpectedAdmissionError: Allocate failed due to ${problem}, which is unexpected`;

  it("tell what the node has, and what of it is well", async () => {
    const plugin = await rig.plugin([...named("a", "b"), { ID: "c", health: "Unhealthy" }]);
    assert.deepEqual(amounts(), ["3", "2"]);
    plugin.tell(named("a"));
    await rig.until(() => amounts()[0] === "1");
    assert.deepEqual(amounts(), ["1", "1"]);
    plugin.stop();
    await rig.until(() => amounts()[1] === "0");
    assert.deepEqual(amounts(), ["1", "0"]);
  });

  it("are asked for what containers want of them, and say how these get at it", async () => {
    const plugin = await rig.plugin(named("a", "b", "c"));
    plugin.behaviours.set("Allocate", async () => ({
      containerResponses: [
        {
          envs: [{ key: "GPU", value: "1" }],
          mounts: [{ containerPath: "/lib/gpu", hostPath: "/usr/lib/gpu", readOnly: true }],
          devices: [{ containerPath: "/dev/gpu", hostPath: "/dev/null", permissions: "rw" }],
          annotations: [{ key: "vendor", value: "x" }],
          cdiDevices: [{ name: "example.com/gpu=a" }],
        },
      ],
    }));
    const pod = podOf("p", [asking(2), { name: "without", image: "i" }]);
    assert.equal(await rig.admit(pod), undefined);
    assert.deepEqual(plugin.calls("Allocate"), [{ containerRequests: [{ devicesIds: has(pod) }] }]);
    assert.equal(has(pod).length, 2);
    const [container, without] = pod.spec.containers;
    assert.deepEqual(await rig.manager.access(pod, container as never, never), {
      envs: new Map([["GPU", "1"]]),
      mounts: [{ containerPath: "/lib/gpu", hostPath: "/usr/lib/gpu", readOnly: true }],
      devices: [{ containerPath: "/dev/gpu", hostPath: "/dev/null", permissions: "rw" }],
      annotations: new Map([["vendor", "x"]]),
      cdiDevices: ["example.com/gpu=a"],
    });
    assert.equal(await rig.manager.access(pod, without as never, never), undefined);
    assert.deepEqual(plugin.calls("PreStartContainer"), []);
  });

  it("give no device twice, and all of a pod's when it goes", async () => {
    await rig.plugin(named("a", "b", "c"));
    const [first, second] = [podOf("p", [asking(2)]), podOf("q", [asking(1)])];
    assert.deepEqual([await reasonFor(first), await reasonFor(second)], [undefined, undefined]);
    assert.deepEqual([...has(first), ...has(second)].sort(), ["a", "b", "c"]);
    assert.equal(
      await reasonFor(podOf("r", [asking(1)])),
      failed(`requested number of devices unavailable for ${gpu}. Requested: 1, Available: 0`),
    );
    rig.manager.forget("p");
    assert.equal(await reasonFor(podOf("r", [asking(2)])), undefined);
  });

  it("give what an init container had to those after it, and not what a sidecar has", async () => {
    await rig.plugin(named("a", "b", "c"));
    const initContainers = [asking(1, "side", { restartPolicy: "Always" }), asking(2, "init")];
    const pod = podOf("p", [asking(2, "main")], { initContainers });
    assert.equal(await reasonFor(pod), undefined);
    assert.deepEqual(has(pod, "init").sort(), has(pod, "main").sort());
    assert.equal(has(pod, "init").includes(has(pod, "side")[0] ?? ""), false);
  });

  it("say which of the devices they would give, and are believed as far as those are free", async () => {
    const plugin = await rig.plugin(named("a", "b", "c", "d"), {
      options: { getPreferredAllocationAvailable: true },
    });
    plugin.behaviours.set("GetPreferredAllocation", async () => ({
      containerResponses: [{ deviceIDs: ["nowhere", "d", "b"] }],
    }));
    const pod = podOf("p", [asking(2)]);
    assert.equal(await reasonFor(pod), undefined);
    assert.deepEqual(plugin.calls("GetPreferredAllocation")[0]?.containerRequests, [
      { availableDeviceIDs: ["a", "b", "c", "d"], mustIncludeDeviceIDs: [], allocationSize: 2 },
    ]);
    assert.deepEqual(has(pod).sort(), ["b", "d"]);
  });

  it("are told before a container starts, where they ask for that", async () => {
    const plugin = await rig.plugin(named("a"), { options: { preStartRequired: true } });
    const pod = podOf("p", [asking(1)]);
    await rig.admit(pod);
    await rig.manager.access(pod, asking(1), never);
    assert.deepEqual(plugin.calls("PreStartContainer"), [{ devicesIds: ["a"] }]);
    plugin.behaviours.set("PreStartContainer", async () => {
      throw Object.assign(new Error(), { code: 9, details: "the device is on fire" });
    });
    await assert.rejects(
      rig.manager.access(pod, asking(1), never),
      /device plugin PreStartContainer rpc failed with err: rpc error: code = FailedPrecondition desc = the device is on fire/,
    );
  });

  it("have pods refused that they cannot serve, in the kubelet's words", async () => {
    const plugin = await rig.plugin(named("a", "b"));
    plugin.behaviours.set("Allocate", async () => {
      throw Object.assign(new Error(), { code: 2, details: "no" });
    });
    assert.equal(await reasonFor(podOf("p", [asking(1)])), failed("rpc error: code = Unknown desc = no"));
    plugin.behaviours.set("Allocate", async () => ({}));
    assert.equal(
      await reasonFor(podOf("p", [asking(1)])),
      failed("no containers return in allocation response"),
    );
    assert.deepEqual(has(podOf("p", [])), []);
    plugin.tell([{ ID: "a", health: "Unhealthy" }]);
    await rig.until(() => amounts()[1] === "0");
    assert.equal(
      await reasonFor(podOf("p", [asking(1)])),
      failed(`no healthy devices present; cannot allocate unhealthy devices ${gpu}`),
    );
    // What no plugin offers is the cluster's own, perhaps.
    const other = { name: "c", image: "i", resources: { limits: { "example.com/other": "1" } } };
    assert.equal(await reasonFor(podOf("q", [other])), undefined);
  });

  it("leave what they gave to containers while agents come and go, and plugins, too", async () => {
    const plugin = await rig.plugin(named("a", "b"));
    const pod = podOf("p", [asking(1)]);
    await rig.admit(pod);
    const had = has(pod);
    await rig.stop();
    plugin.stop();
    await rig.start();
    assert.deepEqual(amounts(), ["0", "0"]);
    assert.deepEqual(has(pod), had);
    assert.deepEqual(rig.manager.amounts("p"), { [gpu]: 1 });
    assert.deepEqual(rig.manager.amounts("q"), { [gpu]: 0 });
    const access = await rig.manager.access(pod, asking(1), never);
    assert.deepEqual(access?.envs, new Map([["DEVICES", had.join()]]));
    await rig.plugin(named("a", "b"));
    const other = podOf("q", [asking(1)]);
    assert.equal(await reasonFor(other), undefined);
    assert.deepEqual([...had, ...has(other)].sort(), ["a", "b"]);
    rig.manager.keepOnly(new Set(["q"]));
    assert.deepEqual(has(pod), []);
  });

  it("leave what they gave where an agent is killed the moment after", async () => {
    await rig.stop();
    const { child, said } = await started("device-rig.ts", rig.dir);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(said, "given\n");
    await rig.start();
    const pod = podOf("p", [asking(1)]);
    const had = has(pod);
    assert.equal(had.length, 1);
    assert.deepEqual(amounts(), ["0", "0"]);
    await rig.plugin(named("a", "b"));
    const other = podOf("q", [asking(1)]);
    assert.equal(await reasonFor(other), undefined);
    assert.deepEqual([...had, ...has(other)].sort(), ["a", "b"]);
  });

  it("are written down as the kubelet does", async () => {
    await rig.plugin([{ ID: "a", topology: { nodes: [{ ID: 0 }, { ID: 1 }] } }, { ID: "b" }]);
    await rig.admit(podOf("p", [asking(2)]));
    const text = await readFile(join(rig.folder, "kubelet_internal_checkpoint"), "utf8");
    const { Data } = JSON.parse(text);
    const [{ AllocResp, ...entry }] = Data.PodDeviceEntries;
    assert.deepEqual(entry, {
      PodUID: "p",
      ContainerName: "c",
      ResourceName: gpu,
      DeviceIDs: { "-1": ["b"], 0: ["a"], 1: ["a"] },
    });
    assert.match(Buffer.from(AllocResp, "base64").toString(), /DEVICES/);
    assert.deepEqual(Data.RegisteredDevices, { [gpu]: ["a", "b"] });
  });

  it("make an agent end that finds what it gave damaged", async () => {
    await rig.stop();
    for (const text of ["{", "[]", '{"Data":{"PodDeviceEntries":[{"PodUID":1}]}}']) {
      await writeFile(join(rig.folder, "kubelet_internal_checkpoint"), text);
      await assert.rejects(rig.start(), /kubelet_internal_checkpoint is not whole; drain the node/);
    }
  });

  it("tell a pod's status which of its devices are well", async () => {
    const plugin = await rig.plugin(named("a"));
    const pod = podOf("p", [asking(1)]);
    await rig.admit(pod);
    const told = (health: string) => [{ name: gpu, resources: [{ resourceID: "a", health }] }];
    assert.deepEqual(rig.manager.healthOf("p", "c"), told("Healthy"));
    plugin.tell([{ ID: "a", health: "Unhealthy" }]);
    await rig.until(() => rig.woken.includes("p"));
    assert.deepEqual(rig.manager.healthOf("p", "c"), told("Unhealthy"));
  });

  it("in a process of its own that is killed, and comes again", async () => {
    const start = async () => {
      const { child } = await started("fake-plugin.ts", rig.folder, gpu, "a", "b");
      await rig.until(() => amounts()[1] === "2");
      return child;
    };
    const child = await start();
    const pod = podOf("p", [asking(1)]);
    assert.equal(await reasonFor(pod), undefined);
    child.kill("SIGKILL");
    await rig.until(() => amounts()[1] === "0");
    assert.deepEqual(amounts(), ["2", "0"]);
    await start();
    const other = podOf("q", [asking(1)]);
    assert.equal(await reasonFor(other), undefined);
    assert.deepEqual([...has(pod), ...has(other)].sort(), ["a", "b"]);
  });
});

describe("a hostile device plugin", function () {
  this.timeout(30_000);
  let rig: DeviceRig;
  let plugin: FakePlugin;
  beforeEach(async () => {
    rig = await DeviceRig.open();
    plugin = new FakePlugin(named("a"));
    await plugin.listen(join(rig.folder, "x.sock"));
  });
  afterEach(async () => {
    plugin.stop();
    await rig.close();
  });
  const refused = async (request: Record<string, unknown>, why: RegExp) =>
    assert.rejects(plugin.register(rig.folder, { endpoint: "x.sock", resourceName: gpu, ...request }), why);

  it("is no plugin of another version, of a resource that is not its to offer, or at another place", async () => {
    await refused(
      { version: "v1" },
      /requested API version "v1" is not supported by kubelet. Supported version is \["v1beta1"\]/,
    );
    for (const resourceName of [
      "cpu",
      "kubernetes.io/gpu",
      "x/y/z",
      "requests.a/b",
      "",
      "A b/c",
      `${"a".repeat(300)}/b`,
    ])
      await refused({ resourceName }, /the ResourceName ".*" is invalid/);
    await writeFile(join(rig.folder, "file"), "");
    await symlink(join(rig.folder, "x.sock"), join(rig.folder, "link"));
    await mkdir(join(rig.folder, "a"));
    const deeper = new FakePlugin([]);
    await deeper.listen(join(rig.folder, "a", "b"));
    for (const endpoint of ["", ".", "..", "../x.sock", "/etc/x.sock", "a/b", "nowhere.sock", "file", "link"])
      await refused({ endpoint }, /is no socket in the folder of device plugins/);
    deeper.stop();
    assert.deepEqual(rig.manager.resources.names, []);
  });

  it("is let go when it says what is no list, or what no device can be", async () => {
    const long = "i".repeat(2_000);
    const lists = [
      () => plugin.tell(named("")),
      () => plugin.tell(named(long)),
      () => plugin.tell(named("a\nb")),
    ];
    for (const tell of [...lists, () => plugin.tellBytes(Buffer.from([0xff, 0xff]))]) {
      await plugin.register(rig.folder, { endpoint: "x.sock", resourceName: gpu });
      await rig.until(() => rig.manager.resources.pluginOf(gpu) !== undefined);
      await rig.until(() => rig.manager.devices(gpu).get("a")?.isHealthy === true);
      tell();
      await rig.until(() => rig.manager.resources.pluginOf(gpu) === undefined);
      plugin.tell(named("a"));
    }
  });

  it("answers nothing to Allocate that reaches beyond what a container may be given", async () => {
    await plugin.register(rig.folder, { endpoint: "x.sock", resourceName: gpu });
    await rig.until(() => rig.manager.devices(gpu).size === 1);
    const mount = { containerPath: "/a", hostPath: "/b" };
    const device = { ...mount, permissions: "rw" };
    const answers: readonly (readonly [object, RegExp])[] = [
      [{ mounts: [{ ...mount, hostPath: "b" }] }, /"b" in its answer to Allocate is no path/],
      [{ mounts: [{ ...mount, containerPath: "/a/../../b" }] }, /is no path/],
      [{ devices: [{ ...device, hostPath: "/dev/\0" }] }, /is no path/],
      [
        { devices: [{ ...device, permissions: "rwx" }] },
        /"rwx" in its answer to Allocate is no set of permissions/,
      ],
      [{ envs: [{ key: "A=B", value: "" }] }, /is no environment variable/],
      [{ envs: [{ key: "A", value: "\0" }] }, /is no text/],
      [{ annotations: [{ key: "", value: "" }] }, /is no annotation/],
      [{ cdiDevices: [{ name: "../../x=y" }] }, /is no CDI device/],
      [{ mounts: Array.from({ length: 5_000 }, () => mount) }, /its answer to Allocate is too long/],
    ];
    for (const [answer, why] of answers) {
      plugin.behaviours.set("Allocate", async () => ({ containerResponses: [answer] }));
      const rejection = await rig.admit(podOf("p", [asking(1)]));
      assert.match(rejection?.message ?? "", why);
    }
    plugin.behaviours.set("Allocate", async () => Buffer.from([0xff]));
    assert.match((await rig.admit(podOf("p", [asking(1)])))?.message ?? "", /cannot be read/);
    plugin.behaviours.set("Allocate", async () => Buffer.alloc(5 << 20));
    assert.match((await rig.admit(podOf("p", [asking(1)])))?.message ?? "", /code = ResourceExhausted/);
  });

  it("that hangs holds up nobody else, and nothing that it gives after a pod's end counts", async () => {
    await plugin.register(rig.folder, { endpoint: "x.sock", resourceName: gpu });
    await rig.until(() => rig.manager.devices(gpu).size === 1);
    const other = await rig.plugin(named("b"), { resourceName: "example.com/fpga", endpoint: "fpga.sock" });
    let answer: (value: object) => void = () => undefined;
    plugin.behaviours.set(
      "Allocate",
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const waiting = rig.admit(podOf("p", [asking(1)]));
    await plugin.until(() => plugin.calls("Allocate").length === 1);
    const fpga = { name: "c", image: "i", resources: { limits: { "example.com/fpga": "1" } } };
    assert.equal(await rig.admit(podOf("q", [fpga])), undefined);
    assert.equal(other.calls("Allocate").length, 1);
    rig.manager.forget("p");
    answer({ containerResponses: [{}] });
    await waiting;
    assert.equal(rig.manager.inUse(gpu).size, 0);
  });
});

describe("monitors are told", function () {
  this.timeout(30_000);
  let rig: DeviceRig;
  beforeEach(async () => {
    rig = await DeviceRig.open();
  });
  afterEach(() => rig.close());

  it("which devices there are, and which containers have", async () => {
    await rig.plugin([
      { ID: "a", topology: { nodes: [{ ID: 1 }] } },
      { ID: "b", health: "Unhealthy" },
    ]);
    const init = asking(0, "init");
    const pod = podOf("p", [asking(1)], { initContainers: [init] });
    assert.equal(await rig.admit(pod), undefined);
    rig.pods.push(pod, { ...podOf("over", []), status: { phase: "Failed" } } as Pod);
    const socket = join(rig.dir, "pod-resources", "kubelet.sock");
    const a = { resourceName: gpu, deviceIds: ["a"], topology: { nodes: [{ ID: 1 }] } };
    const [told] = (await askPodResources(socket, "List")).podResources as [{ containers: object[] }];
    assert.deepEqual(JSON.parse(JSON.stringify(told)), {
      name: "p",
      namespace: "default",
      containers: [{ name: "c", devices: [a], cpuIds: [], memory: [], dynamicResources: [] }],
    });
    const all = await askPodResources(socket, "GetAllocatableResources");
    assert.deepEqual(JSON.parse(JSON.stringify(all)), { devices: [a], cpuIds: [], memory: [] });
    const asked = { podName: "p", podNamespace: "default" };
    assert.deepEqual((await askPodResources(socket, "Get", asked)).podResources, told);
    await assert.rejects(
      askPodResources(socket, "Get", { podName: "x", podNamespace: "default" }),
      /pod x in namespace default not found/,
    );
  });

  it("which CPUs and memory are containers' own, and which could be", async () => {
    const cpus = {
      cpusOf: (_: string, name: string) =>
        name === "own" ? { cpus: "2-3", isExclusive: true } : { cpus: "0-1", isExclusive: false },
      allocatable: new Set([3, 1, 2]),
    };
    const pod = podOf("p", [asking(0, "own"), asking(0, "shares")]);
    const block = { numas: [0, 1], type: "memory", bytes: 4096 };
    const memory = {
      blocksOf: (_: string, name: string) => (name === "own" ? [block] : []),
      allocatable: [{ numas: [1], type: "hugepages-2Mi", bytes: 2 ** 21 }],
    };
    const parts = {
      os: { clock: systemClock },
      pods: () => [pod],
      devices: rig.manager,
      ...{ cpus: () => cpus, memory: () => memory },
    };
    const { List, GetAllocatableResources } = podResources(parts);
    const { podResources: [told] = [] } = (await List({})) as { podResources?: { containers: object[] }[] };
    assert.deepEqual(told?.containers, [
      {
        name: "own",
        devices: [],
        cpuIds: [2, 3],
        memory: [{ memoryType: "memory", size: 4096, topology: { nodes: [{ ID: 0 }, { ID: 1 }] } }],
      },
      { name: "shares", devices: [], cpuIds: [], memory: [] },
    ]);
    const all = await GetAllocatableResources({});
    assert.deepEqual(all.cpuIds, [1, 2, 3]);
    assert.deepEqual(all.memory, [
      { memoryType: "hugepages-2Mi", size: 2 ** 21, topology: { nodes: [{ ID: 1 }] } },
    ]);
  });

  it("no more often than is good for the node", async () => {
    const socket = join(rig.dir, "pod-resources", "kubelet.sock");
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, () => askPodResources(socket, "List")),
    );
    const refused = answers.filter(({ status }) => status === "rejected");
    assert.ok(refused.length > 0, "nothing was refused");
    assert.match(String((refused[0] as PromiseRejectedResult).reason), /rejected by rate limit/);
  });
});

import assert from "node:assert/strict";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { testOs } from "../../controlplane/apiserver/testing.ts";
import { nothingReserved } from "../reserved.ts";
import {
  keepNodeLease,
  keepNodeStatus,
  nodeStatusLimits,
  Registration,
  registerNode,
} from "./node-status.ts";
import { testMachine as machine } from "./testing/test-machine.ts";

const config = {
  rootDir: "/tmp",
  programs: [],
  pressure: async () => [],
  updateMs: 10_000,
  leaseSeconds: 40,
};
const node = {
  name: "n1",
  ip: "127.0.0.1",
  port: 10250,
  maxPods: 110,
  labels: {},
  taints: [],
  reserved: nothingReserved,
  runtimeVersion: "r",
  agentVersion: "v",
  supplementalGroups: true,
  recursiveReadOnly: false,
  resizesPods: true,
  externalCloud: false,
  providerId: undefined,
  annotations: {},
};
const leaseRef = { namespace: "kube-node-lease", name: "n1" };

describe("agent/status/node-status", () => {
  let api: FakeApi;
  let clock: ManualClock;
  let tasks: TaskScope;
  beforeEach(async () => {
    api = new FakeApi();
    clock = new ManualClock();
    const os = { ...testOs(), clock, random: systemRandom };
    tasks = new TaskScope(os.log);
    const deps = { client: api, os, machine, node };
    const registered = await registerNode(config, deps, tasks.signal);
    const registration = new Registration(config, deps, registered);
    tasks.run("lease", (signal) => keepNodeLease(config, deps, registration, signal));
    tasks.run("status", (signal) => keepNodeStatus(config, deps, registration, signal));
    await until(() => ownerOfLease() !== undefined);
  });
  /** Moves time on until it holds; what the agent reads of the machine takes real time in between. */
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const nodeUid = () => api.all(resources.nodes)[0]?.metadata.uid;
  afterEach(() => tasks.stop());

  const ownerOfLease = () => api.all(resources.leases)[0]?.metadata.ownerReferences?.[0]?.uid;

  it("gives the lease to the Node that is there after the old one was deleted with its lease", async () => {
    const before = nodeUid();
    assert.equal(ownerOfLease(), before);
    await api.delete(resources.nodes, { name: "n1" });
    await api.delete(resources.leases, leaseRef);
    await until(() => ownerOfLease() !== undefined);
    assert.notEqual(nodeUid(), before);
    assert.equal(ownerOfLease(), nodeUid());
  });

  it("says what the runtime can do of what pods may ask for", () => {
    const { features, runtimeHandlers, declaredFeatures } = api.all(resources.nodes)[0]?.status ?? {};
    assert.deepEqual(declaredFeatures, [
      "InPlacePodLevelResourcesVerticalScaling",
      "RestartAllContainersOnContainerExits",
    ]);
    assert.deepEqual(features, { supplementalGroupsPolicy: true });
    const able = { recursiveReadOnlyMounts: false, userNamespaces: false };
    assert.deepEqual(runtimeHandlers, [{ name: "", features: able }]);
  });

  it("says that it is there when it was given up", async () => {
    const passes = async (holds: () => boolean) => {
      while (!holds()) await new Promise((resolve) => setImmediate(resolve));
    };
    const readiness = () =>
      api.all(resources.nodes)[0]?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    const conditions = [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }];
    const options = { type: "strategic", subresource: "status" } as const;
    await passes(() => clock.pending === 2); // what looks at the machine sleeps, and what renews the lease
    await api.patch(resources.nodes, { name: "n1" }, { status: { conditions } }, options);
    await clock.advance(config.updateMs);
    await passes(() => readiness() === "True");
  });

  it("is ready soon after a new agent has what it waited for, and does not ask for its Node meanwhile", async () => {
    const other = new FakeApi();
    let trouble: string | undefined = "there is no network";
    let asked = 0;
    const waiting = { ...config, runtimeTrouble: async () => trouble };
    other.intercept = async ({ verb }) => {
      if (verb === "get") asked++;
      return undefined;
    };
    const ownClock = new ManualClock();
    const deps = { client: other, os: { ...testOs(), clock: ownClock, random: systemRandom }, machine, node };
    const registered = await registerNode(waiting, deps, tasks.signal);
    const registration = new Registration(waiting, deps, registered);
    const readiness = () =>
      other.all(resources.nodes)[0]?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    assert.equal(readiness(), "False");
    const looks = async (times: number) => {
      for (let look = 0; look < times; look++) {
        while (ownClock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
        await ownClock.advance(nodeStatusLimits.untilReady.lookMs);
      }
    };
    tasks.run("status", (signal) => keepNodeStatus(waiting, deps, registration, signal));
    await looks(4);
    assert.equal(asked, 0);
    trouble = undefined;
    await looks(1);
    while (readiness() !== "True") await new Promise((resolve) => setImmediate(resolve));
    assert.equal(asked, 1);
  });

  it("tells what device plugins offer, and nothing of what those of another machine of its name did", async () => {
    const gpu = "example.com/gpu";
    const other = new FakeApi();
    const amounts = { cpu: "8", [gpu]: "8" };
    await other.create(resources.nodes, {
      metadata: { name: "n1" },
      spec: {},
      status: { capacity: amounts, allocatable: amounts },
    });
    let offered: Record<string, string> = {};
    const devices = { isNew: true, nodeAmounts: () => ({ capacity: offered, allocatable: offered }) };
    const os = { ...testOs(), clock, random: systemRandom };
    const deps = { client: other, os, machine, node: { ...node, devices } };
    const told = async () => {
      const { status } = await other.get(resources.nodes, { name: "n1" });
      return [status?.capacity?.[gpu], status?.allocatable?.[gpu]];
    };
    const registered = await registerNode(config, deps, tasks.signal);
    assert.deepEqual(await told(), ["0", "0"]);
    const registration = new Registration(config, deps, registered);
    tasks.run("its status", (signal) => keepNodeStatus(config, deps, registration, signal));
    offered = { [gpu]: "2" };
    await until(() => other.all(resources.nodes)[0]?.status?.allocatable?.[gpu] === "2");
    assert.deepEqual(await told(), ["2", "2"]);
  });

  it("has its huge pages as resources, in place of as much memory, and none of sizes that are gone", async () => {
    const other = new FakeApi();
    const amounts = { cpu: "8", "hugepages-16Mi": "32Mi" };
    await other.create(resources.nodes, {
      metadata: { name: "n1" },
      spec: {},
      status: { capacity: amounts, allocatable: amounts },
    });
    const hugePages = [
      { pageBytes: 2 ** 21, count: 12 },
      { pageBytes: 2 ** 30, count: 0 },
    ];
    const os = { ...testOs(), clock, random: systemRandom };
    const deps = { client: other, os, machine: { ...machine, hugePages }, node };
    const { status = {} } = await registerNode(config, deps, tasks.signal);
    const pagesOf = (list: Readonly<Record<string, string>> = {}) =>
      Object.entries(list).filter(([name]) => name.startsWith("hugepages-"));
    for (const list of [status.capacity, status.allocatable])
      assert.deepEqual(pagesOf(list), [
        ["hugepages-2Mi", "24Mi"],
        ["hugepages-1Gi", "0"],
      ]);
    assert.deepEqual([status.capacity?.memory, status.allocatable?.memory], ["1048576Ki", "1024000Ki"]);
  });

  it("tells its images once they are known, and when they are others", async () => {
    let known: { names: string[]; sizeBytes: number }[] | undefined;
    const images = {
      get known() {
        return known;
      },
    };
    const other = new FakeApi();
    const os = { ...testOs(), clock, random: systemRandom };
    const deps = { client: other, os, machine, node: { ...node, images } };
    const registered = await registerNode(config, deps, tasks.signal);
    assert.equal(registered.status?.images, undefined);
    const registration = new Registration(config, deps, registered);
    tasks.run("its status", (signal) => keepNodeStatus(config, deps, registration, signal));
    const told = () => JSON.stringify(other.all(resources.nodes)[0]?.status?.images);
    for (const next of [[{ names: ["a:1"], sizeBytes: 5 }], []]) {
      known = next;
      await until(() => told() === JSON.stringify(next));
    }
  });

  it("takes over a lease that an earlier Node of its name owned", async () => {
    await api.delete(resources.leases, leaseRef);
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: "n1", uid: "of-old" }];
    await api.create(resources.leases, { metadata: { ...leaseRef, ownerReferences } });
    await until(() => ownerOfLease() === nodeUid());
  });

  it("keeps conditions that others set while the status was on its way", async () => {
    const network = { type: "NetworkUnavailable", status: "False", reason: "RouteCreated" };
    let sent = false;
    api.intercept = async ({ verb, resource }) => {
      if (verb !== "patch" || resource !== "nodes") return undefined;
      api.intercept = async () => undefined;
      const body = { status: { conditions: [network] } };
      await api.patch(resources.nodes, { name: "n1" }, body, { type: "strategic", subresource: "status" });
      const after = async () => {
        sent = true;
      };
      return { after };
    };
    await until(() => sent);
    const { status } = await api.get(resources.nodes, { name: "n1" });
    assert.deepEqual(status?.conditions?.map(({ type }) => type).sort(), [
      "DiskPressure",
      "MemoryPressure",
      "NetworkUnavailable",
      "PIDPressure",
      "Ready",
    ]);
  });
});

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { CsiDrivers } from "./csi-drivers.ts";
import { watchPlugins } from "./plugin-watch.ts";
import { FakeDriver } from "./testing/fake-driver.ts";

describe("registration of CSI drivers", () => {
  let root: string;
  let registry: string;
  let api: FakeApi;
  let drivers: CsiDrivers;
  let started: FakeDriver[];
  const { signal } = new AbortController();
  const os = { clock: systemClock, random: systemRandom, log: silentLog };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-csi-"));
    registry = join(root, "plugins_registry");
    await mkdir(registry);
    api = new FakeApi();
    await api.create(resources.nodes, { metadata: { name: "n1", labels: { zone: "a" } }, spec: {} } as never);
    drivers = new CsiDrivers({ client: api, os, nodeName: "n1" });
    started = [];
  });
  afterEach(async () => {
    drivers.close();
    for (const driver of started) driver.stop();
    await rm(root, { recursive: true, force: true });
  });

  async function start(
    change: (driver: FakeDriver) => void = () => undefined,
    name = "a.sock",
  ): Promise<FakeDriver> {
    const driver = new FakeDriver(join(root, "data"));
    change(driver);
    started.push(driver);
    await driver.listen(join(registry, name));
    return driver;
  }
  const csiNode = () => api.get(resources.csinodes, { name: "n1" });

  it("tells the cluster of a driver, its limit and from where it is reached, and then the driver", async () => {
    const driver = await start((one) => {
      one.nodeInfo = {
        nodeId: "id",
        maxVolumesPerNode: 2 ** 40,
        accessibleTopology: { segments: [{ key: "topology.fake/rack", value: "r1" }] },
      };
    });
    await drivers.register(join(registry, "a.sock"), signal);
    const { metadata, spec } = await csiNode();
    const node = await api.get(resources.nodes, { name: "n1" });
    assert.equal(metadata.ownerReferences?.[0]?.uid, node.metadata.uid);
    assert.deepEqual(spec.drivers, [
      {
        name: "fake.example.com",
        nodeID: "id",
        topologyKeys: ["topology.fake/rack"],
        allocatable: { count: 2 ** 31 - 1 },
      },
    ]);
    assert.equal(node.metadata.labels?.["topology.fake/rack"], "r1");
    assert.deepEqual(driver.told, [{ pluginRegistered: true, error: "" }]);
    await drivers.unregister(join(registry, "a.sock"), signal);
    assert.deepEqual((await csiNode()).spec.drivers, []);
    assert.throws(() => drivers.get("fake.example.com"), /not found in the list of registered CSI drivers/);
  });

  it("makes the node's CSINode anew where it is that of an earlier Node", async () => {
    await api.create(resources.csinodes, {
      metadata: {
        name: "n1",
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n1", uid: "before" }],
      },
      spec: { drivers: [] },
    } as never);
    await start();
    await drivers.register(join(registry, "a.sock"), signal);
    const { uid } = (await api.get(resources.nodes, { name: "n1" })).metadata;
    assert.equal((await csiNode()).metadata.ownerReferences?.[0]?.uid, uid);
  });

  const segments = (key: string, value: string) => ({
    nodeId: "id",
    accessibleTopology: { segments: [{ key, value }] },
  });
  const answers =
    (call: string, answer: object) =>
    ({ behaviours }: FakeDriver) =>
      behaviours.set(call, async () => answer);
  const plugin = { type: "CSIPlugin", name: "fake.example.com", supportedVersions: ["1.0.0"] };
  for (const [what, change, why] of [
    [
      "a plugin of another kind",
      answers("GetInfo", { ...plugin, type: "DevicePlugin" }),
      /type "DevicePlugin" are not supported/,
    ],
    ["a name that climbs", answers("GetInfo", { ...plugin, name: "../../etc" }), /is no CSI driver's name/],
    [
      "a version to come",
      answers("GetInfo", { ...plugin, supportedVersions: ["2.0.0"] }),
      /none of its versions/,
    ],
    [
      "an endpoint that climbs",
      answers("GetInfo", { ...plugin, endpoint: "/a/../b" }),
      /is not the path of a socket/,
    ],
    [
      "a driver that calls itself otherwise",
      answers("GetPluginInfo", { name: "other" }),
      /calls itself "other"/,
    ],
    ["a node without an id", answers("NodeGetInfo", {}), /its id of this node/],
    [
      "a node with too long an id",
      answers("NodeGetInfo", { nodeId: "i".repeat(300) }),
      /its id of this node/,
    ],
    ["a label that is none", answers("NodeGetInfo", segments("a b", "c")), /its topology \["a b","c"\]/],
    [
      "a label that draws pods",
      answers("NodeGetInfo", segments("node-restriction.kubernetes.io/x", "c")),
      /must not set/,
    ],
    [
      "a label that has another value",
      answers("NodeGetInfo", segments("zone", "b")),
      /topology value collision/,
    ],
    ["an answer without end", answers("NodeGetInfo", Buffer.alloc(2 << 20)), /RESOURCE_EXHAUSTED/],
  ] as const)
    it(`refuses ${what}, and says why`, async () => {
      const driver = await start((one) => void change(one));
      await assert.rejects(drivers.register(join(registry, "a.sock"), signal), why);
      assert.equal(driver.told[0]?.pluginRegistered, false);
      assert.match(driver.told[0]?.error ?? "", why);
      await assert.rejects(csiNode(), /not found/);
      assert.throws(() => drivers.get("fake.example.com"));
    });

  it("leaves a name to whoever has it while its socket is there, and gives it to the next one then", async () => {
    const first = await start();
    await drivers.register(join(registry, "a.sock"), signal);
    await start(undefined, "b.sock");
    await assert.rejects(
      drivers.register(join(registry, "b.sock"), signal),
      /another plugin of this node, at .*a\.sock/,
    );
    first.stop();
    await drivers.register(join(registry, "b.sock"), signal);
    await drivers.unregister(join(registry, "a.sock"), signal);
    drivers.get("fake.example.com");
  });

  it("follows the sockets of a folder: those that come, go, fail and hang, and no links", async () => {
    const abort = new AbortController();
    const heard: string[] = [];
    let bell = deferred<void>();
    const note = (what: string) => {
      heard.push(what);
      bell.resolve();
    };
    const until = async (what: string) => {
      while (!heard.includes(what)) {
        await bell.promise;
        bell = deferred();
      }
    };
    await start(
      ({ behaviours }) => behaviours.set("GetInfo", () => new Promise(() => undefined)),
      "hangs.sock",
    );
    await symlink(join(registry, "hangs.sock"), join(registry, "link.sock"));
    let failures = 0;
    const following = watchPlugins(
      registry,
      {
        os,
        register: async (socket, stop) => {
          const name = socket.slice(registry.length + 1);
          if (name === "fails.sock" && failures++ === 0) throw new Error("not yet");
          note(`begins ${name}`);
          await drivers.register(socket, stop);
          note(`has ${name}`);
        },
        unregister: async (socket, stop) => {
          await drivers.unregister(socket, stop);
          note(`lost ${socket.slice(registry.length + 1)}`);
        },
      },
      abort.signal,
    );
    await until("begins hangs.sock");
    const driver = await start(undefined, "fails.sock");
    await until("has fails.sock");
    assert.equal(failures, 2);
    driver.stop();
    await until("lost fails.sock");
    assert.deepEqual((await csiNode()).spec.drivers, []);
    assert.ok(!heard.some((what) => what.includes("link.sock")));
    abort.abort(new Error("over"));
    await following;
  });
});

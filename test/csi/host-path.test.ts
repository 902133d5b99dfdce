import { strict as assert } from "node:assert";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAgent } from "../../agent/agent.ts";
import { CsiError } from "../../agent/csi/driver-calls.ts";
import { FakeDriver } from "../../agent/csi/testing/fake-driver.ts";
import { agentConfig, agentFlags } from "../../agent/flags.ts";
import { SocketCalls } from "../../agent/socket-calls.ts";
import { nodeIdentity, openAdministrator, until } from "../../agent/testing/whole-node.ts";
import { mountPoints, removeMounts } from "../../agent/volumes/sub-paths.ts";
import { systemClock } from "../../base/os/clock.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { createLog } from "../../base/os/log.ts";
import type { Running } from "../../base/os/os.ts";
import { systemRandom } from "../../base/os/random.ts";
import { clampedInt64, message, nested, repeated, string } from "../../base/protobuf.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { Pod } from "../../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";

const program = process.env.PINTLE_CSI_HOSTPATH ?? "";
const driverName = "hostpath.csi.k8s.io";

const capability = message({
  block: nested(1, message({})),
  mount: nested(2, message({ fsType: string(1) })),
  accessMode: nested(3, message({ mode: clampedInt64(1) })),
});
const controllerCalls = {
  CreateVolume: [
    message({
      name: string(1),
      capacityRange: nested(2, message({ requiredBytes: clampedInt64(1) })),
      volumeCapabilities: repeated(nested(3, capability)),
    }),
    message({ volume: nested(1, message({ capacityBytes: clampedInt64(1), volumeId: string(2) })) }),
  ],
  ControllerExpandVolume: [
    message({
      volumeId: string(1),
      capacityRange: nested(2, message({ requiredBytes: clampedInt64(1) })),
    }),
    message({ capacityBytes: clampedInt64(1) }),
  ],
  DeleteVolume: [message({ volumeId: string(1) }), message({})],
} as const;

// One whole agent with Kubernetes' own driver for tests, csi-driver-host-path, whose binary PINTLE_CSI_HOSTPATH names.
describe("a node with csi-driver-host-path", function () {
  this.timeout(180_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running;
  let driver: ChildProcess;
  let registrar: FakeDriver;
  let argv: string[];
  let controller: SocketCalls<typeof controllerCalls, CsiError>;
  const mi = 2 ** 20;
  const start = () =>
    startAgent(agentConfig(parseFlags(agentFlags, argv).flags), {
      ...testOs(),
      log: createLog({ level: "error", format: "text" }),
    });
  const socket = () => join(dir, "csi.sock");
  async function startDriver(): Promise<void> {
    const flags = [
      `--drivername=${driverName}`,
      `--endpoint=unix://${socket()}`,
      "--nodeid=n1",
      `--statedir=${dir}/driver`,
      "--attach-limit=7",
    ];
    driver = spawn(program, flags, { stdio: "ignore" });
    await until(
      async () => existsSync(socket()),
      (there) => there,
    );
  }
  async function killDriver(): Promise<void> {
    const ended = new Promise((resolve) => driver.once("exit", resolve));
    driver.kill("SIGKILL");
    await ended;
    await rm(socket(), { force: true });
  }

  before(async function () {
    if (!existsSync(program) || process.getuid?.() !== 0) this.skip();
    dir = await mkdtemp(join(tmpdir(), "pintle-csi-hostpath-"));
    await mkdir(join(dir, "driver"));
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir)),
      "--allow-host-image",
      "--address=127.0.0.1",
      "--port=0",
      "--runtime=process",
      "--pod-cidr=127.68.1.0/24",
    ];
    client = await openAdministrator(api);
    await client.create(resources.csidrivers, {
      metadata: { name: driverName },
      spec: {
        attachRequired: false,
        podInfoOnMount: true,
        fsGroupPolicy: "File",
        volumeLifecycleModes: ["Persistent", "Ephemeral"],
      },
    } as never);
    agent = await start();
    await startDriver();
    // What node-driver-registrar does.
    registrar = new FakeDriver(dir);
    registrar.name = driverName;
    registrar.endpoint = socket();
    await registrar.listen(join(dir, "root/plugins_registry/hostpath-reg.sock"));
    controller = new SocketCalls(
      controllerCalls,
      {
        socket: socket(),
        service: "csi.v1.Controller",
        who: "the driver",
        callMs: 20_000,
        answerBytesMost: 1 << 20,
        errorOf: (failure) => new CsiError(failure),
      },
      { clock: systemClock, random: systemRandom },
    );
  });
  after(async () => {
    if (driver === undefined) return;
    await client.deleteCollection(resources.pods, { namespace: "default", gracePeriodSeconds: 1 });
    await gone();
    await agent.stop();
    controller.close();
    registrar.stop();
    await killDriver();
    client.close();
    await api.stop();
    await removeMounts(dir);
    await rm(dir, { recursive: true, force: true });
  });

  /** The API forgets a pod that has ended at once, the node when all is undone. */
  const gone = async () => {
    await until(
      () => client.list(resources.pods, { namespace: "default" }),
      ({ items }) => items.length === 0,
    );
    await until(mountPoints, (all) => !all.some((path) => path.startsWith(dir)));
  };
  const pod = (name: string, wanted: (pod: Pod) => boolean) =>
    until(() => client.get(resources.pods, { namespace: "default", name }), wanted);
  const run = (name: string, script: string, { spec, container }: { spec: object; container: object }) =>
    client.create(resources.pods, {
      metadata: { name, namespace: "default" },
      spec: {
        nodeName: "n1",
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        restartPolicy: "Never",
        containers: [
          { name: "c", image: "pintle.local/host", command: ["/bin/sh", "-c", script], ...container },
        ],
        ...spec,
      },
    } as never);
  const remove = async (name: string) => {
    await client.delete(resources.pods, { namespace: "default", name }, { gracePeriodSeconds: 1 });
    await gone();
  };

  /** What external-provisioner and the binder make of a claim. */
  async function provide(name: string, volumeMode: "Filesystem" | "Block"): Promise<string> {
    const accessMode = { mode: 1 };
    const { volume } = await controller.ask("CreateVolume", {
      name,
      capacityRange: { requiredBytes: mi },
      volumeCapabilities: [volumeMode === "Block" ? { block: {}, accessMode } : { mount: {}, accessMode }],
    });
    const claim = await client.create(resources.persistentvolumeclaims, {
      metadata: { name, namespace: "default", annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Mi" } },
        volumeName: name,
        volumeMode,
        storageClassName: "",
      },
    } as never);
    await client.create(resources.persistentvolumes, {
      metadata: { name },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Mi" },
        volumeMode,
        claimRef: { name, namespace: "default", uid: claim.metadata.uid },
        csi: { driver: driverName, volumeHandle: volume?.volumeId },
      },
    } as never);
    await client.patch(
      resources.persistentvolumeclaims,
      { name, namespace: "default" },
      { status: { phase: "Bound", capacity: { storage: "1Mi" } } },
      { type: "merge", subresource: "status" },
    );
    return volume?.volumeId ?? "";
  }
  const ofClaim = (claimName: string) => [{ name: "v", persistentVolumeClaim: { claimName } }];

  it("has it in its CSINode, with its limit and topology", async () => {
    const { items } = await until(
      () => client.list(resources.csinodes),
      (list) => list.items[0]?.spec.drivers.length === 1,
    );
    assert.deepEqual(items[0]?.spec.drivers, [
      {
        name: driverName,
        nodeID: "n1",
        topologyKeys: ["topology.hostpath.csi/node"],
        allocatable: { count: 7 },
      },
    ]);
  });

  it("keeps what a pod writes, over the ends of the agent and of the driver, and makes it larger", async () => {
    const id = await provide("files", "Filesystem");
    const mounts = { volumeMounts: [{ name: "v", mountPath: "/data" }] };
    const spec = { volumes: ofClaim("files"), securityContext: { fsGroup: 4321 } };
    const write = 'echo kept > "$PINTLE_ROOT/data/file"; stat -Lc %g "$PINTLE_ROOT/data"; exec sleep 1000';
    await run("writer", write, { spec, container: mounts });
    await pod("writer", ({ status }) => status?.containerStatuses?.[0]?.ready === true);
    await agent.stop();
    await killDriver();
    await startDriver();
    agent = await start();
    await controller.ask("ControllerExpandVolume", {
      volumeId: id,
      capacityRange: { requiredBytes: 2 * mi },
    });
    const capacity = { storage: "2Mi" };
    await client.patch(
      resources.persistentvolumes,
      { name: "files" },
      { spec: { capacity } },
      { type: "merge" },
    );
    await until(
      () => client.get(resources.persistentvolumeclaims, { namespace: "default", name: "files" }),
      ({ status }) => status?.capacity?.storage === "2Mi",
    );
    await remove("writer");
    const read =
      'test "$(cat "$PINTLE_ROOT/data/file")" = kept && test "$(stat -Lc %g "$PINTLE_ROOT/data")" = 4321';
    await run("reader", read, { spec, container: mounts });
    await pod("reader", ({ status }) => status?.phase === "Succeeded");
    await remove("reader");
    await controller.ask("DeleteVolume", { volumeId: id });
  });

  it("shows inline volumes that go with their pod", async () => {
    const mounts = { volumeMounts: [{ name: "v", mountPath: "/data" }] };
    const csi = { driver: driverName, volumeAttributes: { size: "1Mi" } };
    await run("inline", 'echo x > "$PINTLE_ROOT/data/file"', {
      spec: { volumes: [{ name: "v", csi }] },
      container: mounts,
    });
    await pod("inline", ({ status }) => status?.phase === "Succeeded");
    await remove("inline");
    assert.deepEqual(
      spawnSync("find", [join(dir, "driver"), "-name", "file"], { encoding: "utf8" }).stdout,
      "",
    );
  });

  it("shows block volumes as devices", async function () {
    if (spawnSync("losetup", ["--find"]).status !== 0) this.skip();
    const id = await provide("device", "Block");
    const devices = { volumeDevices: [{ name: "v", devicePath: "/dev/data" }] };
    const script = 'test -b "$PINTLE_ROOT/dev/data" && blockdev --getsize64 "$PINTLE_ROOT/dev/data"';
    await run("block", script, { spec: { volumes: ofClaim("device") }, container: devices });
    await pod("block", ({ status }) => status?.phase === "Succeeded");
    await remove("block");
    await controller.ask("DeleteVolume", { volumeId: id });
  });
});

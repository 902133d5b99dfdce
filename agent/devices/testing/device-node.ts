import { strict as assert } from "node:assert";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../base/os/flags.ts";
import { createLog } from "../../../base/os/log.ts";
import type { Running } from "../../../base/os/os.ts";
import { loadKubeconfig } from "../../../client/kubeconfig.ts";
import { resources } from "../../../client/resources.ts";
import { RestClient } from "../../../client/rest.ts";
import type { Container, Pod } from "../../../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../../controlplane/apiserver/testing.ts";
import { startAgent } from "../../agent.ts";
import { agentConfig, agentFlags } from "../../flags.ts";
import { readOptional } from "../../runtime/supervised/records.ts";
import { mustRun } from "../../runtime/supervised/run-command.ts";
import { tearDownNode } from "../../teardown.ts";
import { nodeIdentity, until } from "../../testing/whole-node.ts";
import { gpu } from "./device-rig.ts";
import { askPodResources, FakePlugin } from "./fake-plugin.ts";

// One whole agent with real containers, and a whole API server, in a network and with mounts of their own: `whole-agent.test.ts`
// makes them.
const nodeIp = "10.98.0.1";
const nodeName = `devices-${process.pid}`;

describe("agent, with device plugins and pods' own users", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running | undefined;
  let argv: string[];
  let plugin: FakePlugin;
  const os = () => ({ ...testOs(), log: createLog({ level: "error", format: "text" }) });
  const start = async () => {
    agent = await startAgent(agentConfig(parseFlags(agentFlags, argv).flags), os());
  };
  const folder = () => join(dir, "root", "device-plugins");
  const register = async () => {
    await rm(join(folder(), "gpu.sock"), { force: true });
    await plugin.listen(join(folder(), "gpu.sock"));
    await plugin.register(folder(), { endpoint: "gpu.sock", resourceName: gpu });
  };
  const amounts = async () => {
    const { status } = await client.get(resources.nodes, { name: nodeName });
    return [status?.capacity?.[gpu], status?.allocatable?.[gpu]];
  };
  const isAmount = (...wanted: readonly string[]) =>
    until(amounts, (found) => JSON.stringify(found) === JSON.stringify(wanted));

  before(async () => {
    for (const words of ["link set lo up", `addr add ${nodeIp}/32 dev lo`])
      await mustRun(["ip", ...words.split(" ")]);
    dir = await mkdtemp(join(tmpdir(), "pintle-devices-"));
    await chmod(dir, 0o711);
    for (const name of ["root", "told", "lib", "etc", "work"]) await mkdir(join(dir, name));
    await chmod(join(dir, "told"), 0o777); // not all of them are root
    await writeFile(join(dir, "lib", "driver"), "of the host");
    // This mount namespace's own: nothing of it comes to the host's disk.
    const options = `lowerdir=/etc,upperdir=${dir}/etc,workdir=${dir}/work`;
    await mustRun(["mount", "-t", "overlay", "overlay", "-o", options, "/etc"]);
    await mkdir("/etc/cdi", { recursive: true });
    const edits = { env: ["FROM_CDI=yes"], deviceNodes: [{ path: "/dev/cdi-zero", hostPath: "/dev/zero" }] };
    const devices = [{ name: "a", containerEdits: edits }];
    await writeFile(
      "/etc/cdi/gpu.json",
      JSON.stringify({ cdiVersion: "0.6.0", kind: "example.com/gpu", devices }),
    );
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir, { nodeName, address: nodeIp })),
      "--allow-host-image",
      `--node-ip=${nodeIp}`,
      "--port=0",
      "--ingress=false",
      "--pod-cidr=10.99.1.0/24",
      "--service-cluster-ip-range=10.97.0.0/24",
      "--node-status-update-frequency=1s",
    ];
    client = new RestClient(loadKubeconfig(api.kubeconfig));
    for (const name of ["default", "kube-node-lease"])
      await client
        .create(resources.namespaces, { metadata: { name }, spec: {} })
        .catch((error: unknown) => assert.match(String(error), /already exists/));
    plugin = new FakePlugin([{ ID: "a" }, { ID: "b" }]);
    plugin.behaviours.set("Allocate", async () => ({
      containerResponses: [
        {
          envs: [{ key: "GPU", value: "mine" }],
          mounts: [{ containerPath: "/mnt/lib", hostPath: join(dir, "lib"), readOnly: true }],
          devices: [{ containerPath: "/dev/own-null", hostPath: "/dev/null", permissions: "rw" }],
          cdiDevices: [{ name: "example.com/gpu=a" }],
        },
      ],
    }));
    await start();
  });
  after(async () => {
    try {
      await client.deleteCollection(resources.pods, { namespace: "default", gracePeriodSeconds: 1 });
      await until(
        () => client.list(resources.pods, { namespace: "default" }),
        ({ items }) => items.length === 0,
      );
    } finally {
      plugin.stop();
      await agent?.stop();
      await tearDownNode({ rootDir: `${dir}/root`, nodeName, runtime: "oci" }, os());
      client.close();
      await api.stop();
      await mustRun(["umount", "-l", "/etc"]);
      await rm(dir, { recursive: true, force: true });
    }
  });
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    const { items } = await client.list(resources.events, { namespace: "default" });
    for (const one of items) console.error(one.involvedObject.name, one.reason, one.message);
  });

  /** What it says is in the file of its name; then it sleeps. */
  const run = (
    name: string,
    script: string,
    container: Partial<Container>,
    more: Partial<Pod["spec"]> = {},
    volumeMounts?: Container["volumeMounts"],
  ) =>
    client.create(resources.pods, {
      metadata: { name, namespace: "default" },
      spec: {
        nodeName,
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "c",
            image: "pintle.local/host",
            command: [
              "/bin/sh",
              "-c",
              `(${script}) > /told/new-${name} 2>&1; mv /told/new-${name} /told/${name}; exec sleep 1000`,
            ],
            ...container,
            volumeMounts: volumeMounts ?? [
              { name: "told", mountPath: "/told" },
              { name: "own", mountPath: "/own" },
            ],
          },
        ],
        volumes: [
          { name: "told", hostPath: { path: join(dir, "told") } },
          { name: "own", emptyDir: {} },
          { name: "memory", emptyDir: { medium: "Memory" } },
          { name: "words", configMap: { name: "words", optional: true } },
        ],
        ...more,
      },
    });
  const told = (name: string) =>
    until(
      () => readOptional(join(dir, "told", name)),
      (text) => text !== undefined,
    );
  const asks = (count: number) => ({
    resources: { limits: { [gpu]: String(count) }, requests: { [gpu]: String(count) } },
  });
  const look =
    "echo $GPU $FROM_CDI; cat /mnt/lib/driver; echo; touch /mnt/lib/x 2>&1 | grep -o Read-only; stat -c '%F %t:%T' /dev/own-null /dev/cdi-zero; head -c1 /dev/cdi-zero | od -An -tu1";
  const seen = [
    "mine yes",
    "of the host",
    "Read-only",
    "character special file 1:3",
    "character special file 1:5",
    "   0",
    "",
  ].join("\n");

  it("tells what plugins offer, and gives it to containers", async () => {
    await register();
    await isAmount("2", "2");
    await run("with", look, asks(1));
    assert.equal(await told("with"), seen);
    const status = await until(
      () => client.get(resources.pods, { namespace: "default", name: "with" }),
      ({ status: now }) => now?.containerStatuses?.[0]?.allocatedResourcesStatus !== undefined,
    );
    const [{ name, resources: devices = [] } = { name: "" }] =
      status.status?.containerStatuses?.[0]?.allocatedResourcesStatus ?? [];
    assert.deepEqual([name, devices.map(({ health }) => health)], [gpu, ["Healthy"]]);
    const { podResources } = await askPodResources(
      join(dir, "root", "pod-resources", "kubelet.sock"),
      "List",
    );
    assert.match(JSON.stringify(podResources), /"name":"with".*"resourceName":"example.com\/gpu"/);
  });

  it("refuses pods for which there is nothing left, whoever bound them", async () => {
    await run("too-much", "true", asks(2));
    const { status } = await until(
      () => client.get(resources.pods, { namespace: "default", name: "too-much" }),
      (pod) => pod.status?.phase === "Failed",
    );
    assert.deepEqual(
      [status?.reason, status?.message],
      [
        `OutOf${gpu}`,
        `Pod was rejected: Node didn't have enough resource: ${gpu}, requested: 2, used: 1, capacity: 2`,
      ],
    );
  });

  it("goes on after the plugin went, and after an agent's end, with what containers have", async () => {
    plugin.stop();
    await isAmount("2", "0");
    await agent?.stop();
    await start();
    await isAmount("0", "0");
    const pod = await client.get(resources.pods, { namespace: "default", name: "with" });
    assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0);
    plugin = new FakePlugin([{ ID: "a" }, { ID: "b" }]);
    await register();
    await isAmount("2", "2");
    await run("next", "echo $DEVICES", asks(1));
    assert.match((await told("next")) ?? "", /^[ab]\n$/);
    const { PodDeviceEntries } = JSON.parse(
      await readFile(join(folder(), "kubelet_internal_checkpoint"), "utf8"),
    ).Data;
    const given = PodDeviceEntries.flatMap(({ DeviceIDs }: { DeviceIDs: object }) =>
      Object.values(DeviceIDs).flat(),
    );
    assert.deepEqual(given.sort(), ["a", "b"]);
  });

  it("gives pods users of their own: root there is nobody here, and files are root's on both sides", async function () {
    const { status } = await client.get(resources.nodes, { name: nodeName });
    if (!status?.runtimeHandlers?.[0]?.features?.userNamespaces) this.skip();
    for (const name of ["with", "next"])
      await client.delete(resources.pods, { namespace: "default", name }, { gracePeriodSeconds: 1 });
    await until(
      () => client.list(resources.pods, { namespace: "default" }),
      ({ items }) => items.every((pod) => pod.metadata.name === "too-much"),
    );
    const script = [
      "id -u",
      "cat /proc/self/uid_map",
      "touch /own/file /told/of-users /run/mine",
      "stat -c %u:%g /own/file /run/mine /etc/passwd /etc/hosts",
      "chown 5:6 /own/file && stat -c %u:%g /own/file",
      "hostname",
      "mknod /run/null c 1 3 2>/dev/null || echo no device is made",
      "echo x > /dev/own-null && echo written",
      "ip link set lo down && echo its own network",
    ].join("; ");
    plugin.behaviours.set("Allocate", async () => ({
      containerResponses: [
        { devices: [{ containerPath: "/dev/own-null", hostPath: "/dev/null", permissions: "rw" }] },
      ],
    }));
    const capabilities = { add: ["NET_ADMIN"] };
    await run("users", script, { ...asks(1), securityContext: { capabilities } }, { hostUsers: false });
    const [uid, map = "", ...rest] = ((await told("users")) ?? "").trimEnd().split("\n");
    const first = Number(/^\s*0\s+(\d+)\s+65536$/.exec(map)?.[1]);
    assert.ok(first >= 65_536, map);
    assert.deepEqual(
      [uid, ...rest],
      ["0", "0:0", "0:0", "0:0", "0:0", "5:6", "users", "no device is made", "written", "its own network"],
    );
    assert.equal((await stat(join(dir, "told", "of-users"))).uid, 0);
    const pod = await client.get(resources.pods, { namespace: "default", name: "users" });
    const volumes = join(dir, "root", "pods", pod.metadata.uid, "volumes", "own");
    assert.equal((await stat(join(volumes, "file"))).uid, 5);
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const owners = await Promise.all(
      pids.map(async (pid) => {
        const text = (await readOptional(`/proc/${pid}/status`)) ?? "";
        return Number(/^Uid:\s+(\d+)/m.exec(text)?.[1]);
      }),
    );
    assert.ok(owners.includes(first), "no process on the node is the pod's root");
    await agent?.stop();
    await start();
    await run("others", "cat /proc/self/uid_map", {}, { hostUsers: false });
    const other = Number(/^\s*0\s+(\d+)/.exec((await told("others")) ?? "")?.[1]);
    assert.ok(other >= 65_536 && other !== first, `${other} and ${first}`);
    await client.create(resources.configmaps, {
      metadata: { name: "words", namespace: "default" },
      data: { word: "hello" },
    });
    const more = [
      { name: "memory", mountPath: "/memory" },
      { name: "words", mountPath: "/words" },
      { name: "own", mountPath: "/part", subPath: "part" },
      { name: "told", mountPath: "/told" },
    ];
    const every = [
      "cat /words/word; echo",
      "touch /memory/x /part/y",
      "stat -Lc %u:%g /memory/x /part/y /words/word",
      "id -u; id -G",
      "cat /proc/1/comm",
    ].join("; ");
    await run(
      "every",
      every,
      { securityContext: { runAsUser: 1000 } },
      {
        hostUsers: false,
        shareProcessNamespace: true,
        securityContext: { fsGroup: 2000, runAsGroup: 0 },
      },
      more,
    );
    assert.equal(await told("every"), "hello\n1000:2000\n1000:2000\n0:2000\n1000\n0 2000\nsleep\n");
    const unmasked = { securityContext: { procMount: "Unmasked" } };
    await run(
      "unmasked",
      "head -c1 /proc/keys > /dev/null && grep -c ' /proc/' /proc/self/mounts",
      unmasked,
      {
        hostUsers: false,
      },
    );
    assert.equal(await told("unmasked"), "0\n");
  });
});

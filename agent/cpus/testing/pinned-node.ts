import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../base/os/flags.ts";
import { createLog } from "../../../base/os/log.ts";
import type { Running } from "../../../base/os/os.ts";
import { resources } from "../../../client/resources.ts";
import type { RestClient } from "../../../client/rest.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../../controlplane/apiserver/testing.ts";
import { startAgent } from "../../agent.ts";
import { agentConfig, agentFlags } from "../../flags.ts";
import { readOptional } from "../../runtime/supervised/records.ts";
import { mustRun } from "../../runtime/supervised/run-command.ts";
import { tearDownNode } from "../../teardown.ts";
import { nodeIdentity, openAdministrator, until } from "../../testing/whole-node.ts";
import { cpuSetText, parseCpuSet, union } from "../cpu-set.ts";
import { readCpuTopology } from "../cpu-topology.ts";

// One whole agent with real containers, and a whole API server, in a network and with mounts of their own: `pinned-node.test.ts`
// makes them. Each pod tells again and again which CPUs it may run on.
const mi = 2 ** 20;
const nodeIp = "10.98.0.1";
const nodeName = `pinned-${process.pid}`;

describe("agent, with CPUs that are containers' own", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running | undefined;
  let argv: string[];
  let all: string;
  const os = () => ({ ...testOs(), log: createLog({ level: "error", format: "text" }) });
  const start = async () => {
    agent = await startAgent(agentConfig(parseFlags(agentFlags, argv).flags), os());
  };

  before(async () => {
    for (const words of ["link set lo up", `addr add ${nodeIp}/32 dev lo`])
      await mustRun(["ip", ...words.split(" ")]);
    all = cpuSetText(new Set((await readCpuTopology()).map(({ id }) => id)));
    dir = await mkdtemp(join(tmpdir(), "pintle-pinned-"));
    for (const name of ["root", "told"]) await mkdir(join(dir, name));
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir, { nodeName, address: nodeIp })),
      "--allow-host-image",
      `--node-ip=${nodeIp}`,
      "--port=0",
      "--ingress=false",
      "--pod-cidr=10.99.1.0/24",
      "--service-cluster-ip-range=10.97.0.0/24",
      "--cpu-manager-policy=static",
      "--reserved-cpus=0",
      "--memory-manager-policy=Static",
      "--reserved-memory=0:memory=100Mi", // what is left where pods are evicted
    ];
    client = await openAdministrator(api);
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
      await agent?.stop();
      await tearDownNode({ rootDir: `${dir}/root`, nodeName, runtime: "oci" }, os());
      client.close();
      await api.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });

  const run = (
    name: string,
    amounts: object,
    asks = "grep ^Cpus_allowed_list: /proc/self/status",
    more = {},
  ) => {
    const script = `while :; do ${asks} > /mnt/new-${name}; mv /mnt/new-${name} /mnt/${name}; sleep 0.1; done`;
    return client.create(resources.pods, {
      metadata: { name, namespace: "default" },
      spec: {
        nodeName,
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "c",
            image: "pintle.local/host",
            command: ["/bin/sh", "-c", script],
            resources: amounts,
            volumeMounts: [{ name: "told", mountPath: "/mnt" }],
          },
        ],
        volumes: [{ name: "told", hostPath: { path: join(dir, "told") } }],
        ...more,
      },
    });
  };
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    const { items } = await client.list(resources.events, { namespace: "default" });
    for (const one of items) console.error(one.involvedObject.name, one.reason, one.message);
  });
  const runsOn = async (name: string) =>
    /:\s*(\S+)/.exec((await readOptional(join(dir, "told", name))) ?? "")?.[1] ?? "";

  it("moves the others away, goes on after a restart, and gives CPUs back", async () => {
    await run("sharing", {});
    await until(
      () => runsOn("sharing"),
      (cpus) => cpus === all,
    );
    const amounts = { cpu: "1", memory: "32Mi" };
    await run("own", { requests: amounts, limits: amounts });
    const own = await until(
      () => runsOn("own"),
      (cpus) => cpus !== "",
    );
    assert.equal(parseCpuSet(own)?.size, 1);
    const shared = await until(
      () => runsOn("sharing"),
      (cpus) => cpus !== all,
    );
    assert.equal(cpuSetText(union(parseCpuSet(own) ?? new Set(), parseCpuSet(shared) ?? new Set())), all);
    assert.ok(parseCpuSet(shared)?.has(0) && !parseCpuSet(shared)?.has(Number(own)));
    await agent?.stop();
    await start();
    await run("late", {});
    await until(
      () => runsOn("late"),
      (cpus) => cpus === shared,
    );
    assert.deepEqual([await runsOn("own"), await runsOn("sharing")], [own, shared]);
    const state = JSON.parse(await readFile(join(dir, "root/memory_manager_state"), "utf8"));
    const block = { numaAffinity: [0], type: "memory", size: 32 * mi };
    assert.deepEqual(Object.values(state.entries), [{ c: [block] }]);
    await client.delete(resources.pods, { namespace: "default", name: "own" }, { gracePeriodSeconds: 1 });
    for (const name of ["sharing", "late"])
      await until(
        () => runsOn(name),
        (cpus) => cpus === all,
      );
    const { items } = await client.list(resources.pods, { namespace: "default" });
    const restarts = items.flatMap(({ status }) => status?.containerStatuses ?? []);
    assert.deepEqual(
      restarts.filter(({ restartCount }) => restartCount > 0),
      [],
    );
  });

  it("holds a pod to what it may take as a whole, also when that changes as it runs", async () => {
    const whole = (memory: string) => ({ requests: { memory }, limits: { memory } });
    const files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes";
    await run("whole", {}, `cat ${files} 2>/dev/null`, { resources: whole("64Mi") });
    const heldTo = async () => Number(await readOptional(join(dir, "told/whole")));
    await until(heldTo, (bytes) => bytes === 64 * mi);
    const ref = { namespace: "default", name: "whole" };
    const body = { spec: { resources: whole("96Mi") } };
    await client.patch(resources.pods, ref, body, { type: "merge", subresource: "resize" });
    await until(heldTo, (bytes) => bytes === 96 * mi);
    const { status } = await until(
      () => client.get(resources.pods, ref),
      (pod) => pod.status?.resources?.limits?.memory === "96Mi",
    );
    assert.deepEqual(status?.allocatedResources, { memory: "96Mi" });
    assert.equal(status?.containerStatuses?.[0]?.restartCount, 0);
  });
});

import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readFile, rm, statfs } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../base/os/flags.ts";
import { createLog } from "../../../base/os/log.ts";
import type { Running } from "../../../base/os/os.ts";
import { resources } from "../../../client/resources.ts";
import type { RestClient } from "../../../client/rest.ts";
import type { Node, Pod } from "../../../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../../controlplane/apiserver/testing.ts";
import { startAgent } from "../../agent.ts";
import { agentConfig, agentFlags } from "../../flags.ts";
import { mustRun } from "../../runtime/supervised/run-command.ts";
import { tearDownNode } from "../../teardown.ts";
import { nodeIdentity, openAdministrator, until } from "../../testing/whole-node.ts";
import { processNumbersOf } from "../observe-node.ts";
import type { PressureCondition } from "../signals.ts";

// One whole agent on a small disk, with a whole API server, in a network and with mounts of their own: `full-node.test.ts` makes
// them. A pod fills the node in one way after the other. Each time it alone has to go, the node has to say what it lacks,
// and all has to be as before.
const nodeIp = "10.98.0.1";
const nodeName = `full-${process.pid}`;
const mi = 2 ** 20;
const diskBytes = 96 * mi;
const podsBytes = 256 * mi;
const shortTransition = "--eviction-pressure-transition-period=5s";

describe("agent, on a node that a pod fills", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running | undefined;
  let argv: string[];
  /** Of the agent that runs, beside these. */
  let flags: readonly string[] = [];
  /** Each condition of the node that was not as it should be, ever since the agent began. */
  let seen: Set<string>;
  let watching: AbortController;
  const os = () => ({ ...testOs(), log: createLog({ level: "error", format: "text" }) });

  before(async () => {
    for (const words of ["link set lo up", `addr add ${nodeIp}/32 dev lo`])
      await mustRun(["ip", ...words.split(" ")]);
    dir = await mkdtemp(join(tmpdir(), "pintle-full-"));
    await mkdir(`${dir}/root`);
    await mustRun([
      "mount",
      "-t",
      "tmpfs",
      "-o",
      `size=${diskBytes},nr_inodes=20000,mode=711`,
      "disk",
      `${dir}/root`,
    ]);
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir, { nodeName, address: nodeIp })),
      "--allow-host-image",
      `--node-ip=${nodeIp}`,
      "--port=0",
      "--ingress=false",
      "--pod-cidr=10.99.1.0/24",
      "--service-cluster-ip-range=10.97.0.0/24",
      "--node-status-update-frequency=200ms",
    ];
    client = await openAdministrator(api);
    await start();
    await run("bystander", "echo here; exec sleep 100000", { requests: { memory: "32Mi" } });
    await pod("bystander", isReady);
  });
  after(async () => {
    try {
      await client.deleteCollection(resources.pods, { namespace: "default", gracePeriodSeconds: 1 });
      await until(
        () => client.list(resources.pods, { namespace: "default" }),
        ({ items }) => items.length === 0,
      );
    } finally {
      await stop();
      await tearDownNode({ rootDir: `${dir}/root`, nodeName, runtime: "oci" }, os());
      client.close();
      await api.stop();
      await mustRun(["umount", "-l", `${dir}/root`]);
      await rm(dir, { recursive: true, force: true });
    }
  });

  async function start(...more: string[]): Promise<void> {
    flags = more;
    agent = await startAgent(agentConfig(parseFlags(agentFlags, [...argv, ...more]).flags), os());
    seen = new Set();
    watching = new AbortController();
    void follow(watching.signal);
  }
  async function stop(): Promise<void> {
    watching?.abort();
    await agent?.stop();
    agent = undefined;
  }
  /** Remembers all that the node ever told. */
  async function follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of client.watch(resources.nodes, {}, signal))
        if (event.type !== "BOOKMARK") for (const one of troubles(event.object)) seen.add(one);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  const run = (
    name: string,
    script: string,
    { requests = {}, command = ["/bin/sh", "-c", script] }: { requests?: object; command?: string[] } = {},
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
            command,
            resources: { requests: { ...requests } },
            volumeMounts: [{ name: "scratch", mountPath: "/mnt" }],
          },
        ],
        volumes: [{ name: "scratch", emptyDir: {} }],
      },
    });
  const pod = (name: string, wanted: (pod: Pod) => boolean) =>
    until(() => client.get(resources.pods, { namespace: "default", name }), wanted);
  const isReady = ({ status }: Pod) =>
    status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  const hasEnded = ({ status }: Pod) => status?.phase === "Failed" || status?.phase === "Succeeded";
  const untilTold = (wanted: readonly PressureCondition[]) =>
    until(
      () => client.get(resources.nodes, { name: nodeName }),
      (node) => troubles(node).join() === wanted.join(),
    );
  /** What shows that nothing happened to the pod. */
  const bystander = async () => {
    const { status } = await client.get(resources.pods, { namespace: "default", name: "bystander" });
    const [container] = status?.containerStatuses ?? [];
    return [status?.phase, container?.ready, container?.restartCount, container?.containerID];
  };
  const free = async () => {
    const { bavail, bsize, ffree } = await statfs(`${dir}/root`);
    return { bytes: bavail * bsize, inodes: ffree };
  };

  /** A pod fills the node, has to go for it, and all is as before: once the node no longer tells of it, be it by itself (with a
   *  short transition) or because another agent looks. Meanwhile it refuses pods. */
  async function fills(
    condition: PressureCondition,
    resource: string,
    filler: { readonly script?: string; readonly perl?: string },
  ): Promise<string> {
    const isShort = flags.includes(shortTransition);
    const before = await bystander();
    await untilTold([]);
    const command = filler.perl === undefined ? undefined : ["/usr/bin/perl", "-e", filler.perl];
    const name = `filler-${resource}`;
    await run(name, filler.script ?? "", command && { command });
    await untilTold([condition]);
    if (!isShort) {
      await run(`late-${resource}`, "exec sleep 100000");
      const late = await pod(`late-${resource}`, hasEnded);
      assert.deepEqual(
        [late.status?.reason, late.status?.message],
        ["Evicted", `Pod was rejected: The node had condition: [${condition}]. `],
      );
    }
    const { status } = await pod(name, hasEnded);
    assert.equal(status?.reason, "Evicted");
    const message = status?.message ?? "";
    assert.ok(message.startsWith(`The node was low on resource: ${resource}. Threshold quantity: `), message);
    assert.equal(
      status?.conditions?.find(({ type }) => type === "DisruptionTarget")?.reason,
      "TerminationByKubelet",
    );
    const { items } = await client.list(resources.events, { namespace: "default" });
    const told = items
      .filter(({ involvedObject }) => involvedObject.name === nodeName)
      .map((one) => one.message);
    assert.ok(told.includes(`Attempting to reclaim ${resource}`), told.join());
    if (isShort) await untilTold([]);
    assert.deepEqual(await bystander(), before, "the other pod");
    assert.deepEqual([...seen], [condition], "all that the node ever told");
    if (!isShort) {
      await stop();
      await start(...flags);
    }
    await untilTold([]);
    await run(`after-${resource}`, "exec sleep 100000");
    await pod(`after-${resource}`, isReady);
    await client.delete(resources.pods, { namespace: "default", name: `after-${resource}` });
    return message;
  }

  it("evicts a pod that fills the disk to the last byte, and has its room again", async () => {
    await stop();
    await start("--eviction-hard=nodefs.available<20%");
    const before = await free();
    const message = await fills("DiskPressure", "ephemeral-storage", {
      script: "cat /dev/zero > /mnt/all; exec sleep 100000",
    });
    assert.match(message, /available: 0\. |available: \d+Ki\. /);
    const { bytes } = await free();
    assert.ok(bytes > before.bytes - 8 * mi, `${bytes} of ${before.bytes}`);
  });

  it("evicts a pod that has all inodes, and has them again", async () => {
    await stop();
    await start("--eviction-hard=nodefs.inodesFree<20%");
    const before = await free();
    await fills("DiskPressure", "inodes", {
      perl: 'for my $n (1 .. 1e6) { open my $file, ">", "/mnt/$n" or last } sleep 100000',
    });
    const { inodes } = await free();
    assert.ok(inodes > before.inodes - 1000, `${inodes} of ${before.inodes}`);
  });

  it("evicts a pod that has what all pods may have of memory, and gives it back", async () => {
    await stop();
    const memoryBytes = totalmem();
    await start(
      `--system-reserved=memory=${memoryBytes - podsBytes}`,
      "--eviction-hard=allocatableMemory.available<96Mi",
      shortTransition,
    );
    const node = await client.get(resources.nodes, { name: nodeName });
    assert.equal(node.status?.allocatable?.memory, "256Mi");
    const message = await fills("MemoryPressure", "memory", {
      perl: "my @all; for (1 .. 18) { push @all, 'x' x (10 << 20); select undef, undef, undef, 0.05 } sleep 100000",
    });
    assert.match(message, /Container c was using \d+Ki, request is 0, has larger consumption of memory\. $/);
  });

  it("evicts a pod that takes the machine's process numbers, and has them again", async () => {
    await stop();
    const limits = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"];
    const texts = await Promise.all(limits.map((path) => readFile(path, "utf8")));
    const left = async () => processNumbersOf(await readFile("/proc/loadavg", "utf8"), texts).available;
    const before = await left();
    await start(`--eviction-hard=pid.available<${before - 600}`);
    await fills("PIDPressure", "pids", {
      perl: "for (1 .. 1300) { my $child = fork // last; if (!$child) { sleep 100000; exit } } sleep 100000",
    });
    assert.ok((await left()) > before - 600);
  });
});

/** What the node tells of itself that is not well. */
function troubles({ status }: Node): readonly string[] {
  const found = (status?.conditions ?? []).filter((one) =>
    one.type === "Ready" ? one.status !== "True" : one.status !== "False",
  );
  return found.map(({ type }) => type);
}

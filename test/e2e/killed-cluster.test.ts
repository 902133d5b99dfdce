import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HeldName } from "../../base/os/held-name.ts";
import { systemOs } from "../../cli/run-component.ts";
import { isAlive } from "../../cli/up/cluster-state.ts";
import { clearSlot } from "../../cli/up/leftovers.ts";
import { tryHoldNetworkSlot } from "../../cli/up/network-slots.ts";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";
import { processesOfPods } from "../pod-processes.ts";

/** Nobody takes anything down in good order. */
describe("a cluster that is killed", function () {
  this.timeout(300_000);
  let killed: LocalCluster;
  let slot: number;
  let uid: string;
  const heldSlots: HeldName[] = [];
  let next: LocalCluster | undefined;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    killed = await startCluster({ replicas: 1, nodes: 2, runtime: "oci" });
    slot = killed.state().plan.networkSlot;
    await killed.kubectlWith(JSON.stringify(pod), "apply", "-f", "-");
    await killed.kubectl("wait", "--for=condition=Ready", "pod/lasting", "--timeout=120s");
    uid = await killed.kubectl("get", "pod", "lasting", "-o", "jsonpath={.metadata.uid}");
  });
  after(async () => {
    for (const held of heldSlots) held.release();
    await next?.stop();
    await killed?.pintle("down");
    await killed?.stop();
  });

  const network = () => [
    ...(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }).match(
      new RegExp(`^pintle${slot}-\\S+`, "gm"),
    ) ?? []),
    ...(execFileSync("nft", ["list", "tables"], { encoding: "utf8" }).match(
      new RegExp(`\\bpintle${slot}$`, "gm"),
    ) ?? []),
  ];
  const mounts = () =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(killed.folder));
  const groups = () => execFileSync("find", ["/sys/fs/cgroup", "-name", `pod${uid}`], { encoding: "utf8" });

  it("keeps its network as long as something of it lives", async () => {
    await kill([supervisorOf(killed)]);
    // A process that counts as dead has its files until the last of its threads has ended.
    const held = await eventually(
      "its slot is free to hold",
      () => tryHoldNetworkSlot("network", slot),
      (one) => one !== undefined,
    );
    assert.ok(held);
    assert.equal(await clearSlot(slot, systemOs("error", "text")), false);
    const agents = killed.state().components.filter(({ kind }) => kind === "agent");
    await kill(agents.map(({ pid }) => pid));
    assert.equal(await clearSlot(slot, systemOs("error", "text")), false, "the pod runs on");
    held.release();
    assert.deepEqual(network().sort(), [`pintle${slot}`, `pintle${slot}-node-1`, `pintle${slot}-node-2`]);
  });

  it("leaves nothing behind once another has taken its place", async () => {
    await kill(killed.state().components.map(({ pid }) => pid));
    await kill(processesOfPods(killed.folder));
    assert.ok(mounts().length > 0, "this test sees the mounts");
    assert.notEqual(groups(), "", "this test sees the cgroups");
    // The next cluster takes the first slot there is.
    for (let lower = 0; lower < slot; lower++) {
      const held = await tryHoldNetworkSlot("network", lower);
      if (held !== undefined) heldSlots.push(held);
    }
    next = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
    assert.equal(next.state().plan.networkSlot, slot);
    assert.deepEqual([mounts(), groups()], [[], ""]);
    assert.deepEqual(network(), [`pintle${slot}-node-1`, `pintle${slot}`]);
    await next.stop();
    assert.deepEqual(network(), []);
  });
});

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "lasting" },
  spec: {
    volumes: [{ name: "memory", emptyDir: { medium: "Memory" } }],
    containers: [
      {
        name: "c",
        image: "pintle.local/host",
        command: ["sleep", "100000"],
        volumeMounts: [{ name: "memory", mountPath: "/memory" }],
      },
    ],
  },
};

function supervisorOf(cluster: LocalCluster): number {
  const { supervisorPid } = JSON.parse(readFileSync(join(cluster.folder, "cluster.json"), "utf8"));
  return supervisorPid;
}

async function kill(pids: readonly (number | null)[]): Promise<void> {
  for (const pid of pids) if (pid !== null && isAlive(pid)) process.kill(pid, "SIGKILL");
  await eventually(
    "those killed are gone",
    async () => pids.filter((pid) => isAlive(pid)),
    (alive) => alive.length === 0,
  );
}

import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { Pod } from "../../../client/types.ts";
import { eventually, isInstalled } from "../../local-cluster.ts";
import { isReady } from "../../rollout-witness.ts";
import { processesMost, type TroubledCluster, troublesOf } from "./cluster.ts";
import { greedy, webPods } from "./workload.ts";

/** Something happens to node `two`, and is over. Rejects where anything outside its pods suffered, something told was not true, or
 *  it takes hands to recover. */
export type Trouble = (cluster: TroubledCluster) => Promise<void>;

export const troubles = {
  /** Nobody notices: pods run on, and the next agent takes them over. */
  async "its agent is killed"(cluster) {
    const fromMs = await cluster.answered();
    const before = await seenOf(cluster);
    await cluster.agentOf(cluster.two).kill("SIGKILL");
    const agent = cluster.startAgent(cluster.two);
    await eventually(
      "the agent is ready",
      async () => agent.output(),
      (text) => text.includes("agent is ready"),
    );
    await eventually(
      "the node tells",
      async () => (await cluster.node(cluster.two)).status,
      (status) =>
        (status?.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
    await cluster.spread();
    assert.deepEqual(await seenOf(cluster), before);
    unharmed(cluster, fromMs);
  },

  /** Its pods run on unseen and are given up; they end when the agent goes on, and only then is a StatefulSet's made anew. */
  async "its agent stands still"(cluster) {
    const fromMs = await cluster.answered();
    const agent = cluster.agentOf(cluster.two);
    agent.signal("SIGSTOP");
    try {
      await givenUp(cluster);
    } finally {
      agent.signal("SIGCONT");
    }
    await cluster.spread();
    unharmed(cluster, fromMs);
  },

  async "it is cut off"(cluster) {
    await cluster.two.cut();
    let fromMs: number;
    try {
      fromMs = await givenUp(cluster);
    } finally {
      await cluster.two.mend();
    }
    await cluster.spread();
    unharmed(cluster, fromMs);
  },

  async "all that runs on it is killed"(cluster) {
    await cluster.two.killAll();
    const fromMs = await givenUp(cluster);
    cluster.startAgent(cluster.two);
    await cluster.spread();
    unharmed(cluster, fromMs);
  },

  async "a pod forks without end"(cluster) {
    const fromMs = await cluster.answered();
    const before = await seenOf(cluster);
    await start(cluster, "forks");
    await eventually(
      "it has all that it may have",
      () => processesOf(cluster),
      (count) => count >= processesMost * 0.9,
    );
    assert.ok((await processesOf(cluster)) <= processesMost);
    await cluster.answered();
    await remove(cluster, "forks");
    assert.deepEqual(await seenOf(cluster), before);
    assert.deepEqual(cluster.toldSince(fromMs, "two"), []);
    unharmed(cluster, fromMs);
  },

  async "a pod takes all memory that it can"(cluster) {
    const fromMs = await cluster.answered();
    const before = await seenOf(cluster);
    const { status } = await start(cluster, "memory", hasEnded);
    const ended = status?.containerStatuses?.[0]?.state?.terminated;
    assert.deepEqual([status?.phase, ended?.reason, ended?.exitCode], ["Failed", "OOMKilled", 137]);
    await remove(cluster, "memory");
    assert.deepEqual(await seenOf(cluster), before);
    assert.deepEqual(cluster.toldSince(fromMs, "two"), []);
    unharmed(cluster, fromMs);
  },

  async "a pod fills its disk"(cluster) {
    const fromMs = await cluster.answered();
    const before = await seenOf(cluster);
    const { status } = await start(cluster, "disk", hasEnded);
    assert.deepEqual([status?.phase, status?.reason], ["Failed", "Evicted"]);
    assert.match(
      status?.message ?? "",
      /^The node was low on resource: ephemeral-storage\. Threshold quantity: /,
    );
    await eventually(
      "the node was short of disk, and is not any more",
      async () => cluster.toldSince(fromMs, "two"),
      (told) => told.length > 0,
    );
    assert.deepEqual(cluster.toldSince(fromMs, "two"), ["DiskPressure True"]);
    await cluster.spread();
    await remove(cluster, "disk");
    assert.deepEqual(await seenOf(cluster), before);
    unharmed(cluster, fromMs);
  },
} as const satisfies Readonly<Record<string, Trouble>>;

/** The cluster sees that the node does not answer, says so, and does without its pods. Answers since when no request is lost. */
async function givenUp(cluster: TroubledCluster): Promise<number> {
  const { two } = cluster;
  const node = await eventually(
    "two is missed",
    () => cluster.node(two),
    (found) => troublesOf(found).includes("Ready Unknown") && (found.spec?.taints ?? []).length > 1,
  );
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  assert.deepEqual(
    [ready?.reason, ready?.message],
    ["NodeStatusUnknown", "Kubelet stopped posting node status."],
  );
  const taints = (node.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
  const unreachable = "node.kubernetes.io/unreachable";
  assert.deepEqual(taints, [`${unreachable}:NoExecute`, `${unreachable}:NoSchedule`]);
  await eventually(
    "enough are ready elsewhere",
    () => cluster.pods("web"),
    (pods) => pods.filter((pod) => isReady(pod) && pod.spec.nodeName === "one").length === webPods,
  );
  const lost = await eventually(
    "those of the lost node are given up",
    async () => [...(await cluster.pods("web")), ...(await cluster.pods("db"))].filter(isOn("two")),
    (pods) => pods.length >= 2 && pods.every(({ metadata }) => metadata.deletionTimestamp !== undefined),
  );
  for (const pod of lost) assert.ok(!isReady(pod), `${pod.metadata.name} is called ready`);
  const evictions = await eventually(
    "an event says so",
    () => cluster.events(lost[0]?.metadata.name ?? "", "TaintManagerEviction"),
    (events) => events.length > 0,
  );
  assert.match(evictions[0]?.message ?? "", /^Marking for deletion Pod default\//);
  const { items } = await cluster.client.list(resources.endpointslices, {
    namespace: "default",
    labelSelector: "kubernetes.io/service-name=web",
  });
  const ways = items.flatMap(({ endpoints }) => endpoints ?? []);
  for (const { nodeName, conditions } of ways) assert.ok(nodeName === "one" || conditions?.ready === false);
  const addresses = lost.map(({ status }) => status?.podIP);
  if (isInstalled("conntrack"))
    await eventually(
      "connections that were begun to them are forgotten, so that the next try of each leads elsewhere",
      () => cluster.one.run("conntrack", "-L", "-p", "tcp", "--state", "SYN_SENT"),
      (flows) => !addresses.some((address) => flows.includes(`src=${address} `)),
    );
  return cluster.answered();
}

/** Whatever was asked since then was answered, all writes were, nothing ran twice, and the other node was well all the time. */
function unharmed(cluster: TroubledCluster, fromMs: number): void {
  assert.deepEqual(cluster.requests.failedSince(fromMs), [], "requests that were not answered");
  assert.deepEqual(cluster.writes.problems, [], "writes that were refused");
  assert.equal(cluster.ranTwice(), "", "ran twice");
  assert.deepEqual(cluster.toldSince(0, "one"), [], "what the other node told");
}

const isOn = (node: string) => (pod: Pod) => pod.spec.nodeName === node;
const hasEnded = ({ status }: Pod) => status?.phase === "Failed" || status?.phase === "Succeeded";

/** Pods that nothing is to happen to, with what runs of them. */
async function seenOf(cluster: TroubledCluster): Promise<readonly unknown[]> {
  const pods = [...(await cluster.pods("web")), ...(await cluster.pods("db"))];
  return pods
    .map(({ metadata, status }) => {
      const [container] = status?.containerStatuses ?? [];
      return [metadata.name, metadata.uid, container?.containerID, container?.restartCount, container?.ready];
    })
    .sort();
}

async function start(
  cluster: TroubledCluster,
  what: Parameters<typeof greedy>[1],
  until: (pod: Pod) => boolean = isReady,
): Promise<Pod> {
  await cluster.client.create(resources.pods, greedy("two", what) as never);
  return eventually(
    what,
    () => cluster.client.get(resources.pods, { namespace: "default", name: what }),
    until,
  );
}

async function remove(cluster: TroubledCluster, name: string): Promise<void> {
  await cluster.client.delete(resources.pods, { namespace: "default", name });
  await eventually(
    `${name} is gone`,
    () =>
      cluster.client.list(resources.pods, { namespace: "default", fieldSelector: `metadata.name=${name}` }),
    ({ items }) => items.length === 0,
  );
}

/** Of the pod that forks, as its machine counts them. */
async function processesOf(cluster: TroubledCluster): Promise<number> {
  const script = 'grep -lsz "defined [f]ork" /proc/[0-9]*/cmdline | wc -l';
  return Number(await cluster.two.run("sh", "-c", script));
}

import { readFile } from "node:fs/promises";
import { tearDownNode } from "../../agent/teardown.ts";
import { sleep, systemClock } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import { type ClusterPlan, type ClusterState, isAlive } from "./cluster-state.ts";
import { removeNetwork } from "./host-network.ts";
import type { Layout } from "./layout.ts";
import { tryHoldNetworkSlot } from "./network-slots.ts";
import { addressing } from "./topology.ts";

/** After `up` itself was killed its children go on without an owner: ends them, their pods and their network. */
export async function endLeftovers(layout: Layout, state: ClusterState, os: Os): Promise<void> {
  for (const component of state.components) {
    if (component.pid !== null && (await belongs(component.pid, layout))) await endProcess(component.pid);
  }
  await removePods(layout, state.plan, os);
  await removeOwnNetwork(state.plan);
}

/** Another running cluster may have taken the slot meanwhile; then nothing of it is ours any more. */
async function removeOwnNetwork(plan: ClusterPlan): Promise<void> {
  if (plan.networkSlot < 0) return;
  const held = await tryHoldNetworkSlot(plan.networkSlot);
  if (held === undefined) return;
  try {
    await removeNetwork(plan);
  } finally {
    held.release();
  }
}

/** Ends every container or process that nodes of the cluster still run. */
export async function removePods(layout: Layout, plan: ClusterPlan, os: Os): Promise<void> {
  await Promise.all(
    addressing(plan).nodes.map((node) =>
      tearDownNode({ rootDir: layout.node(node.name), nodeName: node.name, runtime: plan.runtime }, os),
    ),
  );
}

/** A recorded pid may be somebody else's by now: it is ours only if its command line names our folder. */
async function belongs(pid: number, layout: Layout): Promise<boolean> {
  if (!isAlive(pid)) return false;
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).includes(layout.folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return false;
    throw error;
  }
}

async function endProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  const deadlineMs = systemClock.monotonicMs() + 5000;
  while (isAlive(pid)) {
    if (systemClock.monotonicMs() > deadlineMs) {
      process.kill(pid, "SIGKILL");
      return;
    }
    await sleep(systemClock, 30);
  }
}

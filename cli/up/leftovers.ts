import { readFile } from "node:fs/promises";
import { processesOfNode, tearDownNode, unmountBelow } from "../../agent/teardown.ts";
import { deferred } from "../../base/deferred.ts";
import type { Os } from "../../base/os/os.ts";
import { OperatorError } from "../command.ts";
import { type ClusterPlan, type ClusterState, isAlive, readClusterState } from "./cluster-state.ts";
import { folderOfNetwork, isNetworkUsed, removeNetwork } from "./host-network.ts";
import { clusterLayout, type Layout } from "./layout.ts";
import { slotFamily, tryHoldNetworkSlot } from "./network-slots.ts";
import { addressing } from "./topology.ts";
import { killedMs, untilGone } from "./wait.ts";

const podsEndMs = 20_000;
const stopMs = 5_000;

/** After `up` itself was killed its children go on without an owner: ends them, their pods and their network. What cannot
 *  be ended is logged; `stillRunning` tells it too. */
export async function endLeftovers(layout: Layout, state: ClusterState, os: Os): Promise<void> {
  await Promise.all(
    state.components.map(async ({ pid }) => {
      if (pid !== null && (await belongs(pid, layout))) await endProcess(pid);
    }),
  );
  await removePods(layout, state.plan, os);
  await removeOwnNetwork(state.plan);
}

/** What of a cluster that was to end is alive, in words; empty when all is well. */
export async function stillRunning(layout: Layout, state: ClusterState): Promise<readonly string[]> {
  const components = await Promise.all(
    state.components.map(async ({ name, pid }) =>
      pid !== null && (await belongs(pid, layout)) ? [`${name} (process ${pid})`] : [],
    ),
  );
  const containers = await Promise.all(
    addressing(state.plan).nodes.map((node) => processesOfNode(layout.node(node.name))),
  );
  return [...components.flat(), ...containers.flat()];
}

/** Another running cluster may have taken the slot meanwhile; then nothing of it is ours any more. */
async function removeOwnNetwork(plan: ClusterPlan): Promise<void> {
  if (plan.runtime === "process") return;
  const held = await tryHoldNetworkSlot(slotFamily(plan.runtime), plan.networkSlot);
  if (held === undefined) return;
  try {
    await removeNetwork(plan.networkSlot);
  } finally {
    held.release();
  }
}

/** Removes what a cluster of containers that was killed as a whole left on the machine: the slot's network and, where its folder is
 *  known, its mounts and cgroups. False where something of it lives: then nothing is touched. Whoever calls holds the slot. */
export async function clearSlot(slot: number, os: Os): Promise<boolean> {
  if (await isNetworkUsed(slot)) return false;
  const folder = await folderOfNetwork(slot);
  if (folder !== undefined && !(await clearFolder(clusterLayout(folder), slot, os))) return false;
  await removeNetwork(slot);
  return true;
}

/** What the slot's last cluster has mounted and grouped; false where it lives, or nobody can tell. */
async function clearFolder(layout: Layout, slot: number, os: Os): Promise<boolean> {
  let state: ClusterState | undefined;
  try {
    state = readClusterState(layout);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    os.log.warn("cannot tell whether a killed cluster is gone; leaving its network", { slot, error });
    return false;
  }
  if (state === undefined) {
    // Somebody removed the folder, as far as it went with something mounted in it.
    await unmountBelow(layout.folder);
    return true;
  }
  if (state.plan.runtime !== "oci" || state.plan.networkSlot !== slot) return true;
  if ((await stillRunning(layout, state)).length > 0) return false;
  await removePods(layout, state.plan, os);
  return true;
}

/** Ends every container or process that nodes of the cluster still run. Gives up after a while, saying so in the log: who
 *  waits for us has waited long enough. */
export async function removePods(layout: Layout, plan: ClusterPlan, os: Os): Promise<void> {
  await Promise.all(
    addressing(plan).nodes.map(async (node) => {
      const options = { rootDir: layout.node(node.name), nodeName: node.name, runtime: plan.runtime };
      const done = deferred<void>();
      const cancel = os.clock.after(podsEndMs, () => done.reject(new Error("it takes too long")));
      tearDownNode(options, os).then(done.resolve, done.reject);
      try {
        await done.promise;
      } catch (error) {
        os.log.error("cannot end everything that a node ran", { node: node.name, error });
      } finally {
        cancel();
      }
    }),
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

/** Who is killed is gone a moment later, on a busy machine not at once; who is not gone then cannot be ended. */
async function endProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  if (await untilGone(pid, stopMs)) return;
  process.kill(pid, "SIGKILL");
  await untilGone(pid, killedMs);
}

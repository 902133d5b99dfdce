import { rm } from "node:fs/promises";
import { sleep, systemClock } from "../../base/os/clock.ts";
import { type CommandIo, command, OperatorError } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { type ClusterState, isAlive, requireClusterState, writeClusterState } from "./cluster-state.ts";
import { clusterLayout, defaultFolder, type Layout } from "./layout.ts";
import { endLeftovers, stillRunning } from "./leftovers.ts";
import { killedMs, untilGone } from "./wait.ts";

const flags = {
  "data-dir": {
    kind: "string",
    help: "the cluster's folder (default $PINTLE_HOME or ~/.pintle)",
    value: "DIR",
  },
  purge: { kind: "boolean", default: false, help: "also remove everything the cluster kept" },
  "grace-period": {
    kind: "duration",
    default: 60_000,
    help: "how long the cluster may take to stop in good order; then it is killed",
  },
} as const;

export const downCommand = command({
  name: "down",
  summary: "stop the local cluster; its data stays for the next `pintle up`",
  flags,
  envPrefix: "PINTLE_",
  examples: ["pintle down", "pintle down --purge   # forget it altogether"],
  async run({ flags: given }, io) {
    const layout = clusterLayout(defaultFolder(given["data-dir"], io.env));
    const state = requireClusterState(layout);
    await stop(layout, state, given["grace-period"], io);
    const left = await leftAfter(killedMs, layout, state);
    if (left.length > 0)
      throw new OperatorError(`could not end everything; still running: ${left.join(", ")}`);
    if (given.purge) await rm(layout.folder, { recursive: true, force: true });
    io.stdout(
      given.purge
        ? `stopped, and removed ${layout.folder}\n`
        : `stopped; "pintle up" continues where it was\n`,
    );
    return 0;
  },
});

/** What of the cluster is alive still: what was killed is gone a moment later, on a busy machine not at once. */
async function leftAfter(withinMs: number, layout: Layout, state: ClusterState): Promise<readonly string[]> {
  const deadlineMs = systemClock.monotonicMs() + withinMs;
  for (;;) {
    const left = await stillRunning(layout, state);
    if (left.length === 0 || systemClock.monotonicMs() > deadlineMs) return left;
    await sleep(systemClock, 50);
  }
}

/** The supervisor stops its cluster in good order; what it does not manage within the grace is ended from here. */
async function stop(layout: Layout, state: ClusterState, graceMs: number, io: CommandIo): Promise<void> {
  const { supervisorPid } = state;
  if (supervisorPid !== null && isAlive(supervisorPid)) {
    process.kill(supervisorPid, "SIGTERM");
    if (await untilGone(supervisorPid, graceMs, io.signal)) return;
    io.stderr(
      `pintle down: process ${supervisorPid} did not stop the cluster within ${graceMs / 1000} s; killing it (its log: ${layout.log("up")})\n`,
    );
    process.kill(supervisorPid, "SIGKILL");
    await untilGone(supervisorPid, killedMs, io.signal); // it must start nothing more while we end what it started
  }
  // What the supervisor wrote last: it may have started something anew meanwhile.
  const last = requireClusterState(layout);
  await endLeftovers(layout, last, systemOs("warn", "text"));
  writeClusterState(layout, { ...last, supervisorPid: null, components: [] });
}

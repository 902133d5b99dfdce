import { rm } from "node:fs/promises";
import { command, OperatorError } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { isAlive, requireClusterState, writeClusterState } from "./cluster-state.ts";
import { clusterLayout, defaultFolder } from "./layout.ts";
import { endLeftovers } from "./leftovers.ts";
import { untilGone } from "./wait.ts";

const flags = {
  "data-dir": {
    kind: "string",
    help: "the cluster's folder (default $PINTLE_HOME or ~/.pintle)",
    value: "DIR",
  },
  purge: { kind: "boolean", default: false, help: "also remove everything the cluster kept" },
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
    if (state.supervisorPid !== null && isAlive(state.supervisorPid)) {
      process.kill(state.supervisorPid, "SIGTERM");
      if (!(await untilGone(state.supervisorPid, 60_000, io.signal)))
        throw new OperatorError(`process ${state.supervisorPid} does not end; look at ${layout.log("up")}`);
    } else {
      await endLeftovers(layout, state, systemOs("warn", "text"));
      writeClusterState(layout, { ...state, supervisorPid: null, components: [] });
    }
    if (given.purge) await rm(layout.folder, { recursive: true, force: true });
    io.stdout(
      given.purge
        ? `stopped, and removed ${layout.folder}\n`
        : `stopped; "pintle up" continues where it was\n`,
    );
    return 0;
  },
});

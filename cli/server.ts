import type { FlagTable, FlagValues } from "../base/os/flags.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import type { Os, Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { apiserverConfig, apiserverFlags } from "../controlplane/apiserver/flags.ts";
import { startApiserver } from "../controlplane/apiserver/start.ts";
import { startControllerManager } from "../controlplane/controllers/controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../controlplane/controllers/flags.ts";
import { schedulerConfig, schedulerFlags } from "../controlplane/scheduler/flags.ts";
import { startScheduler } from "../controlplane/scheduler/scheduler.ts";
import { startStore } from "../store/compose.ts";
import { storeConfig, storeFlags } from "../store/flags.ts";
import { componentCommand } from "./run-component.ts";

/** A whole control-plane replica in one process: less memory, one thing to start. Parts talk over their sockets as they
 *  would between machines. */
const parts = {
  store: { flags: storeFlags, start: async (flags, os) => startStore(storeConfig(flags), os) },
  apiserver: {
    flags: apiserverFlags,
    start: async (flags, os) => startApiserver(apiserverConfig(flags), os),
  },
  scheduler: {
    flags: schedulerFlags,
    start: async (flags, os) => startScheduler(schedulerConfig(flags), os),
  },
  "controller-manager": {
    flags: controllerManagerFlags,
    start: async (flags, os) => startControllerManager(controllerManagerConfig(flags), os),
  },
} as const satisfies Record<string, Part<never>>;

interface Part<T extends FlagTable> {
  readonly flags: FlagTable;
  readonly start: (flags: FlagValues<T>, os: Os) => Promise<Running>;
}

const serverFlags: FlagTable = Object.fromEntries(
  Object.entries(parts).flatMap(([part, { flags }]) =>
    Object.entries(flags).map(([name, row]) => [`${part}.${name}`, withoutShort(row)]),
  ),
);

export const serverCommand = componentCommand({
  name: "server",
  summary: "run a whole control-plane replica in one process",
  flags: serverFlags,
  examples: ["pintle server --store.data-dir DIR --apiserver.etcd-servers https://127.0.0.1:2379 …"],
  async start(flags, os) {
    const scope = new TaskScope(os.log);
    const running: Running[] = [];
    const stopAll = async () => {
      for (const part of running.reverse().splice(0)) await part.stop();
    };
    try {
      // In this order, and the store first: the others retry until it answers, but starting is faster without.
      for (const [name, part] of Object.entries(parts) as [string, Part<FlagTable>][]) {
        const own = { ...os, log: os.log.child(name), metrics: new MetricsRegistry() };
        const started = await part.start(flagsOf(name, part, flags), own);
        running.push(started);
        scope.run(name, () => started.done);
      }
    } catch (error) {
      await stopAll();
      throw error;
    }
    scope.signal.addEventListener("abort", () => void stopAll(), { once: true });
    return {
      done: scope.untilStopped(),
      async stop() {
        await stopAll();
        await scope.stop();
      },
    };
  },
});

function flagsOf(name: string, part: Part<FlagTable>, all: FlagValues<FlagTable>): FlagValues<FlagTable> {
  return Object.fromEntries(
    Object.keys(part.flags).map((flag) => [flag, all[`${name}.${flag}`]]),
  ) as FlagValues<FlagTable>;
}

function withoutShort(row: FlagTable[string]): FlagTable[string] {
  const { short: _, ...rest } = row;
  return rest;
}

import { schedulerConfig, schedulerFlags } from "../controlplane/scheduler/flags.ts";
import { startScheduler } from "../controlplane/scheduler/scheduler.ts";
import { componentCommand } from "./run-component.ts";

export const schedulerCommand = componentCommand({
  name: "scheduler",
  summary: "place pods on nodes; several may run, one works",
  flags: schedulerFlags,
  examples: ["pintle scheduler --kubeconfig scheduler.kubeconfig"],
  start: async (flags, os) => startScheduler(schedulerConfig(flags), os),
});

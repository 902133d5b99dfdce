import { startControllerManager } from "../controlplane/controllers/controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../controlplane/controllers/flags.ts";
import { componentCommand } from "./run-component.ts";

export const controllerManagerCommand = componentCommand({
  name: "controller-manager",
  summary: "run the controllers; several may run, one works",
  flags: controllerManagerFlags,
  examples: ["pintle controller-manager --kubeconfig controller-manager.kubeconfig"],
  start: async (flags, os) => startControllerManager(controllerManagerConfig(flags), os),
});

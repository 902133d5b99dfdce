import { bindPod } from "../bind.ts";
import type { PluginFactory } from "../cycle/handle.ts";

/** Tells the API server where the pod goes. */
export const defaultBinder: PluginFactory = (_args, { client }) => ({
  name: "DefaultBinder",
  bind: (pod, node, signal) => bindPod(client, pod, node, signal),
});

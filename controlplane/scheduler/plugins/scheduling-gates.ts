import type { PluginFactory } from "../cycle/handle.ts";

/** spec.schedulingGates: the pod does not wait for its turn before the last is gone. */
export const schedulingGates: PluginFactory = () => ({
  name: "SchedulingGates",
  preEnqueue: ({ pod }) => {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return `waiting for scheduling gates: [${gates.map(({ name }) => name).join(" ")}]`;
  },
});

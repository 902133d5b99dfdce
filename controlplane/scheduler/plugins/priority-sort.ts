import type { PluginFactory } from "../cycle/handle.ts";

/** The more important first, of equals the one that waits longer. */
export const prioritySort: PluginFactory = () => ({
  name: "PrioritySort",
  queueSort: (a, b) => b.info.priority - a.info.priority || a.sinceMs - b.sinceMs,
});

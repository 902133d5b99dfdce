import type { Handle, PluginFactory } from "../cycle/handle.ts";
import type { PodGroup } from "../cycle/pod-group.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

const name = "Coscheduling";
/** So long may those of a group that have a node wait for the others. */
const permitMs = 300_000;

/** A group of pods is placed whole or not at all: until enough of it are there none waits for its turn, until enough have a
 *  node none is bound, and where one cannot be placed the others give their nodes back. */
export const coscheduling: PluginFactory = (_args, handle) => ({
  name,
  helpedBy: {
    podWaits: (pod, { pod: other }) => pod.group !== undefined && pod.group.key === other.group?.key,
  },
  preEnqueue: ({ group }) =>
    group === undefined || isThere(group, handle)
      ? undefined
      : "waiting for minCount pods from a gang to appear in scheduling queue",
  permit: (pod) => {
    const { group } = pod;
    if (group === undefined) return { outcome: "allowed" };
    if (handle.snapshot.placedOf(group.key).size < group.least) {
      handle.activate(handle.waitingOf(group.key));
      return { outcome: "waits", timeoutMs: permitMs };
    }
    for (const waiting of waitingFor(group, handle)) handle.permits.allow(waiting.key, name);
    return { outcome: "allowed" };
  },
  postFilter: ({ pod: { group } }) => {
    if (group !== undefined)
      for (const { key } of waitingFor(group, handle))
        handle.permits.refuse(key, name, "another pod of its group cannot be placed");
    return undefined;
  },
});

/** Whether enough pods of the group exist. */
function isThere({ key, least }: PodGroup, { snapshot, waitingOf }: Handle): boolean {
  const members = new Set([...snapshot.placedOf(key), ...waitingOf(key)]);
  return members.size >= least;
}

function waitingFor({ key }: PodGroup, { permits }: Handle): readonly PodInfo[] {
  return [...permits.pods()].flatMap(({ pod }) => (pod.group?.key === key ? [pod] : []));
}

import type { InformerFactory } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { SchedulerCache } from "./cache.ts";
import type { ClusterEvent } from "./cycle/plugin.ts";
import { podInfo } from "./cycle/pod-info.ts";
import type { SchedulingQueue } from "./queue.ts";

/** Pods that have ended hold nothing any more and are left out by the server. */
const running = { fieldSelector: "status.phase!=Succeeded,status.phase!=Failed" };

/** Keeps a cache and the queue in step with what the informers show. */
export function followCluster(
  informers: InformerFactory,
  queue: SchedulingQueue,
  schedulerName: string,
): SchedulerCache {
  const namespaces = informers.informer(resources.namespaces);
  const services = informers.informer(resources.services);
  const cache = new SchedulerCache({
    namespaceLabels: (name) => namespaces.get({ name })?.metadata.labels ?? {},
    services: (namespace) => services.byNamespace(namespace),
  });
  const notice = (event: ClusterEvent | undefined) => {
    if (event !== undefined) queue.notice(event);
  };
  namespaces.subscribe({
    onAdd: () => notice("namespaceChanged"),
    onUpdate: (next, previous) => {
      if (JSON.stringify(next.metadata.labels) !== JSON.stringify(previous.metadata.labels))
        notice("namespaceChanged");
    },
  });
  informers.informer(resources.nodes).subscribe({
    onAdd: (node) => notice(cache.putNode(node)),
    onUpdate: (node) => notice(cache.putNode(node)),
    onDelete: (node) => cache.deleteNode(node.metadata.name),
  });
  const take = (pod: Pod) => {
    const key = keyOf(pod);
    if (pod.spec.nodeName) {
      queue.delete(key);
      notice(cache.putPod(pod));
    } else if (!waitsForUs(pod, schedulerName)) queue.delete(key);
    else if (queue.has(key) || !cache.isPlaced(key)) queue.put(podInfo(pod));
    // else: bound a moment ago, and this is older news.
  };
  informers.informer(resources.pods, running).subscribe({
    onAdd: take,
    onUpdate: take,
    onDelete: (pod) => {
      queue.delete(keyOf(pod));
      notice(cache.deletePod(keyOf(pod)));
    },
  });
  return cache;
}

/** Ours to place, and to be placed now: not being deleted, not gated. */
function waitsForUs({ metadata, spec }: Pod, schedulerName: string): boolean {
  return (
    (spec.schedulerName ?? "default-scheduler") === schedulerName &&
    metadata.deletionTimestamp === undefined &&
    (spec.schedulingGates ?? []).length === 0
  );
}

import type { InformerFactory } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { SchedulerCache } from "./cache.ts";
import type { ClusterEvent } from "./cycle/plugin.ts";
import { podInfo } from "./cycle/pod-info.ts";
import type { SchedulingQueue } from "./queue.ts";
import { VolumeBook } from "./storage/volume-book.ts";

/** Pods that have ended hold nothing any more and are left out by the server. */
const running = { fieldSelector: "status.phase!=Succeeded,status.phase!=Failed" };

/** Keeps a cache and the queue in step with what the informers show. */
export function followCluster(
  informers: InformerFactory,
  queue: SchedulingQueue,
  schedulerName: string,
): { readonly cache: SchedulerCache; readonly volumes: VolumeBook } {
  const namespaces = informers.informer(resources.namespaces);
  const services = informers.informer(resources.services);
  const claims = informers.informer(resources.persistentvolumeclaims);
  const persistentVolumes = informers.informer(resources.persistentvolumes);
  const classes = informers.informer(resources.storageclasses);
  const volumes = new VolumeBook({ claims, volumes: persistentVolumes, classes });
  const cache = new SchedulerCache({
    storage: volumes,
    namespaceLabels: (name) => namespaces.get({ name })?.metadata.labels ?? {},
    services: (namespace) => services.byNamespace(namespace),
  });
  const notice = (event: ClusterEvent | undefined) => {
    if (event !== undefined) queue.notice(event);
  };
  const stored = () => notice("storageChanged");
  claims.subscribe({ onAdd: stored, onUpdate: stored, onDelete: stored });
  persistentVolumes.subscribe({ onAdd: stored, onUpdate: stored });
  classes.subscribe({ onAdd: stored, onUpdate: stored });
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
  return { cache, volumes };
}

/** Ours to place, and to be placed now: not being deleted, not gated. */
function waitsForUs({ metadata, spec }: Pod, schedulerName: string): boolean {
  return (
    (spec.schedulerName ?? "default-scheduler") === schedulerName &&
    metadata.deletionTimestamp === undefined &&
    (spec.schedulingGates ?? []).length === 0
  );
}

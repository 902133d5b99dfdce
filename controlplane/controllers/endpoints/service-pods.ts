import { isDeepStrictEqual } from "node:util";
import { matchesLabels, selectorFromLabels } from "../../../base/label-selector.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import type { Pod, Service } from "../../../client/types.ts";
import type { WorkQueue } from "../../../client/work-queue.ts";

/** A Service's pods; undefined for one without selector, whose endpoints are none of ours. */
export function podsOf(service: Service, pods: Informer<Pod>): readonly Pod[] | undefined {
  const { selector, type } = service.spec;
  if (type === "ExternalName" || Object.keys(selector ?? {}).length === 0) return undefined;
  const wanted = selectorFromLabels(selector);
  return pods
    .byNamespace(service.metadata.namespace ?? "")
    .filter((pod) => matchesLabels(wanted, pod.metadata.labels));
}

/** Puts a Service's key into the queue when a pod that it selects, or did, changes in what endpoints show.
 *  @param batchMs After so long, so that others may come meanwhile. */
export function enqueueServicesOfPods(
  queue: WorkQueue,
  services: Informer<Service>,
  pods: Informer<Pod>,
  batchMs: number,
): void {
  const enqueue = (pod: Pod) => {
    for (const service of services.byNamespace(pod.metadata.namespace ?? "")) {
      const { selector } = service.spec;
      if (Object.keys(selector ?? {}).length === 0) continue;
      if (matchesLabels(selectorFromLabels(selector), pod.metadata.labels))
        queue.addAfter(keyOf(service), batchMs);
    }
  };
  pods.subscribe({
    onAdd: enqueue,
    onUpdate: (next, previous) => {
      if (isDeepStrictEqual(shown(next), shown(previous))) return;
      enqueue(previous);
      enqueue(next);
    },
    onDelete: enqueue,
  });
}

/** What of a pod has a part in endpoints. */
function shown({ metadata, spec, status }: Pod): readonly unknown[] {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return [
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    spec.nodeName,
    spec.hostname,
    spec.subdomain,
    status?.phase,
    status?.podIPs ?? status?.podIP,
    ready,
  ];
}

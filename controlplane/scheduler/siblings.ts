import {
  matchesLabels,
  type Selector,
  selectorFromLabelSelector,
  selectorFromLabels,
} from "../../base/label-selector.ts";
import type { Informer } from "../../client/informer.ts";
import type { Pod, ReplicaSet, ReplicationController, Service, StatefulSet } from "../../client/types.ts";

export interface SiblingSources {
  readonly services: Pick<Informer<Service>, "byNamespace">;
  readonly replicaSets: Pick<Informer<ReplicaSet>, "get">;
  readonly statefulSets: Pick<Informer<StatefulSet>, "get">;
  readonly replicationControllers: Pick<Informer<ReplicationController>, "get">;
}

/** The pods that belong with this one: selected by all the services that select it and by the set that owns it. Undefined
 *  when nothing does. */
export function siblingsOf({ metadata }: Pod, sources: SiblingSources): Selector | undefined {
  const { namespace = "", labels } = metadata;
  const requirements: NonNullable<Selector>[number][] = [];
  for (const { spec } of sources.services.byNamespace(namespace)) {
    if (Object.keys(spec.selector ?? {}).length === 0) continue;
    const selector = selectorFromLabels(spec.selector);
    if (matchesLabels(selector, labels)) requirements.push(...(selector ?? []));
  }
  requirements.push(...(ownSelector(metadata, sources) ?? []));
  return requirements.length === 0 ? undefined : requirements;
}

function ownSelector(
  { namespace = "", ownerReferences = [] }: Pod["metadata"],
  sources: SiblingSources,
): Selector {
  const owner = ownerReferences.find(({ controller }) => controller === true);
  if (owner === undefined) return null;
  const ref = { namespace, name: owner.name };
  switch (owner.kind) {
    case "ReplicationController":
      return selectorFromLabels(sources.replicationControllers.get(ref)?.spec.selector);
    case "ReplicaSet":
      return selectorFromLabelSelector(sources.replicaSets.get(ref)?.spec.selector);
    case "StatefulSet":
      return selectorFromLabelSelector(sources.statefulSets.get(ref)?.spec.selector);
    default:
      return null;
  }
}

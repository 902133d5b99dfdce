import type { Informer } from "../../../client/informer.ts";
import { keyOfRef } from "../../../client/object-cache.ts";
import type {
  Deployment,
  OwnerReference,
  Pod,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from "../../../client/types.ts";
import { controllerOf, type Owned } from "../owners.ts";

export interface Workloads {
  readonly deployments: Informer<Deployment>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly replicationControllers: Informer<ReplicationController>;
  readonly statefulSets: Informer<StatefulSet>;
}

export type Scale =
  | { readonly ok: true; readonly count: number; readonly unmanaged: readonly string[] }
  | { readonly ok: false; readonly why: string };

/** How many pods the controllers of these want, together. Pods of nobody do not count. */
export function expectedScale(pods: readonly Pod[], workloads: Workloads): Scale {
  const byUid = new Map<string, number>();
  const unmanaged: string[] = [];
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) {
      unmanaged.push(pod.metadata.name);
      continue;
    }
    const found = wantedBy(owner, pod.metadata.namespace ?? "", workloads);
    if (found === undefined) return { ok: false, why: `found no controllers for pod "${pod.metadata.name}"` };
    if ("why" in found) return { ok: false, why: found.why };
    byUid.set(found.uid, found.replicas);
  }
  return { ok: true, count: [...byUid.values()].reduce((sum, count) => sum + count, 0), unmanaged };
}

type Wanted = { readonly uid: string; readonly replicas: number } | { readonly why: string };

interface Scaled extends Owned {
  readonly spec: { readonly replicas?: number };
}

function wantedBy(owner: OwnerReference, namespace: string, workloads: Workloads): Wanted | undefined {
  const find = <T extends Owned>(informer: Informer<T>, { name, uid }: OwnerReference) => {
    const found = informer.getByKey(keyOfRef({ name, namespace }));
    return found?.metadata.uid === uid ? found : undefined;
  };
  const wants = (found: Scaled | undefined): Wanted | undefined =>
    found && { uid: found.metadata.uid, replicas: found.spec.replicas ?? 1 };
  const group = owner.apiVersion.includes("/") ? (owner.apiVersion.split("/")[0] ?? "") : "";
  switch (`${group}/${owner.kind}`) {
    case "apps/ReplicaSet": {
      const found = find(workloads.replicaSets, owner);
      const above = found && controllerOf(found);
      if (above?.kind !== "Deployment") return wants(found);
      return wants(find(workloads.deployments, above));
    }
    case "apps/StatefulSet":
      return wants(find(workloads.statefulSets, owner));
    case "/ReplicationController":
      return wants(find(workloads.replicationControllers, owner));
    case "apps/DaemonSet":
      return { why: "daemonsets.apps does not implement the scale subresource" };
    case "batch/Job":
      return { why: "jobs.batch does not implement the scale subresource" };
    default:
      return undefined;
  }
}

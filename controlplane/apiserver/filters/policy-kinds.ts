import { clusterPolicyGroup, clusterPolicyKinds } from "../../../client/cluster-policies.ts";
import type { Kind } from "../registry/kind.ts";
import type { Kinds } from "../registry/kind-table.ts";

/** Kinds whose objects fence pods: NetworkPolicies, and those of the whole cluster as far as they are defined now. */
export function policyKinds(kinds: Pick<Kinds, "named">): readonly Kind[] {
  const ofCluster = clusterPolicyKinds.map(({ plural }) => kinds.named(clusterPolicyGroup, plural));
  return [kinds.named("networking.k8s.io", "networkpolicies"), ...ofCluster].flatMap(
    (found) => found?.kind ?? [],
  );
}

import type { KubeObject, Resource } from "./types.ts";

/** The kinds of sigs.k8s.io/network-policy-api: policies for a whole cluster, in tiers before and after NetworkPolicies. A
 *  cluster has them where somebody installs their definitions. */

export const clusterPolicyGroup = "policy.networking.k8s.io";

/** An object that the API checked, or did not. */
export type ClusterPolicy = KubeObject & { readonly spec?: unknown };

export interface ClusterPolicyKind {
  readonly kind: "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy";
  readonly plural: string;
  /** Those that are understood, the best first. */
  readonly versions: readonly string[];
}

export const clusterPolicyKinds: readonly ClusterPolicyKind[] = [
  { kind: "AdminNetworkPolicy", plural: "adminnetworkpolicies", versions: ["v1alpha1"] },
  { kind: "BaselineAdminNetworkPolicy", plural: "baselineadminnetworkpolicies", versions: ["v1alpha1"] },
  { kind: "ClusterNetworkPolicy", plural: "clusternetworkpolicies", versions: ["v1beta1", "v1alpha2"] },
];

export const clusterPolicyResource = (
  { kind, plural }: ClusterPolicyKind,
  version: string,
): Resource<ClusterPolicy> => ({ group: clusterPolicyGroup, version, kind, plural, namespaced: false });

/** The name of its definition. */
export const clusterPolicyDefinition = ({ plural }: ClusterPolicyKind): string =>
  `${plural}.${clusterPolicyGroup}`;

import type { ConfigMap } from "../types.ts";

/** How machines become nodes, and nodes stop being any: what the API server, the controllers, the agent and the command line agree
 *  on. Pure. */
export const joining = {
  /** Of whoever shows a token that is for joining: it may ask for a certificate, and nothing else. */
  group: "system:bootstrappers:pintle:nodes",
  clientSigner: "kubernetes.io/kube-apiserver-client-kubelet",
  servingSigner: "kubernetes.io/kubelet-serving",
} as const;

export const nodesGroup = "system:nodes";
export const nodeUserPrefix = "system:node:";

/** Public: by which a machine finds the cluster before it knows anything of it but an address and its authority's hash. */
export const clusterInfo = {
  namespace: "kube-public",
  name: "cluster-info",
  /** Kubernetes' own: a kubeconfig with neither users nor contexts. */
  kubeconfigKey: "kubeconfig",
  podRangeKey: "cluster-cidr",
  serviceRangeKey: "service-cluster-ip-range",
} as const;

/** Says of every node that was removed when that was: a certificate of before no longer counts. */
export const removedNodes = { namespace: "kube-system", name: "pintle-removed-nodes" } as const;

/** When the node was removed, since 1970; undefined: it was not. What cannot be read lets nobody in. */
export function removedAtMs(map: Pick<ConfigMap, "data"> | undefined, node: string): number | undefined {
  const { data = {} } = map ?? {};
  if (!Object.hasOwn(data, node)) return undefined;
  const ms = Date.parse(data[node] ?? "");
  return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms;
}

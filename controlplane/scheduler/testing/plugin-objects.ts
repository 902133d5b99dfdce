import type { Meta, Node, Pod } from "../../../client/types.ts";

export type Extra = Partial<Pod["spec"]> & {
  labels?: Record<string, string>;
  owner?: string;
  namespace?: string;
};

let serial = 0;
export const meta = (name: string, more: Partial<Meta> = {}): Meta => ({
  name,
  uid: `uid-${++serial}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...more,
});
export const requests = (cpu: string, memory = "64Mi") => ({ requests: { cpu, memory } });

export function pod(name: string, { labels, owner, namespace = "n", ...spec }: Extra = {}): Pod {
  const ownerReferences = [
    { apiVersion: "apps/v1", kind: "ReplicaSet", name: owner ?? "", uid: owner ?? "", controller: true },
  ];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: meta(name, {
      namespace,
      ...((labels || owner) && { labels: { ...labels, ...(owner && { owner }) } }),
      ...(owner && { ownerReferences }),
    }),
    spec: { containers: [{ name: "c", image: "i", resources: requests("100m") }], ...spec },
  };
}

export function node(
  name: string,
  more: {
    labels?: Record<string, string>;
    spec?: Node["spec"];
    cpu?: string;
    pods?: string;
    disk?: string;
    images?: { names: string[]; sizeBytes: number }[];
  } = {},
): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: meta(name, { labels: { "kubernetes.io/hostname": name, ...more.labels } }),
    spec: more.spec ?? {},
    status: {
      allocatable: {
        cpu: more.cpu ?? "4",
        memory: "8Gi",
        pods: more.pods ?? "110",
        ...(more.disk && { "ephemeral-storage": more.disk }),
      },
      ...(more.images && { images: more.images }),
    },
  };
}

export const inZone = (name: string, zone: string, more = {}) =>
  node(name, { labels: { "topology.kubernetes.io/zone": zone }, ...more });

import type { Cluster } from "../../cluster/cluster.ts";
import { memoryLimits, UsageMemory } from "../../controlplane/dashboard/server/usage/usage-memory.ts";

const definition = (plural: string, kind: string, scope: "Cluster" | "Namespaced") => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `${plural}.metrics.k8s.io`,
    annotations: { "api-approved.kubernetes.io": "unapproved, it stands for a metrics-server" },
  },
  spec: {
    group: "metrics.k8s.io",
    scope,
    names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

const usageAt = (at: number) => ({
  cpu: 0.2 + 0.1 * Math.sin(at / 20),
  memory: (60 + 25 * Math.sin(at / 55 + 1)) * 2 ** 20,
});

/** Measurements as a metrics-server would serve them, as objects of a cluster whose nodes are not there: of each of these pods, and
 *  of both nodes. */
export async function serveUsage(
  cluster: Cluster,
  pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Record<string, string>;
  }[],
): Promise<void> {
  await cluster.apply([
    definition("nodes", "NodeMetrics", "Cluster"),
    definition("pods", "PodMetrics", "Namespaced"),
  ]);
  const usage = { cpu: "250m", memory: "64Mi" };
  await cluster.apply([
    ...cluster.nodes.map((name) => ({
      apiVersion: "metrics.k8s.io/v1beta1",
      kind: "NodeMetrics",
      metadata: { name },
      usage,
    })),
    ...pods.map((metadata) => ({
      apiVersion: "metrics.k8s.io/v1beta1",
      kind: "PodMetrics",
      metadata,
      containers: [{ name: "c", usage }],
    })),
  ]);
}

/** Two hours in which these were measured every fifteen seconds, but for a while in between. */
export function measuredBefore(
  nodes: readonly string[],
  pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Record<string, string>;
  }[],
  nowMs: number,
): UsageMemory {
  const memory = new UsageMemory();
  const rounds = memoryLimits.columns - 1;
  for (let at = 0; at < rounds; at++) {
    const isAway = at > rounds - 150 && at < rounds - 120;
    memory.take(nowMs - (rounds - at) * 15_000, {
      nodes: nodes.map((name, more) => ({ name, ...usageAt(at + 40 * more) })),
      pods: isAway
        ? []
        : pods.map((pod, more) => ({ ...pod, containers: [{ name: "c", ...usageAt(at + 25 * more) }] })),
    });
  }
  return memory;
}

import type { ApiClient } from "../../client/api.ts";
import { isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Draft, EndpointSlice, Service } from "../../client/types.ts";
import type { ClusterPlan } from "./cluster-state.ts";
import { addressing, port, standbys } from "./topology.ts";

/** Parts of the control plane are no pods: Services without selectors name where their metrics are, as kube-prometheus has
 *  them. */
const published = [
  { name: "etcd", ports: "store-metrics", count: (plan: ClusterPlan) => plan.replicas },
  { name: "kube-scheduler", ports: "scheduler", count: standbys },
  { name: "kube-controller-manager", ports: "controller-manager", count: standbys },
] as const;

const namespace = "kube-system";
const managedBy = "pintle-up";

interface Publication {
  readonly name: string;
  readonly sliceName: string;
  readonly service: Draft<Service>;
  readonly slice: Draft<EndpointSlice>;
}

/** Where metrics are beside the loopback; the loopback itself where pods are there, too. Pure. */
export const metricsAddress = (plan: ClusterPlan): string => addressing(plan).bridgeAddress ?? "127.0.0.1";

/** Pure. */
export function publications(plan: ClusterPlan): readonly Publication[] {
  return published.map(({ name, ports, count }) => {
    const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": managedBy };
    const sliceName = `${name}-metrics`;
    return {
      name,
      sliceName,
      service: { metadata: { name, namespace, labels }, spec: { clusterIP: "None" } },
      slice: {
        metadata: {
          name: sliceName,
          namespace,
          labels: {
            ...labels,
            "kubernetes.io/service-name": name,
            "endpointslice.kubernetes.io/managed-by": managedBy,
          },
        },
        addressType: "IPv4",
        endpoints: [{ addresses: [metricsAddress(plan)], conditions: { ready: true } }],
        ports: Array.from({ length: count(plan) }, (_, at) => ({
          name: `http-metrics-${at + 1}`,
          port: port(plan, `${ports}-${at + 1}`),
          protocol: "TCP" as const,
        })),
      },
    };
  });
}

/** Makes them as the plan says, and takes away what an earlier plan said. */
export async function publishMetrics(
  plan: ClusterPlan,
  client: Pick<ApiClient, "patch" | "delete">,
): Promise<void> {
  const apply = { type: "apply", fieldManager: managedBy, force: true } as const;
  for (const { name, sliceName, service, slice } of publications(plan)) {
    const ofService = { name, namespace };
    const ofSlice = { name: sliceName, namespace };
    if (plan.publishMetrics) {
      const named = { apiVersion: "v1", kind: "Service", ...service };
      const sliced = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", ...slice };
      await client.patch(resources.services, ofService, named, apply);
      await client.patch(resources.endpointslices, ofSlice, sliced, apply);
    } else {
      await client.delete(resources.endpointslices, ofSlice).catch(unlessGone);
      await client.delete(resources.services, ofService).catch(unlessGone);
    }
  }
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

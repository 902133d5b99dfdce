import type { PodBehaviour } from "../../../agent/simulate/pod-behaviour.ts";
import { resources } from "../../../client/resources.ts";
import type { CauseCode } from "../../../client/why/causes.ts";
import type { Cluster } from "../../../cluster/cluster.ts";
import type { ClusterOptions } from "../../../cluster/start-cluster.ts";

/** What a simulated cluster needs beside an example's manifests. */
export interface Setup {
  /** What programs do. */
  readonly pods?: readonly PodBehaviour[];
  /** Of its namespace. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The cause that is found first, where that is not the example's name. */
  readonly code?: CauseCode;
  /** A cluster of its own. */
  readonly cluster?: Pick<ClusterOptions, "nodes">;
  readonly before?: (cluster: Cluster) => Promise<unknown>;
  readonly after?: (cluster: Cluster, namespace: string) => Promise<unknown>;
}

const pullError = (error: string): Setup => ({ pods: [{ pull: { error } }] });
const neverStarts: Setup = { pods: [{ start: "1h" }] };

const gatewayKind = (kind: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `${kind.toLowerCase()}s.gateway.networking.k8s.io`,
    annotations: { "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/1" },
  },
  spec: {
    group: "gateway.networking.k8s.io",
    scope: "Namespaced",
    names: { kind, plural: `${kind.toLowerCase()}s` },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

export const setups: Readonly<Record<string, Setup>> = {
  "unschedulable-taint": {
    cluster: { nodes: [{ taints: ["gpu=yes:NoSchedule"] }, { taints: ["gpu=yes:NoSchedule"] }] },
  },
  "unschedulable-cordoned": {
    cluster: { nodes: 1 },
    before: ({ client }) =>
      client.patch(resources.nodes, { name: "node-1" }, { spec: { unschedulable: true } }, { type: "merge" }),
  },
  "volume-other-node": { code: "unschedulable-volume" },
  "image-name-wrong": { pods: [{ pull: "1s" }] },
  "image-not-found": pullError("manifest for registry.example/web:99 not found: manifest unknown"),
  "image-auth": pullError("pull access denied: 401 Unauthorized: authentication required"),
  "image-rate-limit": pullError(
    "429 Too Many Requests: toomanyrequests: You have reached your pull rate limit",
  ),
  "image-registry": pullError("dial tcp: lookup registry.invalid: no such host"),
  "image-pull-policy": { pods: [{ pull: "1s" }] },
  "config-map-missing": neverStarts,
  "secret-missing": neverStarts,
  "claim-provisioning": {
    after: async ({ client }, namespace) => {
      const claim = await client.get(resources.persistentvolumeclaims, { name: "data", namespace });
      await client.create(resources.events, {
        metadata: { name: "data.no-room", namespace },
        involvedObject: { kind: "PersistentVolumeClaim", name: "data", namespace, uid: claim.metadata.uid },
        type: "Warning",
        reason: "ProvisioningFailed",
        message: "no pool has 900Ti left",
        source: { component: "small-disks.example.com" },
      });
    },
  },
  "command-not-found": { pods: [{ exit: { code: 127 }, logs: "sh: 1: webb: not found\n" }] },
  "command-not-executable": {
    pods: [{ exit: { code: 126 }, logs: "sh: 1: /etc/web.conf: Permission denied\n" }],
  },
  crash: {
    pods: [
      { exit: { code: 1, after: "1s" }, logs: "reading /etc/web.yaml\nError: port: expected a number\n" },
    ],
  },
  "out-of-memory": { pods: [{ exit: { reason: "OOMKilled", after: "20s" } }] },
  "completes-again": { pods: [{ exit: { code: 0, after: "5s" }, logs: "12 rows written\n" }] },
  "liveness-probe": { pods: [{ probe: { liveness: "HTTP probe failed with statuscode: 404" } }] },
  "readiness-probe": {
    pods: [{ probe: { readiness: "dial tcp 10.0.0.1:8081: connect: connection refused" } }],
  },
  "startup-probe": { pods: [{ probe: { startup: "dial tcp 10.0.0.1:8080: connect: connection refused" } }] },
  "init-stuck": { pods: [{ container: "wait-for-db", exit: false, logs: "db is not there yet\n" }] },
  "init-crash": {
    pods: [{ container: "migrate", exit: { code: 1 }, logs: "table orders does not exist\n" }],
  },
  "dns-name": {
    pods: [{ exit: { code: 1 }, logs: "Error: getaddrinfo ENOTFOUND db\n" }],
    before: (cluster) =>
      cluster.apply([
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "data" } },
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "db", namespace: "data" },
          spec: { clusterIP: "None", ports: [{ port: 5432 }] },
        },
      ] as never),
  },
  evicted: { pods: [{ evict: { after: "10s", message: "The node was low on resource: memory." } }] },
  "finalizer-stuck": {
    after: ({ client }, namespace) => client.delete(resources.configmaps, { name: "kept", namespace }),
  },
  "namespace-terminating": {
    after: ({ client }, name) => client.delete(resources.namespaces, { name }),
  },
  "node-not-ready": {
    cluster: { nodes: 1 },
    after: (cluster) => cluster.setNodeTroubles("node-1", { notReady: "container runtime is down" }),
  },
  "node-pressure": {
    cluster: { nodes: 1 },
    before: (cluster) => cluster.setNodeTroubles("node-1", { diskPressure: true }),
  },
  "pod-security": { labels: { "pod-security.kubernetes.io/enforce": "baseline" } },
  "webhook-denied": {
    before: async (cluster) =>
      cluster.answerWebhooks("webhook-denied/digests", (review) => ({
        ...review,
        response: {
          uid: (review.request as { readonly uid: string }).uid,
          allowed: false,
          status: { message: "web: its image has no digest" },
        },
      })),
  },
  "rollout-stuck": {
    code: "readiness-probe",
    pods: [{ image: "registry.example/web:2", probe: { readiness: "connection refused" } }],
    after: async (cluster, namespace) => {
      await cluster.untilReady({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web", namespace },
      });
      const containers = [{ name: "web", image: "registry.example/web:2" }];
      await cluster.client.patch(
        resources.deployments,
        { name: "web", namespace },
        { spec: { template: { spec: { containers } } } },
        { type: "strategic" },
      );
    },
  },
  "ordinal-blocks": { code: "readiness-probe", pods: [{ probe: { readiness: "no response" } }] },
  "job-backoff-limit": { pods: [{ exit: { code: 1 }, logs: "column price is missing\n" }] },
  "job-deadline": { pods: [{ exit: false }] },
  "cron-missed": { pods: [{ exit: false }] },
  "gateway-missing": {
    before: (cluster) => cluster.apply([gatewayKind("Gateway"), gatewayKind("HTTPRoute")]),
  },
  "policy-blocks-dns": { pods: [{ exit: { code: 1 }, logs: "Error: getaddrinfo EAI_AGAIN db.shop\n" }] },
  "api-service": { cluster: { nodes: 1 } },
};

import { type Cluster, startCluster } from "pintle";
import { connectCluster, type KubeClient, kinds } from "pintle/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { restart } from "./restart.ts";

let cluster: Cluster;
let api: KubeClient;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 2 });
  const { path } = await cluster.kubeconfig();
  api = connectCluster({ kubeconfig: path });
});
afterAll(async () => {
  api?.close();
  await cluster?.stop();
});

it("makes every pod anew", async () => {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "example.com/web:1" }] },
      },
    },
  };
  await api.apply(deployment);
  await cluster.untilReady(deployment);
  const { items } = await api.list(kinds.Pod, { namespace: "default" });
  const before = new Set(items.map(({ metadata }) => metadata.uid));

  await restart(api, "web");

  const after = await cluster.until(
    kinds.Pod,
    (pods) =>
      pods.length === 3 &&
      pods.every(({ metadata, status }) => !before.has(metadata.uid) && status?.phase === "Running") &&
      pods,
  );
  expect(after.map(({ metadata }) => metadata.labels?.app)).toEqual(["web", "web", "web"]);
});

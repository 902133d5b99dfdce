import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/endpoints", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  it("follows the pods of a service, and goes with it", async () => {
    await cluster.kubectl("create", "deployment", "web", "--image=a:1", "--replicas=2", "--port=8080");
    await cluster.kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080");
    const count =
      (wanted: number) =>
      (
        slices: readonly {
          metadata: { labels?: Record<string, string> };
          endpoints?: { conditions?: { ready?: boolean } }[];
        }[],
      ) =>
        slices
          .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "web")
          .flatMap(({ endpoints }) => endpoints ?? [])
          .filter(({ conditions }) => conditions?.ready === true).length === wanted;
    await cluster.until(resources.endpointslices, "two ready", count(2));
    await cluster.kubectl("scale", "deployment", "web", "--replicas=3");
    await cluster.until(resources.endpointslices, "three ready", count(3));
    const endpoints = await cluster.until(resources.endpoints, "three addresses", (all) =>
      all.find(({ metadata, subsets }) => metadata.name === "web" && subsets?.[0]?.addresses?.length === 3),
    );
    assert.equal(endpoints.subsets?.[0]?.ports?.[0]?.port, 8080);
    await cluster.kubectl("delete", "service", "web");
    await cluster.until(resources.endpoints, "endpoints gone", (all) =>
      all.every((e) => e.metadata.name !== "web"),
    );
    await cluster.until(resources.endpointslices, "slices gone", (all) =>
      all.every((e) => e.metadata.labels?.["kubernetes.io/service-name"] !== "web"),
    );
  });

  it("mirrors Endpoints written by hand for a Service without selector, and takes the slice back", async () => {
    await cluster.client.create(resources.services, {
      metadata: { name: "db", namespace: "default" },
      spec: { ports: [{ port: 5432 }] },
    });
    await cluster.client.create(resources.endpoints, {
      metadata: { name: "db", namespace: "default" },
      subsets: [{ addresses: [{ ip: "10.7.7.7" }], ports: [{ port: 5432 }] }],
    });
    const mirrored = await cluster.until(resources.endpointslices, "mirrored", (all) =>
      all.find(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "db"),
    );
    assert.equal(
      mirrored.metadata.labels?.["endpointslice.kubernetes.io/managed-by"],
      "endpointslicemirroring-controller.k8s.io",
    );
    assert.deepEqual(mirrored.endpoints?.[0]?.addresses, ["10.7.7.7"]);
    await cluster.client.delete(resources.endpoints, { name: "db", namespace: "default" });
    await cluster.until(resources.endpointslices, "gone", (all) =>
      all.every(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] !== "db"),
    );
  });
});

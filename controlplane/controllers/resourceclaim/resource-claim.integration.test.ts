import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("claims of devices, in a cluster", () => {
  let cluster: TestCluster;
  let outcome: "ready" | "succeeded" = "ready";
  before(async () => {
    cluster = await startTestCluster({ nodes: ["n1"], kubelet: { outcome: () => outcome } });
  });
  after(() => cluster.stop());

  const namespace = "default";
  const makeTemplate = (name: string) =>
    cluster.client.create(resources.resourceclaimtemplates, {
      metadata: { name, namespace },
      spec: {
        spec: { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.acme.io" } }] } },
      },
    });
  const makePod = (name: string, template: string, ...shared: readonly string[]) =>
    cluster.client.create(resources.pods, {
      metadata: { name, namespace },
      spec: {
        restartPolicy: "Never",
        resourceClaims: [
          { name: "card", resourceClaimTemplateName: template },
          ...shared.map((resourceClaimName) => ({ name: resourceClaimName, resourceClaimName })),
        ],
        containers: [{ name: "c", image: "i" }],
      },
    });
  const untilClaim = (pod: string) =>
    cluster.until(resources.resourceclaims, "made", (all) =>
      all.find(({ metadata }) => metadata.ownerReferences?.[0]?.name === pod),
    );

  it("are made from a template for a pod, noted in its status, and go once it is done", async () => {
    await makeTemplate("gpu");
    await makePod("train", "gpu");
    const claim = await untilClaim("train");
    assert.match(claim.metadata.name, /^train-card-[a-z0-9]{5}$/);
    const noted = await cluster.until(resources.pods, "noted", (all) =>
      all.find(({ status }) => status?.resourceClaimStatuses !== undefined),
    );
    assert.deepEqual(noted.status?.resourceClaimStatuses, [
      { name: "card", resourceClaimName: claim.metadata.name },
    ]);
    outcome = "succeeded";
    cluster.kubelet.again();
    await cluster.until(resources.resourceclaims, "gone", (all) => all.length === 0);
  });

  it("wait for their template, which an event asks for", async () => {
    await makePod("early", "late");
    const event = await cluster.until(resources.events, "an event", (all) =>
      all.find(({ reason }) => reason === "FailedResourceClaimCreation"),
    );
    assert.equal(
      event.message,
      'PodResourceClaim card: resource claim template "late": resourceclaimtemplate.resource.k8s.io "late" not found',
    );
    assert.equal(event.source?.component, "resource_claim");
    outcome = "ready";
    await cluster.client.delete(resources.pods, { name: "early", namespace }, { gracePeriodSeconds: 0 });
    await makePod("early2", "late");
    await makeTemplate("late");
    await untilClaim("early2");
  });

  it("are freed and unprotected when the last pod that used them is gone", async () => {
    const { client } = cluster;
    const claim = await client.create(resources.resourceclaims, {
      metadata: { name: "shared", namespace, finalizers: ["resource.kubernetes.io/delete-protection"] },
      spec: { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.acme.io" } }] } },
    });
    const pod = await makePod("user", "gpu", "shared");
    const own = await untilClaim("user");
    await client.updateStatus(resources.resourceclaims, {
      ...claim,
      status: {
        allocation: { devices: { results: [] } },
        reservedFor: [{ resource: "pods", name: "user", uid: pod.metadata.uid }],
      },
    });
    await client.delete(resources.pods, { name: "user", namespace }, { gracePeriodSeconds: 0 });
    const free = await cluster.until(resources.resourceclaims, "free", (all) =>
      all.find(
        ({ metadata, status }) =>
          metadata.name === "shared" && metadata.finalizers === undefined && status?.allocation === undefined,
      ),
    );
    assert.deepEqual(free.status?.reservedFor ?? [], []);
    await cluster.until(resources.resourceclaims, "its own is gone", (all) =>
      all.every(({ metadata }) => metadata.name !== own.metadata.name),
    );
  });
});

import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/cronjob with the real kubectl", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      nodes: ["a"],
      kubelet: { outcome: ({ metadata }) => (metadata.name.startsWith("short-") ? "succeeded" : "ready") },
    });
  });
  after(() => cluster.stop());

  it("makes a job when it is due, and lists it while it runs", async () => {
    await cluster.kubectl("create", "cronjob", "tick", "--image=a:1", "--schedule=@every 1s");
    await cluster.until(resources.cronjobs, "it ran", ([one]) => one?.status?.lastScheduleTime !== undefined);
    const { items } = await cluster.client.list(resources.jobs);
    const owner = items[0]?.metadata.ownerReferences?.[0];
    assert.deepEqual([owner?.kind, owner?.name, owner?.controller], ["CronJob", "tick", true]);
    assert.match(items[0]?.metadata.name ?? "", /^tick-[0-9]{8}$/);
  });

  it("writes down when a job succeeded that the history does not keep", async () => {
    await cluster.client.create(resources.cronjobs, {
      metadata: { name: "short", namespace: "default" },
      spec: {
        schedule: "@every 1s",
        successfulJobsHistoryLimit: 0,
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "a:1" }] } } },
        },
      },
    } as never);
    const succeeded = await cluster.until(resources.cronjobs, "a job succeeded", (all) =>
      all.find(
        ({ metadata, status }) => metadata.name === "short" && status?.lastSuccessfulTime !== undefined,
      ),
    );
    await cluster.client.patch(
      resources.cronjobs,
      succeeded.metadata,
      { spec: { suspend: true } },
      { type: "merge" },
    );
    await cluster.until(
      resources.jobs,
      "the history keeps none",
      (all) => !all.some(({ metadata }) => metadata.name.startsWith("short-")),
    );
  });
});

import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { Draft, Job, Pod } from "../../../client/types.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const job = (name: string, spec: Partial<Job["spec"]>): Draft<Job> => ({
  metadata: { name, namespace: "default" },
  spec: {
    template: {
      metadata: { labels: { job: name } },
      spec: { restartPolicy: "Never", containers: [{ name: "c", image: "a" }] },
    },
    ...spec,
  },
});

describe("controlplane/controllers/job", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  const fails = (pod: Pod) =>
    pod.metadata.labels?.job === "broken" ||
    (pod.metadata.labels?.job === "partly" &&
      pod.metadata.annotations?.["batch.kubernetes.io/job-completion-index"] === "1");
  const runs = (pod: Pod) => pod.metadata.labels?.job === "long";
  before(async () => {
    cluster = await startTestCluster({
      kubelet: { outcome: (pod) => (fails(pod) ? "failed" : runs(pod) ? "ready" : "succeeded") },
    });
  });
  after(() => cluster.stop());

  it("completes, having counted every pod once", async () => {
    await cluster.client.create(resources.jobs, job("sum", { completions: 5, parallelism: 2 }));
    assert.match(
      await cluster.kubectl("wait", "--for=condition=Complete", "job/sum", "--timeout=20s"),
      /condition met/,
    );
    const done = await cluster.client.get(resources.jobs, { name: "sum", namespace: "default" });
    assert.equal(done.status?.succeeded, 5);
    assert.ok(done.status?.completionTime);
    const { items } = await cluster.client.list(resources.pods, { labelSelector: "job=sum" });
    assert.equal(items.length, 5);
    await cluster.until(resources.pods, "no finalizer is left", (all) =>
      all.every(({ metadata }) => (metadata.finalizers ?? []).length === 0),
    );
  });

  it("runs each index of an Indexed job once", async () => {
    await cluster.client.create(
      resources.jobs,
      job("indexed", { completions: 4, parallelism: 3, completionMode: "Indexed" }),
    );
    await cluster.kubectl("wait", "--for=condition=Complete", "job/indexed", "--timeout=20s");
    const done = await cluster.client.get(resources.jobs, { name: "indexed", namespace: "default" });
    assert.equal(done.status?.completedIndexes, "0-3");
  });

  it("gives up at the back-off limit", async () => {
    await cluster.client.create(resources.jobs, job("broken", { backoffLimit: 0 }));
    const failed = await cluster.until(resources.jobs, "failed", (all) =>
      all.find(
        ({ metadata, status }) =>
          metadata.name === "broken" && status?.conditions?.some(({ type }) => type === "Failed"),
      ),
    );
    assert.equal(failed.status?.failed, 1);
    assert.equal(
      failed.status?.conditions?.find(({ type }) => type === "Failed")?.reason,
      "BackoffLimitExceeded",
    );
  });

  it("ends with the indexes that failed, having run the others", async () => {
    const spec = { completions: 3, parallelism: 2, completionMode: "Indexed", backoffLimitPerIndex: 0 };
    await cluster.client.create(resources.jobs, job("partly", spec));
    const failed = await cluster.until(resources.jobs, "failed", (all) =>
      all.find(
        ({ metadata, status }) =>
          metadata.name === "partly" && status?.conditions?.some(({ type }) => type === "Failed"),
      ),
    );
    assert.deepEqual([failed.status?.completedIndexes, failed.status?.failedIndexes], ["0,2", "1"]);
    assert.equal(failed.status?.conditions?.find(({ type }) => type === "Failed")?.reason, "FailedIndexes");
  });

  it("leaves a Job alone that another controller manages", async () => {
    await cluster.client.create(resources.jobs, job("foreign", { managedBy: "example.com/theirs" }));
    await cluster.client.create(resources.jobs, job("own", { managedBy: "kubernetes.io/job-controller" }));
    await cluster.kubectl("wait", "--for=condition=Complete", "job/own", "--timeout=20s");
    const { status } = await cluster.client.get(resources.jobs, { name: "foreign", namespace: "default" });
    assert.deepEqual(status, {});
  });

  it("stops when suspended, starts again, and goes when its time is over", async () => {
    await cluster.client.create(
      resources.jobs,
      job("long", { ttlSecondsAfterFinished: 0, activeDeadlineSeconds: 3 }),
    );
    const named = (all: readonly Job[]) => all.find(({ metadata }) => metadata.name === "long");
    await cluster.until(resources.jobs, "active", (all) => named(all)?.status?.active === 1);
    const ref = { name: "long", namespace: "default" };
    await cluster.client.patch(resources.jobs, ref, { spec: { suspend: true } }, { type: "merge" });
    await cluster.until(resources.jobs, "suspended", (all) => {
      const status = named(all)?.status;
      return (
        (status?.active ?? 0) === 0 && status?.conditions?.some(({ reason }) => reason === "JobSuspended")
      );
    });
    assert.equal(named((await cluster.client.list(resources.jobs)).items)?.status?.failed, undefined);
    await cluster.client.patch(resources.jobs, ref, { spec: { suspend: false } }, { type: "merge" });
    await cluster.until(resources.jobs, "active again", (all) => named(all)?.status?.active === 1);
    await cluster.until(resources.jobs, "over and gone", (all) => named(all) === undefined);
  });

  describe("lets go of pods that are not its own", () => {
    const startLong = async (name: string, labels: Record<string, string>) => {
      const draft = job(name, {});
      await cluster.client.create(resources.jobs, {
        ...draft,
        spec: { ...draft.spec, template: { ...draft.spec.template, metadata: { labels } } },
      });
      return cluster.until(resources.pods, "it runs", (all) =>
        all.find(
          ({ metadata, status }) => metadata.labels?.["job-name"] === name && status?.phase === "Running",
        ),
      );
    };

    it("a pod whose labels no longer match is released without the finalizer", async () => {
      const { metadata } = await startLong("releasing", { job: "long" });
      const uid = metadata.labels?.["batch.kubernetes.io/controller-uid"];
      const body = {
        metadata: { labels: { "batch.kubernetes.io/controller-uid": null, "controller-uid": null } },
      };
      await cluster.client.patch(resources.pods, metadata, body, { type: "merge" });
      const freed = await cluster.until(resources.pods, "released", (all) =>
        all.find((pod) => pod.metadata.uid === metadata.uid && !pod.metadata.ownerReferences?.length),
      );
      assert.ok(uid);
      assert.deepEqual(freed.metadata.finalizers ?? [], []);
    });

    it("a pod that was orphaned with its Job's deletion", async () => {
      const { metadata } = await startLong("leaving", { job: "long" });
      await cluster.client.delete(
        resources.jobs,
        { name: "leaving", namespace: "default" },
        { propagationPolicy: "Orphan" },
      );
      await cluster.until(resources.pods, "freed", (all) =>
        all.find(
          (pod) =>
            pod.metadata.uid === metadata.uid &&
            !pod.metadata.ownerReferences?.length &&
            !pod.metadata.finalizers?.length,
        ),
      );
    });

    it("a pod that was never a Job's, so that its namespace can end", async () => {
      await cluster.client.create(resources.namespaces, { metadata: { name: "ends" }, spec: {} });
      await cluster.client.create(resources.pods, {
        metadata: { name: "never", namespace: "ends", finalizers: ["batch.kubernetes.io/job-tracking"] },
        spec: { containers: [{ name: "c", image: "a" }] },
      });
      await cluster.client.delete(resources.namespaces, { name: "ends" }, {});
      await cluster.until(resources.namespaces, "gone", (all) =>
        all.every(({ metadata }) => metadata.name !== "ends"),
      );
    });

    it("and holds a pod that it adopts", async () => {
      const { metadata } = await startLong("adopting", { job: "long" });
      const nobodys = await cluster.client.patch(
        resources.pods,
        metadata,
        { metadata: { ownerReferences: [], finalizers: [] } },
        { type: "merge" },
      );
      const seen = new Set([metadata.resourceVersion, nobodys.metadata.resourceVersion]);
      const adopted = await cluster.until(resources.pods, "adopted", (all) =>
        all.find(
          (pod) =>
            pod.metadata.uid === metadata.uid &&
            pod.metadata.ownerReferences?.length === 1 &&
            !seen.has(pod.metadata.resourceVersion),
        ),
      );
      assert.deepEqual(adopted.metadata.finalizers, ["batch.kubernetes.io/job-tracking"]);
    });
  });
});

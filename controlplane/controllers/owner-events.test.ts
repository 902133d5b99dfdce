import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { batchMs, enqueueOwners } from "./owner-events.ts";
import { controllerReference } from "./owners.ts";

describe("controlplane/controllers/owner-events", () => {
  let api: FakeApi;
  let clock: ManualClock;
  let tasks: TaskScope;
  let queue: WorkQueue;
  beforeEach(async () => {
    api = new FakeApi();
    clock = new ManualClock();
    tasks = new TaskScope(silentLog);
    const informers = new InformerFactory(tasks, {
      client: api,
      clock,
      random: systemRandom,
      log: silentLog,
    });
    queue = new WorkQueue({ clock, random: systemRandom });
    const owners = informers.informer(resources.replicasets);
    const pods = informers.informer(resources.pods);
    enqueueOwners(queue, pods, { owners, kind: "ReplicaSet", group: "apps" });
    await informers.synced(tasks.signal);
  });
  afterEach(() => tasks.stop());

  async function makePods(owner: string, count: number) {
    const reference = controllerReference({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: owner, uid: owner, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    });
    for (let at = 0; at < count; at++)
      await api.create(resources.pods, {
        metadata: { namespace: "n", name: `${owner}-${at}`, ownerReferences: [reference] },
        spec: { containers: [] },
      });
    await clock.advance(0);
  }

  const drain = async () => {
    const taken: string[] = [];
    while (queue.length > 0) {
      const key = await queue.take(tasks.signal);
      taken.push(key);
      queue.done(key);
    }
    return taken;
  };

  it("wakes an owner of few at once", async () => {
    await makePods("few", 1);
    assert.deepEqual(await drain(), ["n/few"]);
  });

  it("wakes an owner of many once for all that happens to its children within a while", async () => {
    await makePods("many", 300);
    await clock.advance(batchMs(300));
    await drain();
    await api.delete(resources.pods, { namespace: "n", name: "many-0" });
    await api.delete(resources.pods, { namespace: "n", name: "many-1" });
    await clock.advance(0);
    assert.deepEqual(await drain(), []);
    await clock.advance(batchMs(298));
    assert.deepEqual(await drain(), ["n/many"]);
    await clock.advance(batchMs(300));
    assert.deepEqual(await drain(), []);
  });

  it("lets no owner wait longer than a tenth of a second", () => {
    assert.deepEqual([0, 99, 100, 1_000, 1_000_000].map(batchMs), [0, 0, 1, 10, 100]);
  });
});

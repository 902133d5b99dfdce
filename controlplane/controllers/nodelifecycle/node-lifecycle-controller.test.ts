import assert from "node:assert/strict";
import { parseFlags } from "../../../base/os/flags.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { isConflict } from "../../../client/api-error.ts";
import { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { WorkQueue } from "../../../client/work-queue.ts";
import type { ControllerClient, Sync } from "../controller.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../flags.ts";
import { ServedResources } from "../served-resources.ts";
import { nodeLifecycleController } from "./node-lifecycle-controller.ts";

describe("controlplane/controllers/nodelifecycle/node-lifecycle-controller", () => {
  let api: FakeApi;
  let tasks: TaskScope;
  let sync: Sync;
  let queue: WorkQueue;
  let clock: ManualClock;
  beforeEach(async () => {
    api = new FakeApi();
    clock = new ManualClock();
    tasks = new TaskScope(silentLog);
    const parts = { client: api, clock, random: systemRandom, log: silentLog };
    const informers = new InformerFactory(tasks, parts);
    queue = new WorkQueue({ clock, random: systemRandom });
    const config = controllerManagerConfig(parseFlags(controllerManagerFlags, []).flags);
    const client = api as unknown as ControllerClient;
    const recorder = { record: () => undefined };
    const served = new ServedResources({ ...parts, client, metadataInformers: informers, tasks });
    const caches = { informers, metadataInformers: informers, served };
    const context = { ...parts, ...caches, client, recorder, config, tasks, meter: new MetricsRegistry() };
    sync = nodeLifecycleController.setUp(context, queue);
    await informers.synced(tasks.signal);
  });
  afterEach(() => tasks.stop());

  it("hears a node by its lease, and not by others of its name", async () => {
    const status = { conditions: [{ type: "Ready", status: "True" }] };
    for (const name of ["heard", "silent"]) await api.create(resources.nodes, { metadata: { name }, status });
    await clock.advance(45_000);
    const lease = (namespace: string, name: string) =>
      api.create(resources.leases, { metadata: { namespace, name }, spec: { renewTime: "now" } });
    await lease("kube-node-lease", "heard");
    await lease("kube-system", "silent");
    await clock.advance(10_000);
    for (const name of ["heard", "silent"]) await sync(name, tasks.signal);
    const readiness = api
      .all(resources.nodes)
      .map(({ metadata, status }) => [
        metadata.name,
        status?.conditions?.find(({ type }) => type === "Ready")?.status,
      ]);
    assert.deepEqual(readiness, [
      ["heard", "True"],
      ["silent", "Unknown"],
    ]);
  });

  it("does not take away a taint that somebody set while it planned its own", async () => {
    const status = { conditions: [{ type: "Ready", status: "False" }] };
    await api.create(resources.nodes, { metadata: { name: "a" }, status });
    await queue.take(tasks.signal); // its informer shows the node
    const mine = { key: "mine", effect: "NoSchedule" };
    let raced = false;
    api.intercept = async ({ verb, resource }) => {
      if (verb !== "patch" || resource !== "nodes" || raced) return undefined;
      raced = true;
      await api.patch(resources.nodes, { name: "a" }, { spec: { taints: [mine] } }, { type: "merge" });
      return undefined;
    };
    await assert.rejects(sync("a", tasks.signal), isConflict);
    assert.deepEqual((await api.get(resources.nodes, { name: "a" })).spec?.taints, [mine]);
  });
});

import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { isConflict, isNotFound } from "../../client/api-error.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Pod } from "../../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { defaultProfile } from "../../controlplane/scheduler/config/make-profiles.ts";
import { queueLimits } from "../../controlplane/scheduler/queue.ts";
import { startScheduler } from "../../controlplane/scheduler/scheduler.ts";

const pod = (name: string, cpu = "100m") => ({
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }] },
});
const node = (name: string) => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name } },
  spec: {},
  status: {
    capacity: { cpu: "1", memory: "1Gi", pods: "10" },
    allocatable: { cpu: "1", memory: "1Gi", pods: "10" },
  },
});
const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };

describe("integration: scheduler and client against the API server", () => {
  let server: TestApiserver;
  let client: RestClient;
  /** Run after each test, failed or not: what the test started. */
  const cleanups: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  before(async () => {
    server = await startTestApiserver();
    client = new RestClient(loadKubeconfig(server.kubeconfig));
    for (const namespace of ["default", "kube-system"]) {
      try {
        await client.get(resources.namespaces, { name: namespace });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        await client.create(resources.namespaces, { metadata: { name: namespace } });
      }
    }
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  /** A scheduler by its own rights, which leads by lease. */
  async function startOwn() {
    const scheduler = await startScheduler(
      {
        api: loadKubeconfig(await server.kubeconfigFor("system:kube-scheduler")),
        serve: { addresses: ["127.0.0.1"], port: 0 },
        election: { name: "kube-scheduler", namespace: "kube-system", times },
        profiles: [defaultProfile("default-scheduler")],
        extenders: [],
        backoff: queueLimits.backoff,
        pluginFiles: [],
      },
      testOs(),
    );
    cleanups.push(() => scheduler.stop());
    return scheduler;
  }

  function followPods() {
    const tasks = new TaskScope(silentLog);
    cleanups.push(() => tasks.stop());
    const deps = { client, clock: systemClock, random: systemRandom, log: silentLog };
    return new InformerFactory(tasks, deps).informer(resources.pods);
  }

  /** Resolves with the first object of the informer that satisfies `wanted`. */
  const until = <T extends Pod>(
    informer: {
      subscribe: (handler: { onAdd: (object: T) => void; onUpdate: (object: T) => void }) => () => void;
    },
    wanted: (object: T) => boolean,
  ): Promise<T> =>
    new Promise((resolve) => {
      const look = (object: T) => {
        if (wanted(object)) resolve(object);
      };
      informer.subscribe({ onAdd: look, onUpdate: look });
    });

  it("places pods, says why others wait, leads by lease and gives it up", async () => {
    for (const name of ["n1", "n2"]) {
      await client.create(resources.nodes, node(name));
      const stored = await client.get(resources.nodes, { name });
      await client.updateStatus(resources.nodes, { ...stored, status: node(name).status });
      // A node is not ready for pods while the control plane has not heard from it.
      if (stored.spec?.taints)
        await client.patch(resources.nodes, { name }, { spec: { taints: null } }, { type: "merge" });
    }
    const scheduler = await startOwn();
    const pods = followPods();
    await client.create(resources.pods, pod("small"));
    await client.create(resources.pods, pod("big", "8"));
    const small = await until(
      pods,
      ({ metadata, spec }) => metadata.name === "small" && Boolean(spec.nodeName),
    );
    assert.match(small.spec.nodeName ?? "", /^n[12]$/);
    const big = await until(
      pods,
      ({ metadata, status }) => metadata.name === "big" && status?.conditions !== undefined,
    );
    const [condition] = big.status?.conditions ?? [];
    assert.deepEqual(
      [condition?.type, condition?.status, condition?.reason],
      ["PodScheduled", "False", "Unschedulable"],
    );
    assert.match(condition?.message ?? "", /^0\/2 nodes are available: 2 Insufficient cpu\. preemption: /);
    const lease = { name: "kube-scheduler", namespace: "kube-system" };
    assert.match(
      (await client.get(resources.leases, lease)).spec?.holderIdentity ?? "",
      new RegExp(`_${process.pid}_`),
    );
    // Pods that have ended give their room back.
    const placed = (name: string) =>
      until(pods, ({ metadata, spec }) => metadata.name === name && Boolean(spec.nodeName));
    for (const name of ["first", "second"]) {
      await client.create(resources.pods, pod(name, "800m"));
      await placed(name);
    }
    await client.create(resources.pods, pod("third", "800m"));
    await until(
      pods,
      ({ metadata, status }) => metadata.name === "third" && status?.conditions !== undefined,
    );
    const first = { name: "first", namespace: "default" };
    await client.patch(
      resources.pods,
      first,
      { status: { phase: "Succeeded" } },
      { type: "merge", subresource: "status" },
    );
    assert.equal(
      (await placed("third")).spec.nodeName,
      (await client.get(resources.pods, first)).spec.nodeName,
    );
    await scheduler.stop();
    await scheduler.done;
    assert.equal((await client.get(resources.leases, lease)).spec?.holderIdentity ?? "", "");
    const { items } = await client.list(resources.events, { namespace: "default" });
    const reasons = items.map(({ reason, involvedObject }) => `${involvedObject.name} ${reason}`).sort();
    assert.deepEqual(
      [...new Set(reasons)],
      [
        "big FailedScheduling",
        "first Scheduled",
        "second Scheduled",
        "small Scheduled",
        "third FailedScheduling",
        "third Scheduled",
      ],
    );
  });

  it("gives pods devices before it binds them, by the rights that it has", async () => {
    await client.create(resources.nodes, node("gpu-node"));
    const stored = await client.get(resources.nodes, { name: "gpu-node" });
    await client.updateStatus(resources.nodes, { ...stored, status: node("gpu-node").status });
    await client.patch(resources.nodes, { name: "gpu-node" }, { spec: { taints: null } }, { type: "merge" });
    cleanups.push(async () => void (await client.delete(resources.nodes, { name: "gpu-node" })));
    const driver = "gpu.acme.io";
    const expression = `device.attributes["${driver}"].memory.isGreaterThan(semver("1.0.0"))`;
    await client.create(resources.deviceclasses, {
      metadata: { name: "gpu" },
      spec: { selectors: [{ cel: { expression } }] },
    });
    await client.create(resources.resourceslices, {
      metadata: { name: "gpus" },
      spec: {
        driver,
        nodeName: "gpu-node",
        pool: { name: "gpu-node", generation: 1, resourceSliceCount: 1 },
        devices: ["1.0.0", "1.1.0"].map((version, at) => ({
          name: `gpu-${at}`,
          attributes: { memory: { version } },
        })),
      },
    });
    const claim = { name: "card", namespace: "default" };
    await client.create(resources.resourceclaims, {
      metadata: claim,
      spec: { devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpu" } }] } },
    });
    await startOwn();
    await client.create(resources.pods, {
      ...pod("train"),
      spec: { ...pod("train").spec, resourceClaims: [{ name: "card", resourceClaimName: "card" }] },
    });
    const bound = await until(
      followPods(),
      ({ metadata, spec }) => metadata.name === "train" && Boolean(spec.nodeName),
    );
    assert.equal(bound.spec.nodeName, "gpu-node");
    const { metadata, status } = await client.get(resources.resourceclaims, claim);
    assert.deepEqual(metadata.finalizers, ["resource.kubernetes.io/delete-protection"]);
    const results = status?.allocation?.devices?.results ?? [];
    assert.deepEqual(
      results.map(({ device }) => device),
      ["gpu-1"],
    );
    assert.deepEqual(
      status?.reservedFor?.map(({ uid }) => uid),
      [bound.metadata.uid],
    );
    await client.delete(resources.pods, bound.metadata, { gracePeriodSeconds: 0 });
  });

  it("pages through lists and refuses stale writes", async () => {
    for (let i = 0; i < 7; i++)
      await client.create(resources.configmaps, {
        metadata: { name: `m${i}`, namespace: "default" },
        data: { i: String(i) },
      });
    const names: string[] = [];
    let page = await client.list(resources.configmaps, { namespace: "default", limit: 3 });
    for (;;) {
      names.push(...page.items.map(({ metadata }) => metadata.name));
      if (!page.metadata.continue) break;
      page = await client.list(resources.configmaps, {
        namespace: "default",
        limit: 3,
        continue: page.metadata.continue,
      });
    }
    assert.deepEqual(
      names.filter((name) => name.startsWith("m")),
      ["m0", "m1", "m2", "m3", "m4", "m5", "m6"],
    );
    const first = await client.get(resources.configmaps, { name: "m0", namespace: "default" });
    await client.update(resources.configmaps, { ...first, data: { i: "x" } });
    await assert.rejects(client.update(resources.configmaps, { ...first, data: { i: "y" } }), isConflict);
  });
});

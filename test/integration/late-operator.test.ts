import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { LateWrites } from "../../controlplane/apiserver/late-writes.ts";
import { MemoryStorage } from "../../controlplane/apiserver/registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import {
  ConnectionError,
  connectCluster,
  defineController,
  type KubeClient,
  kinds,
  runAsLeader,
  startControllers,
} from "../../lib/client.ts";

const leaderElection = { name: "operator", namespace: "default" };
const child = { metadata: { name: "child", namespace: "default" } };

describe("an operator that leads no more, and does not know it", () => {
  let late: LateWrites;
  let server: TestApiserver;
  let api: KubeClient;
  beforeEach(async () => {
    late = new LateWrites(new MemoryStorage(systemClock));
    server = await startTestApiserver({ storage: late.storage });
    api = connectCluster({ kubeconfig: server.kubeconfig });
  });
  afterEach(async () => {
    api.close();
    await server.stop();
  });

  const takeOver = () =>
    api.edit(kinds.Lease, leaderElection, ({ spec }) => {
      Object.assign(spec ?? {}, {
        holderIdentity: "another",
        leaseTransitions: (spec?.leaseTransitions ?? 0) + 1,
      });
    });
  /** Told how its first write ended. */
  const makesChild = (ended: (error: unknown) => void) =>
    defineController({
      kind: kinds.ConfigMap,
      scope: { namespace: "default", labelSelector: "parent" },
      reconcile: async (_, context) => {
        await context.api.create(kinds.ConfigMap, child).then(() => ended(undefined), ended);
      },
    });
  const makeParent = () =>
    api.create(kinds.ConfigMap, {
      metadata: { name: "parent", namespace: "default", labels: { parent: "" } },
    });

  it("stores nothing, and ends its term", async () => {
    const ended = deferred<unknown>();
    const operator = startControllers(api, [makesChild(ended.resolve)], { leaderElection });
    try {
      const held = late.hold("/registry/configmaps/default/child");
      await makeParent();
      await held.reached;
      await takeOver();
      held.letGo();
      const error = await ended.promise;
      assert.ok(error instanceof ConnectionError && error.neverSent);
      assert.equal(operator.isLeader, false);
      assert.equal(await api.find(kinds.ConfigMap, child.metadata), undefined);
    } finally {
      await operator.stop();
    }
  });

  it("finishes what is under way when it is asked to stop, as nobody else leads by then", async () => {
    const ended = deferred<unknown>();
    const operator = startControllers(api, [makesChild(ended.resolve)], { leaderElection });
    const held = late.hold("/registry/configmaps/default/child");
    await makeParent();
    await held.reached;
    const stopped = operator.stop();
    held.letGo();
    assert.equal(await ended.promise, undefined);
    await stopped;
    assert.ok(await api.find(kinds.ConfigMap, child.metadata));
    assert.equal((await api.get(kinds.Lease, leaderElection)).spec?.holderIdentity, "");
  });

  it("writes as a leader through the client that its work is given", async () => {
    const stop = new AbortController();
    const begun = deferred<KubeClient>();
    const work = async (signal: AbortSignal, leaders: KubeClient) => {
      begun.resolve(leaders);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    };
    const done = runAsLeader(api, leaderElection, work, stop.signal);
    const leaders = await begun.promise;
    await leaders.create(kinds.ConfigMap, child);
    await leaders.edit(kinds.ConfigMap, child.metadata, (map) => {
      map.data = { a: "1" };
    });
    await takeOver();
    await assert.rejects(leaders.delete(kinds.ConfigMap, child.metadata), ConnectionError);
    await assert.rejects(
      leaders.subresource(kinds.Pod, child.metadata, "eviction").create({}),
      ConnectionError,
    );
    assert.equal((await leaders.get(kinds.ConfigMap, child.metadata)).data?.a, "1");
    stop.abort(new Error("stopped"));
    await done;
  });
});

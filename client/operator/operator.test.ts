import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import { silentLog } from "../../base/os/log.ts";
import { Prng } from "../../base/os/random.ts";
import { ConnectionError } from "../api-error.ts";
import { defineKind } from "../kube/define-kind.ts";
import { kinds } from "../kube/kinds.ts";
import { KubeClient } from "../kube/kube-client.ts";
import { Metrics } from "../kube/metrics.ts";
import type { RestClient } from "../rest.ts";
import { FakeApi } from "../testing/fake-api.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type AnyController, defineController, specChanged, watching } from "./controller.ts";
import type { Reconciled } from "./one-controller.ts";
import { type OperatorOptions, runControllers, startControllers } from "./operator.ts";

const Backup = defineKind<{ n: number }, { n?: number }>({
  group: "example.com",
  version: "v1",
  kind: "Backup",
  plural: "backups",
  namespaced: true,
});
const at = { name: "a", namespace: "default" };
const leaderElection = { name: "backups", namespace: "default", identity: "one" };

class World {
  readonly fake = new FakeApi();
  readonly clock = new ManualClock();
  // Of the rest of RestClient nothing is asked here.
  readonly api = new KubeClient(this.fake as unknown as RestClient, {
    clock: this.clock,
    random: new Prng(1),
    log: silentLog,
  });
  readonly reconciled: Reconciled[] = [];

  start(controllers: readonly AnyController[], options: OperatorOptions = {}) {
    const onReconciled = (one: Reconciled) => void this.reconciled.push(one);
    return startControllers(this.api, controllers, { onReconciled, ...options });
  }

  create(n = 0) {
    return this.fake.create(Backup, { metadata: at, spec: { n } });
  }
}

describe("client/operator", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  it("tries again what failed, later and later, and counts it", async () => {
    const { clock } = world;
    await world.create();
    let failures = 3;
    const metrics = new Metrics();
    const reconcile = async () => {
      if (failures-- > 0) throw new Error("not yet");
      return { requeueAfterMs: 60_000 };
    };
    const operator = world.start([defineController({ kind: Backup, reconcile })], { metrics });
    await clock.advance(1_000);
    assert.deepEqual(
      world.reconciled.map(({ outcome }) => outcome),
      ["failed", "failed", "failed", "again later"],
    );
    await clock.advance(60_000);
    assert.equal(world.reconciled.length, 5);
    assert.match(await metrics.text(), /workqueue_retries_total\{name="backup"\} 3/);
    await operator.stop();
    assert.equal(clock.pending, 0);
  });

  it("looks at an object when what it owns changes, or what it watches, before and after", async () => {
    const { clock, fake } = world;
    const { metadata } = await world.create();
    const controller = defineController({
      kind: Backup,
      owns: [kinds.ConfigMap],
      watches: [
        watching(kinds.Secret, ({ data }) => (data?.for ? [{ name: data.for, namespace: "default" }] : [])),
      ],
      reconcile: async () => undefined,
    });
    const operator = world.start([controller]);
    await clock.advance(0);
    const calls = async (act: () => Promise<unknown>) => {
      world.reconciled.length = 0;
      await act();
      await clock.advance(0);
      return world.reconciled.length;
    };
    const owner = {
      apiVersion: "example.com/v1beta1",
      kind: "Backup",
      name: "a",
      uid: metadata.uid,
      controller: true,
    };
    const child = (name: string, owners: object[]) =>
      fake.create(kinds.ConfigMap, {
        metadata: { name, namespace: "default", ownerReferences: owners as [] },
      });
    assert.equal(await calls(() => child("owned", [owner])), 1);
    assert.equal(await calls(() => child("used", [{ ...owner, controller: false }])), 0);
    assert.equal(await calls(() => child("other", [{ ...owner, apiVersion: "example.org/v1" }])), 0);
    assert.equal(await calls(() => fake.delete(kinds.ConfigMap, { name: "owned", namespace: "default" })), 1);
    const secret = { name: "s", namespace: "default" };
    assert.equal(await calls(() => fake.create(kinds.Secret, { metadata: secret, data: { for: "a" } })), 1);
    assert.equal(
      await calls(() => fake.patch(kinds.Secret, secret, { data: { for: null } }, { type: "merge" })),
      1,
    );
    assert.equal(
      await calls(() => fake.patch(kinds.Secret, secret, { data: { x: "y" } }, { type: "merge" })),
      0,
    );
    await operator.stop();
  });

  it("passes over changes that do not count", async () => {
    const { clock, fake } = world;
    const backup = await world.create();
    const operator = world.start([
      defineController({ kind: Backup, when: specChanged, reconcile: async () => undefined }),
    ]);
    await clock.advance(0);
    await fake.updateStatus(Backup, { ...backup, status: { n: 1 } });
    await clock.advance(0);
    assert.equal(world.reconciled.length, 1);
    await fake.patch(Backup, at, { spec: { n: 2 } }, { type: "merge" });
    await clock.advance(0);
    assert.equal(world.reconciled.length, 2);
    await operator.stop();
  });

  it("has its finalizer before it works, beside those of others that come at the same moment", async () => {
    const { clock, fake } = world;
    await world.create();
    const seen: (readonly string[] | undefined)[] = [];
    const ended: string[] = [];
    let mayEnd = false;
    let interfered = false;
    fake.intercept = async ({ verb, key }) => {
      if (verb === "patch" && key === "default/a" && !interfered) {
        interfered = true;
        const current = fake.all(Backup)[0];
        assert.ok(current);
        await fake.update(Backup, {
          ...current,
          metadata: { ...current.metadata, finalizers: ["other.example/x"] },
        });
      }
      return undefined;
    };
    const controller = defineController({
      kind: Backup,
      finalizer: "example.com/files",
      reconcile: async ({ metadata }) => void seen.push(metadata.finalizers),
      async finalize(backup) {
        ended.push(backup.metadata.name);
        return mayEnd ? undefined : { requeueAfterMs: 1_000 };
      },
    });
    const operator = world.start([controller]);
    await clock.advance(100);
    assert.deepEqual(seen[0], ["other.example/x", "example.com/files"]);
    await fake.delete(Backup, at);
    await clock.advance(100);
    assert.deepEqual(fake.all(Backup)[0]?.metadata.finalizers, ["other.example/x", "example.com/files"]);
    mayEnd = true;
    await clock.advance(1_000);
    assert.deepEqual(fake.all(Backup)[0]?.metadata.finalizers, ["other.example/x"]);
    const calls = ended.length;
    assert.ok(calls >= 2);
    await fake.patch(Backup, at, { metadata: { finalizers: null } }, { type: "merge" });
    await clock.advance(100);
    assert.equal(ended.length, calls, "it is done with the object");
    assert.deepEqual(fake.all(Backup), []);
    await operator.stop();
  });

  it("asks nothing of the server for a status that is so already", async () => {
    const { clock, fake } = world;
    await fake.create(kinds.Namespace, { metadata: { name: "shop" } });
    let calls = 0;
    const controller = defineController({
      kind: kinds.Namespace,
      async reconcile(_, { setStatus }) {
        calls++;
        await setStatus({ phase: "Active" });
      },
    });
    const operator = world.start([controller]);
    await clock.advance(100);
    assert.deepEqual(fake.all(kinds.Namespace)[0]?.status, { phase: "Active" });
    assert.equal(fake.actions.filter(({ verb }) => verb === "patch").length, 1);
    assert.equal(calls, 2);
    await operator.stop();
  });

  it("works on what is under way to the end when it stops, but not for ever, and gives leadership up then", async () => {
    const { clock, fake } = world;
    await world.create();
    const begun = deferred<void>();
    const wait = deferred<void>();
    let signal: AbortSignal | undefined;
    const controller = defineController({
      kind: Backup,
      async reconcile(_, context) {
        signal = context.signal;
        begun.resolve();
        await wait.promise;
      },
    });
    const operator = world.start([controller], { leaderElection, stopWithinMs: 5_000 });
    await clock.advance(0);
    await begun.promise;
    assert.ok(operator.isLeader);
    let hasStopped = false;
    const stopping = operator.stop().then(() => {
      hasStopped = true;
    });
    await clock.advance(4_999);
    assert.equal(signal?.aborted, false);
    await clock.advance(1);
    assert.equal(signal?.aborted, true);
    const holder = () => fake.all(kinds.Lease)[0]?.spec?.holderIdentity;
    assert.equal(holder(), "one");
    assert.equal(hasStopped, false);
    wait.resolve();
    await clock.advance(0);
    await stopping;
    assert.equal(holder(), "");
    assert.equal(clock.pending, 0);
  });

  it("lets nothing go on for longer than nobody else can lead", async () => {
    const { clock } = world;
    await world.create();
    let signal: AbortSignal | undefined;
    const controller = defineController({
      kind: Backup,
      reconcile: (_, context) => {
        signal = context.signal;
        return new Promise((resolve) => context.signal.addEventListener("abort", () => resolve(undefined)));
      },
    });
    const operator = world.start([controller], { leaderElection, stopWithinMs: 60_000 });
    await clock.advance(0);
    const stopping = operator.stop();
    await clock.advance(9_999);
    assert.equal(signal?.aborted, false);
    await clock.advance(1);
    assert.equal(signal?.aborted, true);
    await stopping;
  });

  it("ends at once what is under way when leadership is lost, and works again when it leads again", async () => {
    const { clock, fake } = world;
    await world.create();
    let working = 0;
    const controller = defineController({
      kind: Backup,
      async reconcile(_, { signal }) {
        working++;
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        working--;
      },
    });
    const operator = world.start([controller], { leaderElection });
    await clock.advance(0);
    assert.equal(working, 1);
    let cut = true;
    fake.intercept = async ({ resource, verb }) => {
      if (cut && resource === "leases" && verb === "update")
        throw new ConnectionError("cut", { neverSent: true });
      return undefined;
    };
    await clock.advance(10_000);
    assert.equal(operator.isLeader, false);
    assert.equal(working, 0);
    cut = false;
    await clock.advance(30_000);
    assert.equal(operator.isLeader, true);
    assert.equal(working, 1);
    const stopping = operator.stop();
    await clock.advance(10_000);
    await stopping;
    assert.equal(working, 0);
  });

  it("stops where a part of it breaks, and says so", async () => {
    const { clock, fake } = world;
    const broken = () => {
      throw new Error("broken mapping");
    };
    const controller = defineController({
      kind: Backup,
      watches: [watching(kinds.Secret, broken)],
      reconcile: async () => undefined,
    });
    const operator = world.start([controller]);
    const stopped = assert.rejects(operator.untilStopped(), (error: Error) => {
      assert.match(String((error.cause as Error).message), /broken mapping/);
      return true;
    });
    await clock.advance(0);
    await fake.create(kinds.Secret, { metadata: { name: "s", namespace: "default" } });
    await clock.advance(0);
    await stopped;
    assert.equal(operator.isLeader, false);
  });

  it("runs until its signal aborts", async () => {
    const end = new AbortController();
    const controller = defineController({ kind: Backup, reconcile: async () => undefined });
    const running = runControllers(world.api, [controller], { signal: end.signal });
    await world.clock.advance(0);
    end.abort();
    await running;
    await runControllers(world.api, [controller], { signal: end.signal });
  });

  it("refuses controllers that cannot be", () => {
    const reconcile = async () => undefined;
    const refused = (part: object, wanted: RegExp) =>
      assert.throws(() => defineController({ kind: Backup, reconcile, ...part }), wanted);
    refused({ finalizer: "example.com/x" }, /finalizer and finalize: both or neither/);
    refused({ finalizer: "none", finalize: reconcile }, /such as example.com\/bucket/);
    refused({ concurrency: 0 }, /concurrency 0/);
    refused({ name: "Not a name" }, /name: lower-case/);
    assert.throws(() => startControllers(world.api, []), /no controller/);
    const one = defineController({ kind: Backup, reconcile });
    assert.throws(() => startControllers(world.api, [one, one]), /one name/);
  });
});

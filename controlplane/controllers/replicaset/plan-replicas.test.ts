import assert from "node:assert/strict";
import fc from "fast-check";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { Pod } from "../../../client/types.ts";
import { Expectations } from "../expectations.ts";
import { nowMs, pod } from "../testing/objects.ts";
import { countReplicas, planReplicas, type WantedReplicas } from "./plan-replicas.ts";
import { planStatus } from "./plan-status.ts";

const want = (replicas: number): WantedReplicas => ({
  replicas,
  minReadySeconds: 0,
  templateLabels: {},
  beingDeleted: false,
});
const plan = (replicas: number, pods: readonly Pod[], siblings = pods) =>
  planReplicas(want(replicas), { pods, siblings: () => siblings, settled: true, nowMs }).map((step) =>
    step.action === "create"
      ? `create ${step.count}`
      : `delete ${step.pods.map(({ metadata }) => metadata.name)}`,
  );

describe("controlplane/controllers/replicaset/plan-replicas", () => {
  it("creates what is missing, not counting what ended or goes", () => {
    const pods = [pod("a"), pod("b", { phase: "Failed" }), pod("c", { meta: { deletionTimestamp: "x" } })];
    assert.deepEqual(plan(3, pods), ["create 2"]);
  });

  it("tells how many pods are on their way out, where the kind tells it", () => {
    const goes = { deletionTimestamp: "x" };
    const pods = [pod("a"), pod("b", { meta: goes }), pod("c", { phase: "Succeeded", meta: goes })];
    const told = (tellsTerminating: boolean) =>
      planStatus(undefined, countReplicas(want(1), pods, nowMs), {
        generation: 1,
        failure: undefined,
        nowMs,
        tellsTerminating,
      });
    assert.deepEqual([told(true)?.replicas, told(true)?.terminatingReplicas], [1, 1]);
    assert.equal(told(false)?.terminatingReplicas, undefined);
  });

  it("deletes what is best done without, in order", () => {
    const cheap = { annotations: { "controller.kubernetes.io/pod-deletion-cost": "-1" } };
    const pods = [
      pod("old", { node: "n1", readyFor: 3000 }),
      pod("crowded", { node: "n2", readyFor: 3000 }),
      pod("young", { node: "n1", readyFor: 10 }),
      pod("cheap", { node: "n1", readyFor: 3000, meta: cheap }),
      pod("unready", { node: "n1" }),
      pod("pending", { node: "n1", phase: "Pending" }),
      pod("unassigned", { phase: "Pending" }),
    ];
    const siblings = [...pods, ...["u", "v", "w", "x", "y", "z"].map((name) => pod(name, { node: "n2" }))];
    const [line] = plan(1, pods, siblings);
    assert.equal(line, "delete unassigned,pending,unready,cheap,crowded,young");
  });

  it("does nothing while the cache lags or the owner goes", () => {
    const observed = { pods: [], siblings: () => [], nowMs };
    assert.deepEqual(planReplicas(want(3), { ...observed, settled: false }), []);
    assert.deepEqual(planReplicas({ ...want(3), beingDeleted: true }, { ...observed, settled: true }), []);
  });

  it("never makes more pods than wanted, however late the cache shows them", () => {
    const step = fc.constantFrom("sync", "show", "show", "die");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (replicas, steps) => {
        const world = new LaggingWorld(replicas);
        for (const one of steps) world[one]();
        world.settle();
        assert.equal(world.alive, replicas);
      }),
      { numRuns: 300 },
    );
  });
});

/** A server, a cache that is behind it, and a controller that sees only the cache. */
class LaggingWorld {
  readonly #replicas: number;
  readonly #server = new Map<string, Pod>();
  readonly #cache = new Map<string, Pod>();
  readonly #unseen: (() => void)[] = [];
  readonly #expectations = new Expectations(new ManualClock());
  #made = 0;

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  get alive(): number {
    return this.#server.size;
  }

  sync(): void {
    const pods = [...this.#cache.values()];
    const settled = this.#expectations.isSettled("owner");
    for (const step of planReplicas(want(this.#replicas), { pods, siblings: () => pods, settled, nowMs })) {
      if (step.action === "create") for (let i = 0; i < step.count; i++) this.#create();
      else for (const { metadata } of step.pods) this.#remove(metadata.name, metadata.uid);
    }
    assert.ok(
      this.#server.size <= this.#replicas,
      `${this.#server.size} pods where ${this.#replicas} are wanted`,
    );
  }

  /** The cache sees the next change. */
  show(): void {
    this.#unseen.shift()?.();
  }

  /** Somebody deletes a pod. */
  die(): void {
    const [name] = this.#server.keys();
    if (name !== undefined) this.#gone(name, `uid-${name}`);
  }

  settle(): void {
    for (let i = 0; i < 200; i++) {
      this.show();
      if (this.#unseen.length === 0) this.sync();
    }
  }

  #create(): void {
    const name = `p${this.#made++}`;
    this.#expectations.expectCreate("owner", `default/${name}`);
    this.#server.set(name, pod(name));
    this.#unseen.push(() => {
      this.#cache.set(name, pod(name));
      this.#expectations.createSettled(`default/${name}`);
    });
  }

  #remove(name: string, uid: string): void {
    this.#expectations.expectDelete("owner", uid);
    if (this.#server.has(name)) this.#gone(name, uid);
  }

  #gone(name: string, uid: string): void {
    this.#server.delete(name);
    this.#unseen.push(() => {
      this.#cache.delete(name);
      this.#expectations.deleteSettled(uid);
    });
  }
}

import assert from "node:assert/strict";
import { isReady } from "../client/rules/readiness.ts";
import type { KubeObject } from "../client/types.ts";
import { startCluster } from "./start-cluster.ts";

const object = (apiVersion: string, kind: string, status?: object, generation = 2) =>
  ({ apiVersion, kind, metadata: { name: "one", generation }, ...(status && { status }) }) as KubeObject;
const thing = (status?: object) => object("example.com/v1", "Thing", status);
const told = (type: string, status: string, more: object = {}) => ({ type, status, ...more });
const conditions = (...all: readonly object[]) => thing({ conditions: all });

describe("cluster/readiness", () => {
  it("has a workload ready when all of it is of the newest template and available", () => {
    const all = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, observedGeneration: 2 };
    assert.equal(isReady(object("apps/v1", "Deployment", all)), true);
    assert.equal(isReady(object("apps/v1", "Deployment", { ...all, observedGeneration: 1 })), false);
    assert.equal(isReady(object("apps/v1", "Deployment", { ...all, replicas: 2 })), false);
    assert.equal(isReady(object("apps/v1", "Deployment")), false);
    assert.equal(isReady(object("example.com/v1", "Deployment")), true, "another's kind of that name");
  });

  it("goes by what others say of themselves, where it is of the newest generation", () => {
    const rows: readonly (readonly [boolean, KubeObject])[] = [
      [true, thing()],
      [true, thing({ phase: "Done" })],
      [true, thing({ observedGeneration: 2 })],
      [false, thing({ observedGeneration: 1 })],
      [true, conditions(told("Ready", "True"))],
      [false, conditions(told("Ready", "False"))],
      [false, conditions(told("Ready", "Unknown"))],
      [false, conditions(told("Ready", "True", { observedGeneration: 1 }))],
      [true, conditions(told("Ready", "True", { observedGeneration: 2 }))],
      [false, thing({ observedGeneration: 1, conditions: [told("Ready", "True")] })],
      [false, conditions(told("Accepted", "True"), told("Ready", "False"))],
      [true, conditions(told("Accepted", "True"))],
      [false, conditions(told("Accepted", "True"), told("Programmed", "False"))],
      [false, conditions(told("Ready", "True"), told("Reconciling", "True"))],
      [false, conditions(told("Stalled", "True"))],
      [true, conditions(told("Ready", "True"), told("Reconciling", "False"), told("Stalled", "False"))],
      [true, conditions(told("Degraded", "False"))],
    ];
    for (const [isSo, one] of rows) assert.equal(isReady(one), isSo, JSON.stringify(one.status));
    const { metadata } = thing();
    const going = { ...thing(), metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    assert.equal(isReady(going), false);
  });

  it("waits for the first status of a kind that has one", async function () {
    this.timeout(60_000);
    assert.equal(isReady(thing(), { hasStatus: true }), false);
    assert.equal(isReady(thing({}), { hasStatus: true }), true);
    await using cluster = await startCluster({ clock: "manual", seed: 1 });
    await cluster.apply({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { kind: "Thing", plural: "things" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    } as never);
    const one = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "one" } };
    const made = await cluster.client.apply(one);
    await assert.rejects(
      cluster.untilReady(one, { timeout: "2s" }),
      /^TimeoutError: Thing one is ready: not within 2 s; nobody has written its status/,
    );
    const ready = cluster.untilReady(one);
    await cluster.client.updateStatus({ ...made, status: { copies: 1 } });
    assert.deepEqual((await ready).status, { copies: 1 });
  });
});

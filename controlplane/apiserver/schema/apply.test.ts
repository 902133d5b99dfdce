import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { type ApplyConflict, type ApplyOutcome, serverSideApply } from "./apply.ts";
import { setOf, setToTree, treeToSet } from "./field-set.ts";
import { rootType } from "./load.ts";
import { recordUpdate } from "./managed-update.ts";

type Json = Record<string, unknown>;
const now = "2026-01-01T00:00:00Z";

function pod(spec: Json, labels?: Record<string, string>): Json {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "p", ...(labels && { labels }) }, spec };
}
function stored(object: Json): KubeObject {
  const metadata = { uid: "u", resourceVersion: "1", creationTimestamp: now, ...(object.metadata as Json) };
  return structuredClone({ ...object, metadata }) as unknown as KubeObject;
}
function apply(current: KubeObject | undefined, patch: Json, manager = "a", force = false): ApplyOutcome {
  return serverSideApply(rootType(patch), {
    current,
    patch,
    manager,
    force,
    subresource: "",
    resets: [],
    now,
  });
}
function applied(current: KubeObject | undefined, patch: Json, manager = "a", force = false): KubeObject {
  const outcome = apply(current, patch, manager, force);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return stored(outcome.object);
}
const told = (conflicts: readonly ApplyConflict[]) =>
  conflicts.map(({ manager, field }) => ({ manager: manager.manager, field }));
const managers = (object: KubeObject) => (object.metadata.managedFields ?? []).map(({ manager }) => manager);

describe("server-side apply", () => {
  const one = pod(
    { containers: [{ name: "c", image: "1", env: [{ name: "X", value: "1" }] }] },
    { app: "web" },
  );

  it("owns the fields of a volume's claim reference singly, though references are owned at once elsewhere", () => {
    const volume = (claimRef: Json) => ({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "v" },
      spec: { claimRef },
    });
    const first = applied(undefined, volume({ name: "data", namespace: "default" }));
    const both = applied(first, volume({ uid: "1-2" }), "binder");
    assert.deepEqual(both.spec, { claimRef: { name: "data", namespace: "default", uid: "1-2" } });
  });

  it("creates, and records who owns what", () => {
    const object = applied(undefined, one);
    assert.deepEqual(object.spec, one.spec);
    const [entry] = object.metadata.managedFields ?? [];
    assert.deepEqual(JSON.parse(JSON.stringify(entry?.fieldsV1)), {
      "f:metadata": { "f:labels": { "f:app": {} } },
      "f:spec": {
        "f:containers": {
          'k:{"name":"c"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:env": { 'k:{"name":"X"}': { ".": {}, "f:name": {}, "f:value": {} } },
          },
        },
      },
    });
  });

  it("changes nothing when applied again", () => {
    const object = applied(undefined, one);
    assert.deepEqual(applied(object, one), object);
  });

  it("removes what its manager no longer gives", () => {
    const object = applied(applied(undefined, one), pod({ containers: [{ name: "c", image: "2" }] }));
    assert.deepEqual(object.spec, { containers: [{ name: "c", image: "2", env: [] }] });
    assert.deepEqual(object.metadata.labels, {});
  });

  it("keeps what another manager gives too", () => {
    const both = applied(applied(undefined, one), one, "b");
    const object = applied(both, pod({ containers: [{ name: "c", image: "1" }] }));
    assert.deepEqual(object.spec, one.spec);
    assert.deepEqual(managers(object), ["b", "a"]);
  });

  it("removes list elements as a whole, by their keys, and leaves those of others", () => {
    const other = applied(applied(undefined, one), pod({ containers: [{ name: "d", image: "9" }] }), "b");
    assert.equal((other.spec as { containers: unknown[] }).containers.length, 2);
    const object = applied(other, pod({}));
    assert.deepEqual(object.spec, { containers: [{ name: "d", image: "9" }] });
  });

  it("refuses another value for a field of another manager, naming both", () => {
    const outcome = apply(applied(undefined, one), pod({ containers: [{ name: "c", image: "2" }] }), "b");
    assert.ok(!outcome.ok);
    assert.deepEqual(told(outcome.conflicts), [{ manager: "a", field: '.spec.containers[name="c"].image' }]);
  });

  it("takes fields over by force, and the loser hears of it", () => {
    const object = applied(
      applied(undefined, one),
      pod({ containers: [{ name: "c", image: "2" }] }),
      "b",
      true,
    );
    assert.deepEqual(object.spec, {
      containers: [{ name: "c", image: "2", env: [{ name: "X", value: "1" }] }],
    });
    const outcome = apply(object, one, "a");
    assert.ok(!outcome.ok);
    assert.deepEqual(told(outcome.conflicts), [{ manager: "b", field: '.spec.containers[name="c"].image' }]);
  });

  it("treats what was there before anybody applied as somebody's", () => {
    const outcome = apply(stored(one), pod({ containers: [{ name: "c", image: "2" }] }));
    assert.ok(!outcome.ok);
    assert.equal(outcome.conflicts[0]?.manager.manager, "before-first-apply");
  });

  it("tells ports apart by number and protocol, TCP if unsaid", () => {
    const ports = (...list: Json[]) => pod({ containers: [{ name: "c", ports: list }] });
    const object = applied(undefined, ports({ containerPort: 53 }));
    const next = applied(object, ports({ containerPort: 53, protocol: "UDP" }), "b");
    assert.deepEqual(next.spec, ports({ containerPort: 53 }, { containerPort: 53, protocol: "UDP" }).spec);
  });

  it("records updates where somebody applied before", () => {
    const current = applied(undefined, one);
    const next = structuredClone(current);
    next.metadata.labels = { app: "db", tier: "x" };
    recordUpdate(rootType(next), { current, next, manager: "kubectl", subresource: "", resets: [], now });
    assert.deepEqual(managers(next), ["a", "kubectl"]);
    const outcome = apply(next, one);
    assert.ok(!outcome.ok);
    assert.deepEqual(told(outcome.conflicts), [{ manager: "kubectl", field: ".metadata.labels.app" }]);
    const plain = stored(one);
    const changed = structuredClone(plain);
    changed.metadata.labels = {};
    recordUpdate(rootType(plain), {
      current: plain,
      next: changed,
      manager: "kubectl",
      subresource: "",
      resets: [],
      now,
    });
    assert.equal(changed.metadata.managedFields, undefined);
  });
});

describe("the record of who updates", () => {
  it("tells ten apart, and puts the changes of the oldest beyond them together", () => {
    let current: KubeObject | undefined;
    for (let at = 0; at < 13; at++) {
      const next = structuredClone(current) ?? stored(pod({}));
      next.metadata.annotations = { ...next.metadata.annotations, [`k${at}`]: "v" };
      const who = { manager: `m${at}`, subresource: "", resets: [], now };
      recordUpdate(rootType(next), { current, next, ...who });
      current = next;
    }
    assert.ok(current);
    const rest = ["m12", ...[2, 3, 4, 5, 6, 7, 8, 9].map((at) => `m${at}`)];
    assert.deepEqual(managers(current), ["ancient-changes", ...rest]);
    const oldest = current.metadata.managedFields?.[0]?.fieldsV1 as Json;
    const together = { ".": {}, "f:k0": {}, "f:k1": {}, "f:k10": {}, "f:k11": {} };
    assert.deepEqual(JSON.parse(JSON.stringify(oldest))["f:metadata"]["f:annotations"], together);
  });
});

describe("field set", () => {
  it("and tree are each other's inverse", () => {
    const tree = {
      "f:a": { ".": {}, "f:b": {}, 'k:{"name":"x"}': { ".": {}, "f:c": {} } },
      "f:d": { 'v:"y"': {} },
    };
    assert.deepEqual(JSON.parse(JSON.stringify(setToTree(treeToSet(tree)))), tree);
  });

  it("is written in Kubernetes' order: by element, numbers as numbers, what stands above others before them", () => {
    const port = (number: number) => `k:{"containerPort":${number},"protocol":"TCP"}`;
    const tree = {
      "f:metadata": { "f:finalizers": { ".": {}, 'v:"a/b"': {}, 'v:"z/b"': {} } },
      "f:spec": {
        "f:containers": {
          'k:{"name":"c"}': {
            ".": {},
            "f:image": {},
            "f:ports": {
              ".": {},
              [port(80)]: { ".": {}, "f:containerPort": {} },
              [port(443)]: {},
              [port(1000)]: {},
            },
            "f:resources": {},
          },
        },
        "f:dnsPolicy": {},
      },
    };
    const shuffled = setOf([...treeToSet(tree).values()].reverse());
    assert.equal(JSON.stringify(setToTree(shuffled)), JSON.stringify(tree));
  });
});

describe("a record of updates", () => {
  it("says nothing of a zero that Go's types say anyway", () => {
    for (const [next, owned] of [
      [
        { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", value: 0, description: "d" },
        { "f:description": {} },
      ],
      [{ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", value: 1 }, { "f:value": {} }],
      [
        { apiVersion: "apps/v1", kind: "StatefulSet", spec: { serviceName: "", replicas: 0 } },
        { "f:spec": { "f:replicas": {} } },
      ],
    ] as const) {
      const metadata = { name: "n", uid: "", resourceVersion: "", creationTimestamp: "" };
      const object = { ...structuredClone(next), metadata } as unknown as KubeObject;
      const who = { manager: "m", subresource: "", resets: [], now: "2026-01-01T00:00:00Z" };
      recordUpdate(rootType(object), { current: undefined, next: object, ...who });
      const [entry] = object.metadata.managedFields ?? [];
      assert.deepEqual(JSON.parse(JSON.stringify(entry?.fieldsV1)), owned);
    }
  });
});

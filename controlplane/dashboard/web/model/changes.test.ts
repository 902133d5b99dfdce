import assert from "node:assert/strict";
import type { KubeObject } from "../api/object-feed.ts";
import {
  countText,
  type Dependent,
  deletionOf,
  deletionOfAll,
  type Listed,
  type Propagation,
} from "./deletion.ts";
import { type DrainTick, drainSummary, planFor, stepAfter } from "./drain-plan.ts";

const owner = (kind: string, name: string) => ({
  apiVersion: "apps/v1",
  kind,
  name,
  uid: `${kind}/${name}`,
  controller: true,
});

describe("the dashboard's plan of a drain", () => {
  const pod = (more: {
    readonly owner?: string;
    readonly spec?: object;
    readonly phase?: string;
    readonly mirror?: boolean;
  }) =>
    ({
      metadata: {
        name: "p",
        namespace: "n",
        ...(more.owner && { ownerReferences: [owner(more.owner, "o")] }),
        ...(more.mirror && { annotations: { "kubernetes.io/config.mirror": "x" } }),
      },
      spec: more.spec ?? {},
      status: { phase: more.phase ?? "Running" },
    }) as KubeObject;
  const emptyDir = {
    volumes: [
      { name: "cache", emptyDir: {} },
      { name: "cm", configMap: {} },
    ],
  };
  const said = (one: KubeObject, ticks: readonly DrainTick[] = [], lost: readonly string[] = []) => {
    const plan = planFor(one, new Set(ticks), new Set(lost));
    return plan.is === "evict"
      ? plan.is
      : plan.is === "stays"
        ? `stays: ${plan.why}`
        : `needs ${plan.ticks.join()}: ${plan.why}`;
  };

  it("evicts what is made anew, and leaves pods of DaemonSets and of the node itself", () => {
    assert.equal(said(pod({ owner: "ReplicaSet" })), "evict");
    assert.equal(said(pod({ owner: "DaemonSet" })), "stays: DaemonSet o would put it there again");
    assert.match(said(pod({ mirror: true })), /stays: .*static pod/);
    assert.match(said(pod({ owner: "Node", mirror: true })), /stays/);
  });
  it("asks for what is lost, each by its own tick", () => {
    assert.equal(said(pod({})), "needs unmanaged: nobody makes it anew elsewhere");
    assert.equal(said(pod({}), ["unmanaged"]), "evict");
    assert.equal(
      said(pod({ owner: "ReplicaSet", spec: emptyDir })),
      "needs emptyDir: what is in cache is lost",
    );
    assert.equal(
      said(pod({ spec: emptyDir }), ["unmanaged"]),
      "needs emptyDir: what is in cache is lost, and nobody makes it anew elsewhere",
    );
    assert.equal(said(pod({ spec: emptyDir }), ["unmanaged", "emptyDir"]), "evict");
    assert.match(
      said(pod({ owner: "DaemonSet" }), [], ["n/o"]),
      /needs unmanaged: its DaemonSet o is not there/,
    );
    assert.equal(
      said(pod({ owner: "DaemonSet" }), [], ["other/o"]),
      "stays: DaemonSet o would put it there again",
    );
  });
  it("takes away what is over without asking", () => {
    assert.equal(said(pod({ phase: "Succeeded", spec: emptyDir })), "evict");
    assert.equal(said(pod({ phase: "Failed", owner: "DaemonSet" })), "evict");
  });
  it("reads what a refused eviction means", () => {
    const refused = (
      code: number,
      causes: readonly { reason: string; message: string; field: string }[] = [],
    ) => stepAfter({ code, message: "said", causes });
    assert.deepEqual(refused(404), { is: "gone" });
    assert.deepEqual(refused(409), { is: "gone" });
    assert.deepEqual(refused(429, [{ reason: "DisruptionBudget", message: "needs 2", field: "" }]), {
      is: "blocked",
      why: "needs 2",
      retryMs: 5000,
    });
    assert.equal(refused(429).is, "blocked");
    assert.equal(refused(0).is, "blocked");
    assert.equal(refused(403, [{ reason: "NamespaceTerminating", message: "", field: "" }]).is, "ending");
    assert.deepEqual(refused(403), { is: "failed", why: "said" });
    assert.deepEqual(refused(500), { is: "failed", why: "said" });
  });
  it("is over when each pod is gone or cannot go", () => {
    const blocked = { is: "blocked", why: "", retryMs: 1 } as const;
    assert.deepEqual(drainSummary([{ is: "gone" }, blocked, { is: "ending" }]), {
      isOver: false,
      text: "1 of 3 pods are gone, 1 blocked, 1 ending",
    });
    assert.deepEqual(drainSummary([{ is: "gone" }, { is: "failed", why: "" }]), {
      isOver: true,
      text: "1 of 2 pods are gone, 1 failed",
    });
    assert.ok(drainSummary([]).isOver);
  });
});

describe("what goes with an object that is deleted", () => {
  const listed = (
    kind: string,
    name: string,
    owners: readonly string[] = [],
    finalizers: readonly string[] = [],
  ): Listed => ({
    apiVersion: "v1",
    kind,
    metadata: {
      name,
      uid: `${kind}/${name}`,
      ownerReferences: owners.map((text) => owner(text.split("/")[0] ?? "", text.split("/")[1] ?? "")),
      finalizers,
    },
  });
  const root = listed("Deployment", "web");
  const others = [
    root,
    listed("ReplicaSet", "web-1", ["Deployment/web"]),
    listed("Pod", "a", ["ReplicaSet/web-1"]),
    listed("Pod", "b", ["ReplicaSet/web-1"], ["x.io/hold", "foregroundDeletion"]),
    listed("Pod", "other", ["ReplicaSet/else"]),
    listed("ConfigMap", "shared", ["Deployment/web", "Deployment/shop"]),
    listed("ConfigMap", "both", ["Deployment/web", "Pod/a"]),
    listed("Deployment", "shop"),
  ];
  const text = (all: readonly Dependent[]): string =>
    all
      .map(({ object: { metadata }, fate, dependents }) => {
        const sign = fate.is === "goes" ? "" : fate.is === "kept" ? `=${fate.by.join()}` : "!";
        return `${metadata.name}${sign}${dependents.length > 0 ? `(${text(dependents)})` : ""}`;
      })
      .join(" ");
  const of = (policy: Propagation, isThere?: (uid: string) => boolean) =>
    deletionOf(root, others, policy, isThere);

  it("is whatever it owns and nobody else does, down to the last", () => {
    const { dependents, counts, held } = of("Background");
    assert.equal(text(dependents), "web-1(a(both) b) shared=Deployment shop");
    assert.deepEqual(counts.map(countText), ["2 × Pod", "1 × ConfigMap", "1 × ReplicaSet"]);
    assert.deepEqual(
      held.map(({ object, finalizers }) => [object.metadata.name, finalizers]),
      [["b", ["x.io/hold"]]],
    );
    assert.equal(text(of("Foreground").dependents), text(dependents));
  });
  it("is nothing where dependents are left as orphans", () => {
    const { dependents, counts } = of("Orphan");
    assert.equal(text(dependents), "web-1! shared=Deployment shop both=Pod a");
    assert.deepEqual(counts, []);
  });
  it("counts owners that are not there as none", () => {
    const lost = [listed("Pod", "p", ["Deployment/web", "ReplicaSet/lost"])];
    assert.equal(text(deletionOf(root, lost, "Background").dependents), "p=ReplicaSet lost");
    assert.equal(text(deletionOf(root, lost, "Background", () => false).dependents), "p");
  });
  it("ends where owners go round", () => {
    const round = [listed("A", "a", ["Deployment/web", "B/b"]), listed("B", "b", ["A/a"])];
    assert.equal(text(deletionOf(root, round, "Background").dependents), "a=B b");
    const self = [listed("A", "a", ["Deployment/web", "A/a"])];
    assert.equal(text(deletionOf(root, self, "Background").dependents), "a=A a");
  });
  it("of a namespace is all that is in it", () => {
    const { counts, held } = deletionOfAll(listed("Namespace", "n", [], ["kubernetes"]), others);
    assert.deepEqual(counts.map(countText), ["3 × Pod", "2 × ConfigMap", "2 × Deployment", "1 × ReplicaSet"]);
    assert.deepEqual(
      held.map(({ object }) => object.metadata.name),
      ["b"],
    );
  });
});

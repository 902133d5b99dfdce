import assert from "node:assert/strict";
import fc from "fast-check";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../../client/types.ts";
import { controllerReference, type Owner } from "../owners.ts";
import { ago, meta, nowMs, pod, template } from "../testing/objects.ts";
import { planNewest, surplusRevisions } from "./plan-set-revisions.ts";
import { planStatefulSet, type SetObserved } from "./plan-stateful-set.ts";
import { claimFor, statefulPod } from "./stateful-pod.ts";

const claimTemplate = { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } };

function set(spec: Partial<StatefulSet["spec"]> = {}, status?: StatefulSet["status"]): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: meta("web"),
    spec: {
      replicas: 3,
      serviceName: "web",
      selector: { matchLabels: { app: "web" } },
      template: template("a:2"),
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      ...spec,
    },
    ...(status !== undefined && { status }),
  };
}

/** A pod of the ordinal; ready for so many seconds, or not. */
function at(
  ordinal: number,
  more: { readyFor?: number; revision?: string; phase?: string; going?: true } = {},
): Pod {
  const { readyFor, revision = "new", phase = "Running", going } = more;
  const name = `web-${ordinal}`;
  return pod(name, {
    phase,
    ...(readyFor !== undefined && { readyFor }),
    meta: {
      labels: { "controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": name },
      ...(going && { deletionTimestamp: ago(1) }),
    },
  });
}

function plan(pods: readonly Pod[], more: Partial<SetObserved> = {}) {
  const observed: SetObserved = {
    set: set(),
    current: { name: "old", template: template("a:1") },
    update: { name: "new", template: template("a:2") },
    collisionCount: 0,
    pods,
    claim: () => undefined,
    nowMs,
    ...more,
  };
  const { actions, status } = planStatefulSet(observed);
  const told = actions
    .filter(({ action }) => action !== "create claims")
    .map((one) => {
      if (one.action === "create") {
        const { metadata, spec } = one.pod;
        return `create ${metadata.name} ${metadata.labels?.["controller-revision-hash"]} ${spec.containers[0]?.image}`;
      }
      return "pod" in one ? `${one.action} ${one.pod.metadata.name}` : one.action;
    });
  return { told, status, actions };
}
const parallel = { set: set({ podManagementPolicy: "Parallel" }) };
const ready = { readyFor: 5 };

describe("controlplane/controllers/statefulset/plan-stateful-set", () => {
  it("makes pods in order, each once the one before it is available", () => {
    assert.deepEqual(plan([]).told, ["create web-0 new a:2"]);
    assert.deepEqual(plan([at(0)]).told, []);
    assert.deepEqual(plan([at(0, ready)]).told, ["create web-1 new a:2"]);
    const patient = { set: set({ minReadySeconds: 10 }) };
    assert.deepEqual(plan([at(0, ready)], patient).told, []);
    assert.deepEqual(plan([at(0, { readyFor: 11 })], patient).told, ["create web-1 new a:2"]);
  });

  it("makes a missing pod anew, and no other until it is available", () => {
    assert.deepEqual(plan([at(1, ready), at(2, ready)]).told, ["create web-0 new a:2"]);
    assert.deepEqual(plan([at(0, { going: true, ...ready }), at(1, ready)]).told, []);
  });

  it("makes and takes all at once with Parallel", () => {
    assert.deepEqual(plan([], parallel).told, [
      "create web-0 new a:2",
      "create web-1 new a:2",
      "create web-2 new a:2",
    ]);
    const small = { set: set({ podManagementPolicy: "Parallel", replicas: 0 }) };
    assert.deepEqual(plan([at(0), at(1, ready), at(2)], small).told, [
      "delete web-2",
      "delete web-1",
      "delete web-0",
    ]);
  });

  it("counts from the start ordinal", () => {
    const from = { set: set({ ordinals: { start: 5 }, replicas: 2 }) };
    assert.deepEqual(plan([], from).told, ["create web-5 new a:2"]);
    assert.deepEqual(plan([at(4, ready), at(5, ready), at(6, ready)], from).told, ["delete web-4"]);
  });

  it("scales down from the highest ordinal, one after the other, and not while one below is in trouble", () => {
    const one = { set: set({ replicas: 1 }) };
    assert.deepEqual(plan([at(0, ready), at(1, ready), at(2, ready)], one).told, ["delete web-2"]);
    assert.deepEqual(plan([at(0, ready), at(1, ready), at(2, { going: true })], one).told, []);
    assert.deepEqual(plan([at(0, ready), at(1), at(2)], one).told, []);
    assert.deepEqual(plan([at(0, ready), at(1, ready), at(2)], one).told, ["delete web-2"]);
    assert.deepEqual(plan([at(0), at(1, ready), at(2, ready)], one).told, []);
  });

  it("replaces pods that ended", () => {
    assert.deepEqual(plan([at(0, { phase: "Failed" }), at(1, ready)]).told, ["delete web-0"]);
    assert.deepEqual(plan([at(0, { phase: "Succeeded", going: true })]).told, []);
  });

  describe("updates", () => {
    const old = { revision: "old", ...ready };

    it("from the highest ordinal down, each once the last one is available", () => {
      assert.deepEqual(plan([at(0, old), at(1, old), at(2, old)]).told, ["delete web-2"]);
      assert.deepEqual(plan([at(0, old), at(1, old), at(2, ready)]).told, ["delete web-1"]);
      assert.deepEqual(plan([at(0, old), at(1, old), at(2)], parallel).told, []);
      assert.deepEqual(plan([at(0, ready), at(1, ready), at(2, ready)]).told, []);
    });

    it("stops at the partition, below which pods keep the old template", () => {
      const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 2 } };
      const partly = { set: set({ updateStrategy }) };
      assert.deepEqual(plan([at(0, old), at(1, old), at(2, old)], partly).told, ["delete web-2"]);
      assert.deepEqual(plan([at(0, old), at(1, old), at(2, ready)], partly).told, []);
      assert.deepEqual(plan([at(0, old)], partly).told, ["create web-1 old a:1"]);
      assert.deepEqual(plan([at(0, old), at(1, old)], partly).told, ["create web-2 new a:2"]);
    });

    it("leaves pods alone with OnDelete, and makes new ones of the new template", () => {
      const onDelete = { set: set({ updateStrategy: { type: "OnDelete" } }) };
      assert.deepEqual(plan([at(0, old), at(1, old), at(2, old)], onDelete).told, []);
      assert.deepEqual(plan([at(0, old), at(1, old)], onDelete).told, ["create web-2 new a:2"]);
    });

    it("come to an end whatever becomes ready when, and never take two pods at once", () => {
      fc.assert(
        fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (luck) => {
          const pods = new Map([0, 1, 2].map((ordinal) => [`web-${ordinal}`, at(ordinal, old)]));
          for (let step = 0; step < 60; step++) {
            const { actions } = plan([...pods.values()]);
            const deleted = actions.filter(({ action }) => action === "delete");
            assert.ok(deleted.length <= 1);
            for (const one of actions) {
              if (one.action === "delete") pods.delete(one.pod.metadata.name);
              const made = one.action === "create" ? (one.pod.metadata.name ?? "") : "";
              if (made !== "") pods.set(made, at(Number(made.slice(4))));
            }
            if (luck[step] !== false)
              for (const name of pods.keys()) {
                const before = pods.get(name);
                const revision = before?.metadata.labels?.["controller-revision-hash"] ?? "";
                pods.set(name, at(Number(name.slice(4)), { readyFor: 5, revision }));
              }
          }
          assert.equal(plan([...pods.values()]).status.updatedReplicas, 3);
        }),
        { numRuns: 20 },
      );
    });
  });

  it("tells in the status what Kubernetes tells", () => {
    const pods = [at(0, ready), at(1), at(2, { revision: "old", ...ready })];
    assert.deepEqual(plan(pods).status, {
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 2,
      currentReplicas: 1,
      updatedReplicas: 2,
      currentRevision: "old",
      updateRevision: "new",
      collisionCount: 0,
      availableReplicas: 2,
    });
    const done = plan([at(0, ready), at(1, ready), at(2, ready)]).status;
    assert.deepEqual([done.currentRevision, done.currentReplicas], ["new", 3]);
  });
});

describe("controlplane/controllers/statefulset/stateful-pod", () => {
  it("names the pod's host, labels and claims by its ordinal", () => {
    const owner = set({ volumeClaimTemplates: [claimTemplate] });
    const volumes = [
      { name: "data", emptyDir: {} },
      { name: "tmp", emptyDir: {} },
    ];
    const spec = { containers: [{ name: "c" }], volumes };
    const made = statefulPod(owner, 2, { template: { spec }, revision: "web-1" });
    assert.deepEqual(made.metadata.labels, {
      "statefulset.kubernetes.io/pod-name": "web-2",
      "apps.kubernetes.io/pod-index": "2",
      "controller-revision-hash": "web-1",
    });
    assert.deepEqual([made.spec.hostname, made.spec.subdomain], ["web-2", "web"]);
    assert.deepEqual(made.spec.volumes, [
      { name: "data", persistentVolumeClaim: { claimName: "data-web-2" } },
      { name: "tmp", emptyDir: {} },
    ]);
    assert.deepEqual(claimFor(owner, claimTemplate, 2).metadata, {
      name: "data-web-2",
      namespace: "default",
      labels: { app: "web" },
    });
  });
});

describe("controlplane/controllers/statefulset claims", () => {
  const claim = (owners: readonly Owner[] = []): PersistentVolumeClaim => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: meta("data-web-0", { ownerReferences: owners.map(controllerReference) }),
    spec: {},
  });
  const owned = (
    policy: StatefulSet["spec"]["persistentVolumeClaimRetentionPolicy"],
    more: object,
    has: PersistentVolumeClaim,
  ) => {
    const owner = set({
      replicas: 1,
      volumeClaimTemplates: [claimTemplate],
      ...(policy && { persistentVolumeClaimRetentionPolicy: policy }),
      ...more,
    });
    const { actions } = plan([at(0, ready)], {
      set: owner,
      claim: (name) => (name === "data-web-0" ? has : undefined),
    });
    return actions.flatMap((one) =>
      one.action === "own claim" ? [one.owners.map(({ kind }) => kind).join()] : [],
    );
  };

  it("go with the set if they are to be deleted with it, with the pod if it is scaled away", () => {
    const both = { whenDeleted: "Delete", whenScaled: "Delete" };
    assert.deepEqual(owned(undefined, {}, claim()), []);
    assert.deepEqual(owned(both, {}, claim()), ["StatefulSet"]);
    assert.deepEqual(owned(both, {}, claim([set()])), []);
    assert.deepEqual(owned(both, { replicas: 0 }, claim([set()])), ["Pod"]);
    assert.deepEqual(
      owned({ whenDeleted: "Delete", whenScaled: "Retain" }, { replicas: 0 }, claim([set()])),
      [],
    );
    assert.deepEqual(owned({ whenDeleted: "Retain", whenScaled: "Retain" }, {}, claim([set()])), [""]);
    const other = { ...set(), kind: "Other", metadata: meta("other") };
    assert.deepEqual(owned(both, {}, claim([other])), []);
  });

  it("of a pod that was scaled away keep its successor waiting", () => {
    const policy = { whenDeleted: "Retain", whenScaled: "Delete" };
    const owner = set({
      volumeClaimTemplates: [claimTemplate],
      persistentVolumeClaimRetentionPolicy: policy,
    });
    const going = claim([at(0)]);
    assert.deepEqual(plan([], { set: owner, claim: () => going }).told, []);
  });
});

describe("controlplane/controllers/statefulset/plan-set-revisions", () => {
  it("makes a revision for a new template, uses an old one again under a new number, and keeps what is in use", () => {
    const first = planNewest(set(), [], 0);
    assert.ok(first.action === "create");
    const stored = (revision: number, name: string, data: object) => ({
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: meta(name),
      data,
      revision,
    });
    const own = stored(1, "one", first.object.data as object);
    const other = stored(2, "two", { spec: {} });
    assert.deepEqual(planNewest(set(), [own], 0), { action: "use", revision: own });
    assert.deepEqual(planNewest(set(), [other, own], 0), { action: "renumber", revision: own, number: 3 });
    const again = planNewest(set(), [], 1);
    assert.ok(again.action === "create" && again.object.metadata.name !== first.object.metadata.name);
    const limited = set({ revisionHistoryLimit: 0 });
    assert.deepEqual(surplusRevisions(limited, [own, other], new Set(["one"])), [other]);
    assert.deepEqual(surplusRevisions(set({ revisionHistoryLimit: -1 }), [own, other], new Set()), []);
  });
});

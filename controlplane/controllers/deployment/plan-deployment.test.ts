import assert from "node:assert/strict";
import fc from "fast-check";
import type { Deployment, ReplicaSet } from "../../../client/types.ts";
import { ago, deployment, nowMs, pod, replicaSet, template } from "../testing/objects.ts";
import { fenceposts, wantedReplicas } from "./fenceposts.ts";
import { planDeployment } from "./plan-deployment.ts";
import { countStatus } from "./plan-status.ts";
import { availableOf, type DeploymentAction, replicasOf, sum } from "./plan-types.ts";

const plan = (one: Deployment, replicaSets: readonly ReplicaSet[], pods: ReturnType<typeof pod>[] = []) =>
  planDeployment({ deployment: one, replicaSets, pods, nowMs });

/** One line an action, as the table below has them. */
function text(step: DeploymentAction): string {
  switch (step.action) {
    case "createReplicaSet":
      return `create ${step.object.metadata.name?.replace(/-[a-z0-9]+$/, "-HASH")} with ${step.object.spec.replicas}`;
    case "updateReplicaSet":
      return `update ${step.name} revision ${step.annotations["deployment.kubernetes.io/revision"]}`;
    case "scale":
      return `scale ${step.name} ${step.from} -> ${step.to}`;
    case "deleteReplicaSet":
      return `delete ${step.name}`;
    case "setRevision":
      return `revision ${step.revision}`;
    case "updateStatus":
      return `status ${(step.status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`).join(", ")}`;
  }
}
const texts = (steps: readonly DeploymentAction[]) =>
  steps.map(text).filter((line) => !line.startsWith("status"));
const statusOf = (steps: readonly DeploymentAction[]) =>
  steps.map(text).find((line) => line.startsWith("status"));
const revision = (number: number) => ({
  annotations: { "deployment.kubernetes.io/revision": String(number) },
});

describe("controlplane/controllers/deployment/plan-deployment", () => {
  it("makes the first ReplicaSet", () => {
    const steps = plan(deployment(), []);
    assert.deepEqual(texts(steps), ["create web-HASH with 3", "revision 1"]);
    assert.match(statusOf(steps) ?? "", /Progressing=True NewReplicaSetCreated/);
  });

  it("makes the next one as large as the surge lets it", () => {
    const next = deployment({ template: template("a:2") }, { meta: revision(1) });
    assert.deepEqual(texts(plan(next, [replicaSet("web-1", "a:1")])), [
      "create web-HASH with 1",
      "revision 2",
    ]);
  });

  it("adds up the pods on their way out, once each ReplicaSet tells of its own", () => {
    const telling = (name: string, status: object) => {
      const one = replicaSet(name, "a:1");
      return { ...one, status: { ...one.status, ...status } } as ReplicaSet;
    };
    const told = (...old: ReplicaSet[]) =>
      countStatus(deployment(), { current: undefined, old } as never, nowMs).terminatingReplicas;
    const two = telling("web-1", { observedGeneration: 1, terminatingReplicas: 2 });
    const none = telling("web-2", { observedGeneration: 1, terminatingReplicas: 0 });
    assert.equal(told(two, none), 2);
    assert.equal(told(none), 0);
    assert.equal(told(two, telling("web-2", { observedGeneration: 0 })), 2);
    assert.equal(told(two, telling("web-2", { observedGeneration: 1 })), undefined);
  });

  it("shrinks the old one when the new pod is available, and not before", () => {
    const next = deployment({ template: template("a:2") }, { meta: revision(2) });
    const old = replicaSet("web-1", "a:1");
    const fresh = (available: number) =>
      replicaSet("web-2", "a:2", { replicas: 1, available, revision: 2, ageSeconds: 10 });
    assert.deepEqual(texts(plan(next, [old, fresh(0)])), []);
    assert.deepEqual(texts(plan(next, [old, fresh(1)])), ["scale web-1 3 -> 2"]);
  });

  it("gives up broken old pods first", () => {
    const next = deployment({ template: template("a:3") }, { meta: revision(3) });
    const steps = plan(next, [
      replicaSet("web-1", "a:1", { replicas: 2, available: 2, ageSeconds: 30 }),
      replicaSet("web-2", "a:2", { replicas: 1, available: 0, revision: 2, ageSeconds: 20 }),
      replicaSet("web-3", "a:3", { replicas: 1, available: 1, revision: 3, ageSeconds: 10 }),
    ]);
    assert.deepEqual(texts(steps), ["scale web-2 1 -> 0"]);
  });

  it("uses an old ReplicaSet again after an undo, under a new revision", () => {
    const back = deployment({}, { meta: revision(2) });
    const steps = plan(back, [
      replicaSet("web-1", "a:1", { replicas: 0, ageSeconds: 20 }),
      replicaSet("web-2", "a:2", { revision: 2, ageSeconds: 10 }),
    ]);
    assert.deepEqual(texts(steps), ["update web-1 revision 3", "revision 3", "scale web-1 0 -> 1"]);
  });

  it("spreads a new size in proportion while rolling", () => {
    const larger = deployment({ replicas: 10, template: template("a:2") }, { meta: revision(2) });
    const steps = plan(larger, [
      replicaSet("web-1", "a:1", { replicas: 4, sizedFor: 5, maxFor: 7, ageSeconds: 20 }),
      replicaSet("web-2", "a:2", { replicas: 2, revision: 2, sizedFor: 5, maxFor: 7, ageSeconds: 10 }),
    ]);
    assert.deepEqual(texts(steps), ["scale web-1 4 -> 9", "scale web-2 2 -> 4"]);
  });

  it("does not roll while paused, but scales", () => {
    const paused = deployment(
      { paused: true, replicas: 5, template: template("a:2") },
      { meta: revision(1) },
    );
    const steps = plan(paused, [replicaSet("web-1", "a:1")]);
    assert.deepEqual(texts(steps), ["scale web-1 3 -> 5"]);
    assert.match(statusOf(steps) ?? "", /Progressing=Unknown DeploymentPaused/);
  });

  it("recreates only when the last old pod is gone", () => {
    const next = deployment(
      { strategy: { type: "Recreate" }, template: template("a:2") },
      { meta: revision(1) },
    );
    const old = replicaSet("web-1", "a:1");
    const empty = replicaSet("web-1", "a:1", { replicas: 0 });
    assert.deepEqual(texts(plan(next, [old])), ["scale web-1 3 -> 0"]);
    assert.deepEqual(texts(plan(next, [empty], [pod("web-1-x", { owner: old })])), []);
    assert.deepEqual(texts(plan(next, [empty])), ["create web-HASH with 3", "revision 2"]);
  });

  it("deletes the lowest revisions beyond the limit, once complete", () => {
    const done = deployment({ revisionHistoryLimit: 1, template: template("a:4") }, { meta: revision(4) });
    const old = [1, 2, 3].map((n) =>
      replicaSet(`web-${n}`, `a:${n}`, { replicas: 0, revision: n, ageSeconds: 50 - n }),
    );
    const current = replicaSet("web-4", "a:4", { revision: 4, ageSeconds: 1 });
    const steps = plan(done, [...old, current]);
    assert.deepEqual(texts(steps), ["delete web-1", "delete web-2"]);
    assert.match(
      statusOf(steps) ?? "",
      /Progressing=True NewReplicaSetAvailable, Available=True MinimumReplicasAvailable/,
    );
  });

  it("gives up after the progress deadline", () => {
    const progressing = (seconds: number) => ({
      replicas: 3,
      updatedReplicas: 3,
      conditions: [
        {
          type: "Progressing",
          status: "True",
          reason: "ReplicaSetUpdated",
          lastUpdateTime: ago(seconds),
          lastTransitionTime: ago(seconds),
        },
      ],
    });
    const stuck = (seconds: number) =>
      plan(deployment({}, { meta: revision(1), status: progressing(seconds) }), [
        replicaSet("web-1", "a:1", { available: 0 }),
      ]);
    assert.match(statusOf(stuck(599)) ?? "", /Progressing=True ReplicaSetUpdated/);
    assert.match(statusOf(stuck(600)) ?? "", /Progressing=False ProgressDeadlineExceeded/);
  });

  it("takes back that it gave up with the sync that observes a rollback, also where that changes the size", () => {
    const failed = {
      replicas: 3,
      updatedReplicas: 1,
      readyReplicas: 2,
      availableReplicas: 2,
      conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }],
    };
    const [before, broken] = [
      replicaSet("web-1", "a:1", { replicas: 2, sizedFor: 2, ageSeconds: 20 }),
      replicaSet("web-2", "a:2", { replicas: 1, sizedFor: 2, available: 0, revision: 2, ageSeconds: 10 }),
    ];
    const rolledTo = (replicas: number, image: string) => {
      const one = deployment({ replicas, template: template(image) }, { meta: revision(2), status: failed });
      return statusOf(plan(one, [before, broken])) ?? "";
    };
    for (const replicas of [2, 3])
      assert.match(rolledTo(replicas, "a:1"), /Progressing=True ReplicaSetUpdated/);
    assert.match(rolledTo(3, "a:2"), /Progressing=False ProgressDeadlineExceeded/);
  });

  it("never exceeds the surge nor goes below what must be available, whatever readiness does and however old statuses are, and ends", () => {
    const amount = fc.oneof(
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 100 }).map((n) => `${n}%`),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        amount,
        amount,
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 30, maxLength: 30 }),
        fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
        (replicas, maxSurge, maxUnavailable, readiness, told) => {
          const one = deployment({
            replicas,
            template: template("a:2"),
            strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
          });
          simulate(one, readiness, told);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** Rolls from a complete a:1 to a:2. New pods become available as `readiness` says, in the end all. What a ReplicaSet's status
 *  tells is what was so when it was last `told`. */
function simulate(one: Deployment, readiness: readonly number[], told: readonly boolean[]): void {
  const { maxSurge, maxUnavailable } = fenceposts(one);
  const wanted = wantedReplicas(one);
  const world = new Map<string, ReplicaSet>();
  /** How many are available in truth. */
  const available = new Map<string, number>();
  const put = (name: string, replicas: number, shown: number) =>
    world.set(
      name,
      replicaSet(name, name === "web-1" ? "a:1" : "a:2", {
        replicas,
        available: shown,
        sizedFor: wanted,
        maxFor: wanted + maxSurge,
        ageSeconds: name === "web-1" ? 20 : 10,
        revision: name === "web-1" ? 1 : 2,
      }),
    );
  put("web-1", wanted, wanted);
  available.set("web-1", wanted);
  for (let step = 0; step < 60; step++) {
    const replicaSets = [...world.values()];
    for (const action of planDeployment({ deployment: one, replicaSets, pods: [], nowMs })) {
      if (action.action === "createReplicaSet") put("web-2", action.object.spec.replicas ?? 0, 0);
      if (action.action !== "scale") continue;
      const before = world.get(action.name);
      assert.ok(before);
      put(action.name, action.to, availableOf(before));
      available.set(action.name, Math.min(available.get(action.name) ?? 0, action.to));
    }
    assert.ok(sum([...world.values()].map(replicasOf)) <= wanted + maxSurge, "more than the surge");
    assert.ok(sum([...available.values()]) >= wanted - maxUnavailable, "less than must be available");
    const fresh = world.get("web-2");
    if (fresh !== undefined) {
      const more = (available.get("web-2") ?? 0) + (readiness[step] ?? 5);
      available.set("web-2", Math.min(replicasOf(fresh), more));
    }
    for (const [at, [name, found]] of [...world].entries())
      if (told[2 * step + at] ?? true) put(name, replicasOf(found), available.get(name) ?? 0);
  }
  const [old, fresh] = ["web-1", "web-2"].map((name) => world.get(name));
  assert.ok(old && fresh);
  assert.equal(available.get("web-2"), wanted);
  if (wanted > 0) assert.equal(replicasOf(old), 0);
}

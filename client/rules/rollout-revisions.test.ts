import assert from "node:assert/strict";
import type { ControllerRevision, PodTemplateSpec, ReplicaSet } from "../types.ts";
import { controllerRevisions, isCurrent, replicaSetRevisions, rollbackTo } from "./rollout-revisions.ts";

const template = (image: string, labels: Readonly<Record<string, string>> = {}): PodTemplateSpec => ({
  metadata: { labels: { app: "web", ...labels } },
  spec: { containers: [{ name: "c", image }] },
});
const owned = (uid: string) => [{ apiVersion: "apps/v1", kind: "K", name: "web", uid, controller: true }];
const replicaSet = (number: number, image: string, cause?: string, owner = "u") =>
  ({
    metadata: {
      name: `web-${number}`,
      annotations: {
        "deployment.kubernetes.io/revision": String(number),
        "deployment.kubernetes.io/desired-replicas": "3",
        ...(cause && { "kubernetes.io/change-cause": cause }),
      },
      ownerReferences: owned(owner),
    },
    spec: { template: template(image, { "pod-template-hash": String(number) }) },
  }) as unknown as ReplicaSet;
const deployment = (image: string, more: object = {}) => ({
  kind: "Deployment",
  metadata: {
    name: "web",
    uid: "u",
    annotations: {
      "deployment.kubernetes.io/revision": "10",
      mine: "goes",
      "kubernetes.io/change-cause": "third",
    },
  },
  spec: { template: template(image), ...more },
});

describe("revisions of a workload", () => {
  const revisions = replicaSetRevisions("u", [
    replicaSet(10, "c", "third"),
    replicaSet(9, "b", "second"),
    replicaSet(2, "a"),
    replicaSet(3, "x", "not ours", "other"),
  ]);

  it("are in the order of their numbers, with causes, and without the hash", () => {
    assert.deepEqual(
      revisions.map(({ number, cause, template: kept }) => [number, cause, kept]),
      [
        [2, undefined, template("a")],
        [9, "second", template("b")],
        [10, "third", template("c")],
      ],
    );
    assert.deepEqual(
      revisions.map((one) => isCurrent(deployment("c"), one)),
      [false, false, true],
    );
  });
  it("go back to the one before, with what its replica set says of itself and what the deployment keeps", () => {
    assert.deepEqual(rollbackTo(deployment("c"), revisions, 0), {
      is: "patch",
      type: "json",
      patch: [
        { op: "replace", path: "/spec/template", value: template("b") },
        {
          op: "add",
          path: "/metadata/annotations",
          value: { "deployment.kubernetes.io/revision": "10", "kubernetes.io/change-cause": "second" },
        },
      ],
    });
  });
  it("go back to any by its number, and not to one that is not there, is there already, or while it is paused", () => {
    const said = (wanted: number, image = "c", more: object = {}) => {
      const rollback = rollbackTo(deployment(image, more), revisions, wanted);
      return rollback.is === "patch"
        ? JSON.stringify(rollback.patch).match(/"image":"(.)"/)?.[1]
        : rollback.why;
    };
    assert.equal(said(2), "a");
    assert.match(said(7) ?? "", /unable to find specified revision 7/);
    assert.match(said(10) ?? "", /already matches revision 10/);
    assert.match(said(2, "c", { paused: true }) ?? "", /resume it first/);
    const none = rollbackTo(deployment("c"), revisions.slice(-1), 0);
    assert.equal(none.is === "refused" && none.why, 'no rollout history found for deployment "web"');
  });
  it("of sets go back by the patch that they keep", () => {
    const kept = (revision: number, image: string): ControllerRevision => ({
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: { name: `r${revision}`, ownerReferences: owned("u") } as ControllerRevision["metadata"],
      data: { spec: { template: { ...template(image), $patch: "replace" } } },
      revision,
    });
    const set = {
      kind: "StatefulSet",
      metadata: { name: "db", uid: "u" },
      spec: { template: template("b") },
    };
    const all = controllerRevisions("u", [kept(2, "b"), kept(1, "a")]);
    assert.deepEqual(all[0]?.template, template("a"));
    assert.deepEqual(rollbackTo(set, all, 0), { is: "patch", type: "strategic", patch: kept(1, "a").data });
    assert.equal(rollbackTo(set, all, 2).is, "skipped");
    const none = rollbackTo(set, all.slice(1), 0);
    assert.equal(none.is === "refused" && none.why, "no last revision to roll back to");
  });
});

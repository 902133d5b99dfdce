import assert from "node:assert/strict";
import type { KubeObject } from "../api/object-feed.ts";
import { healthOf } from "./health.ts";
import { fold, planOf, type TreeNode, treeOf } from "./tree.ts";

type Fields = Partial<Pick<KubeObject, "spec" | "status">> & {
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly endpoints?: readonly object[];
};
const object = (kind: string, name: string, { owner, labels, ...more }: Fields = {}): KubeObject => ({
  apiVersion: { Deployment: "apps/v1", ReplicaSet: "apps/v1" }[kind] ?? "v1",
  kind,
  metadata: {
    name,
    uid: name,
    ...(kind !== "PersistentVolume" && { namespace: "shop" }),
    ...(labels && { labels }),
    ...(owner && {
      ownerReferences: [{ apiVersion: "v1", kind: "x", name: owner, uid: owner, controller: true }],
    }),
  },
  ...more,
});
const ready = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
const shape = ({ name, children }: TreeNode): unknown =>
  children.length === 0 ? name : [name, children.map(shape)];

describe("dashboard/web/model: trees", () => {
  it("leads from a deployment to pods, their claims and volumes", () => {
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data-1" } }];
    const tree = treeOf(
      object("Deployment", "web"),
      [
        object("ReplicaSet", "web-1", { owner: "web" }),
        object("Pod", "web-1-a", { owner: "web-1", spec: { volumes }, ...ready }),
        object("Pod", "stranger", { owner: "other" }),
        object("PersistentVolumeClaim", "data-1", {
          spec: { volumeName: "pv-1" },
          status: { phase: "Bound" },
        }),
        object("PersistentVolume", "pv-1", { status: { phase: "Bound" } }),
      ],
      "web-1-a",
    );
    assert.deepEqual(shape(tree), ["web", [["web-1", [["web-1-a", [["data-1", ["pv-1"]]]]]]]]);
    assert.equal(tree.children[0]?.children[0]?.isHere, true);
  });
  it("leads from a service over its slices to pods, each once", () => {
    const endpoints = [
      { targetRef: { kind: "Pod", name: "a" } },
      { targetRef: { kind: "Pod", name: "gone" } },
    ];
    const labels = { "kubernetes.io/service-name": "web" };
    const tree = treeOf(
      object("Service", "web"),
      [
        object("EndpointSlice", "web-v4", { labels, owner: "web", endpoints }),
        object("EndpointSlice", "web-v6", { labels, endpoints }),
        object("Pod", "a", ready),
      ],
      "web",
    );
    assert.deepEqual(shape(tree), ["web", [["web-v4", ["a"]], "web-v6"]]);
  });
  it("ends where owners lead in a circle", () => {
    const tree = treeOf(
      object("A", "a", { owner: "b" }),
      [object("A", "a", { owner: "b" }), object("B", "b", { owner: "a" })],
      "a",
    );
    assert.deepEqual(shape(tree), ["a", ["b"]]);
  });
  it("draws the way to here and what is not well, and counts the rest", () => {
    const pods = Array.from({ length: 300 }, (_, at) =>
      object("Pod", `p-${at}`, { owner: "r", ...(at === 77 ? { status: { phase: "Failed" } } : ready) }),
    );
    const { shown, rest } = fold(treeOf(object("ReplicaSet", "r"), pods, "p-150").children, 3);
    assert.deepEqual(
      shown.map(({ name }) => name),
      ["p-150", "p-77", "p-0"],
    );
    assert.deepEqual(rest, [{ kind: "Pod", word: "ready", count: 297 }]);
  });
  it("looks through many kinds for what a custom one owns, and through none for what owns nothing", () => {
    const of = (key: string, sameGroup: readonly string[] = []) =>
      planOf(key, { selector: "app=web", name: "n", sameGroup });
    assert.deepEqual(of("core/configmaps"), []);
    assert.ok(
      of("example.com/databases", ["example.com/backups"]).some(({ kind }) => kind === "example.com/backups"),
    );
    assert.deepEqual(of("apps/daemonsets")[0], { kind: "core/pods", query: { labelSelector: "app=web" } });
  });
  it("says how things are, by one rule", () => {
    const waiting = [{ state: { waiting: { reason: "CrashLoopBackOff" } } }];
    const cases: readonly (readonly [KubeObject, string, string])[] = [
      [object("Pod", "p", ready), "good", "ready"],
      [
        object("Pod", "p", { status: { phase: "Running", containerStatuses: waiting } }),
        "bad",
        "CrashLoopBackOff",
      ],
      [object("Pod", "p", { status: { phase: "Pending" } }), "busy", "pending"],
      [object("Pod", "p", { status: { phase: "Succeeded" } }), "quiet", "done"],
      [object("PersistentVolumeClaim", "c", { status: { phase: "Pending" } }), "warn", "not ready"],
      [
        object("Thing", "t", { status: { conditions: [{ type: "Ready", status: "False" }] } }),
        "warn",
        "not ready",
      ],
    ];
    for (const [one, tone, word] of cases) assert.deepEqual(healthOf(one), { tone, word });
  });
});

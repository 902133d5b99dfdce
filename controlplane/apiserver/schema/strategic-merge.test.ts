import assert from "node:assert/strict";
import { PatchError } from "./patch-error.ts";
import { strategicMergePatch } from "./strategic-merge.ts";

const deployment = { group: "apps", version: "v1", kind: "Deployment" };
const pod = { group: "", version: "v1", kind: "Pod" };
const service = { group: "", version: "v1", kind: "Service" };

interface Case {
  readonly name: string;
  readonly gvk?: typeof pod;
  readonly current: Record<string, unknown>;
  readonly patch: Record<string, unknown>;
  readonly wanted: Record<string, unknown>;
}

const cases: readonly Case[] = [
  {
    name: "replaces the selector of a disruption budget as a whole",
    gvk: { group: "policy", version: "v1", kind: "PodDisruptionBudget" },
    current: { spec: { selector: { matchLabels: { app: "web" } } } },
    patch: { spec: { selector: { matchLabels: { tier: "front" } } } },
    wanted: { spec: { selector: { matchLabels: { tier: "front" } } } },
  },
  {
    name: "merges containers by name and their variables by name, new ones first",
    current: {
      spec: {
        containers: [
          { name: "a", image: "1", env: [{ name: "X", value: "1" }] },
          { name: "b", image: "2" },
        ],
      },
    },
    patch: { spec: { containers: [{ name: "a", env: [{ name: "Y", value: "2" }] }] } },
    wanted: {
      spec: {
        containers: [
          {
            name: "a",
            image: "1",
            env: [
              { name: "Y", value: "2" },
              { name: "X", value: "1" },
            ],
          },
          { name: "b", image: "2" },
        ],
      },
    },
  },
  {
    name: "deletes a list element",
    current: { spec: { containers: [{ name: "a" }, { name: "b" }] } },
    patch: { spec: { containers: [{ name: "a", $patch: "delete" }] } },
    wanted: { spec: { containers: [{ name: "b" }] } },
  },
  {
    name: "replaces a list",
    current: { spec: { containers: [{ name: "a" }, { name: "b" }] } },
    patch: { spec: { containers: [{ $patch: "replace" }, { name: "c" }] } },
    wanted: { spec: { containers: [{ name: "c" }] } },
  },
  {
    name: "replaces an object",
    current: { spec: { securityContext: { runAsUser: 1, fsGroup: 2 } } },
    patch: { spec: { securityContext: { $patch: "replace", runAsUser: 3 } } },
    wanted: { spec: { securityContext: { runAsUser: 3 } } },
  },
  {
    name: "removes by null",
    current: { metadata: { labels: { a: "1", b: "2" } }, spec: { nodeName: "n" } },
    patch: { metadata: { labels: { a: null } }, spec: { nodeName: null } },
    wanted: { metadata: { labels: { b: "2" } }, spec: {} },
  },
  {
    name: "replaces lists without a key as a whole",
    current: { spec: { containers: [{ name: "a", command: ["x", "y"] }], tolerations: [{ key: "k" }] } },
    patch: { spec: { containers: [{ name: "a", command: ["z"] }], tolerations: [{ key: "l" }] } },
    wanted: { spec: { containers: [{ name: "a", command: ["z"] }], tolerations: [{ key: "l" }] } },
  },
  {
    name: "adds to and takes from lists of plain values",
    current: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { finalizers: ["c"], "$deleteFromPrimitiveList/finalizers": ["a"] } },
    wanted: { metadata: { finalizers: ["c", "b"] } },
  },
  {
    name: "orders elements as told, others where they stood before those",
    current: { spec: { containers: [{ name: "a" }, { name: "server" }, { name: "b" }] } },
    patch: {
      spec: {
        "$setElementOrder/containers": [{ name: "c" }, { name: "b" }, { name: "a" }],
        containers: [{ name: "c" }],
      },
    },
    wanted: { spec: { containers: [{ name: "c" }, { name: "server" }, { name: "b" }, { name: "a" }] } },
  },
  {
    name: "retains only the keys named",
    gvk: deployment,
    current: { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
    wanted: { spec: { strategy: { type: "Recreate" } } },
  },
  {
    name: "drops the old source of a volume with $retainKeys",
    current: { spec: { volumes: [{ name: "v", emptyDir: {} }] } },
    patch: { spec: { volumes: [{ $retainKeys: ["name", "hostPath"], name: "v", hostPath: { path: "/" } }] } },
    wanted: { spec: { volumes: [{ name: "v", hostPath: { path: "/" } }] } },
  },
  {
    name: "does not tell ports with one number apart by protocol",
    current: {
      spec: {
        containers: [
          {
            name: "a",
            ports: [
              { containerPort: 53, protocol: "TCP" },
              { containerPort: 53, protocol: "UDP" },
            ],
          },
        ],
      },
    },
    patch: {
      spec: { containers: [{ name: "a", ports: [{ containerPort: 53, protocol: "UDP", name: "dns" }] }] },
    },
    wanted: {
      spec: {
        containers: [
          {
            name: "a",
            ports: [
              { containerPort: 53, protocol: "UDP", name: "dns" },
              { containerPort: 53, protocol: "UDP" },
            ],
          },
        ],
      },
    },
  },
  {
    name: "merges service ports by port",
    gvk: service,
    current: { spec: { ports: [{ port: 80, nodePort: 30000 }] } },
    patch: { spec: { ports: [{ port: 80, targetPort: 8080 }, { port: 443 }] } },
    wanted: { spec: { ports: [{ port: 80, nodePort: 30000, targetPort: 8080 }, { port: 443 }] } },
  },
  {
    name: "leaves no element with a directive in what is new",
    current: {},
    patch: {
      spec: {
        containers: [
          { name: "a", $patch: "merge" },
          { name: "b", image: null },
        ],
      },
    },
    wanted: { spec: { containers: [{ name: "b" }] } },
  },
];

describe("strategic merge patch", () => {
  for (const { name, gvk = pod, current, patch, wanted } of cases) {
    it(name, () => {
      const before = structuredClone([current, patch]);
      assert.deepEqual(strategicMergePatch(gvk, current, patch).object, wanted);
      assert.deepEqual([current, patch], before, "both stay as they are");
    });
  }

  it("refuses elements without their key and unknown directives", () => {
    const current = { spec: { containers: [{ name: "a" }] } };
    const refused = (spec: object) =>
      assert.throws(() => strategicMergePatch(pod, current, { spec }), PatchError);
    refused({ containers: [{ image: "x" }] });
    refused({ containers: [{ name: "a", $patch: "merge" }] });
    refused({ $patch: "improve" });
  });
});

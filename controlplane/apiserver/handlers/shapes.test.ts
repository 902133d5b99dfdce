import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { KindTable } from "../registry/kind-table.ts";
import { kinds } from "../resources/table.ts";
import { kindView, metadataAlone, table } from "./shapes.ts";

const served = (group: string, plural: string) => {
  const one = new KindTable(kinds).byResource(group, "v1", plural);
  assert.ok(one);
  return one;
};

describe("shapes of objects, as Kubernetes shows them", () => {
  it("leave the number of a daemon set's template out of its metadata alone", () => {
    const annotations = { "deprecated.daemonset.template.generation": "2" };
    const shown = (more: object) =>
      metadataAlone(
        served("apps", "daemonsets").kind,
        { metadata: { name: "d", annotations: { ...annotations, ...more } } } as unknown as KubeObject,
        "v1",
      ).metadata;
    assert.deepEqual(shown({}), { name: "d" });
    assert.deepEqual(shown({ a: "b" }), { name: "d", annotations: { a: "b" } });
  });
  it("say null for the rows of an empty table where Kubernetes has no columns for the kind", () => {
    const rows = (group: string, plural: string) => {
      const view = kindView(served(group, plural));
      return table({ view, version: "v1", include: "Metadata", nowMs: 0 }, [], {}).rows;
    };
    assert.equal(rows("rbac.authorization.k8s.io", "roles"), null);
    assert.equal(rows("", "limitranges"), null);
    assert.deepEqual(rows("", "pods"), []);
  });
});

import assert from "node:assert/strict";
import { bytes, message, nested, repeated, string } from "../../../base/protobuf.ts";
import { KindRegistry } from "../registry/kind-registry.ts";
import { kinds } from "../resources/table.ts";
import { openApiDocuments } from "./documents.ts";

describe("openapi", () => {
  const documents = openApiDocuments(new KindRegistry(kinds));
  const apps = JSON.parse(documents.document("apis/apps/v1") ?? "{}");

  it("lists a document for each group and version, named by its content", () => {
    const { paths } = documents.index() as { paths: Record<string, { serverRelativeURL: string }> };
    const served = new KindRegistry(kinds).served.map(({ group, version }) =>
      group === "" ? `api/${version}` : `apis/${group}/${version}`,
    );
    assert.deepEqual(Object.keys(paths).sort(), [...new Set(served)].sort());
    assert.ok(served.includes("api/v1") && served.includes("apis/events.k8s.io/v1"));
    assert.match(
      paths["apis/apps/v1"]?.serverRelativeURL ?? "",
      /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/,
    );
    assert.equal(documents.document("apis/gizmos/v1"), undefined);
  });

  it("tells what kubectl asks of a PATCH: kind, query parameters, strategic merge", () => {
    const { patch } = apps.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
    assert.deepEqual(patch["x-kubernetes-group-version-kind"], {
      group: "apps",
      version: "v1",
      kind: "Deployment",
    });
    const names = patch.parameters.map(({ name }: { name: string }) => name);
    for (const name of ["fieldValidation", "dryRun", "fieldManager", "force"])
      assert.ok(names.includes(name), name);
    assert.ok(patch.requestBody.content["application/strategic-merge-patch+json"]);
  });

  it("tells types, documentation and merge keys", () => {
    const { schemas } = apps.components;
    const spec = schemas["io.k8s.api.apps.v1.DeploymentSpec"];
    assert.deepEqual(spec.required, ["selector", "template"]);
    assert.match(spec.properties.replicas.description, /^Number of desired pods/);
    assert.equal(spec.properties.replicas.format, "int32");
    assert.equal(spec.properties.strategy["x-kubernetes-patch-strategy"], "retainKeys");
    const { containers } = schemas["io.k8s.api.core.v1.PodSpec"].properties;
    assert.equal(containers["x-kubernetes-patch-merge-key"], "name");
    assert.deepEqual(containers["x-kubernetes-list-map-keys"], ["name"]);
    assert.deepEqual(schemas["io.k8s.api.apps.v1.Deployment"]["x-kubernetes-group-version-kind"], [
      { group: "apps", kind: "Deployment", version: "v1" },
    ]);
  });

  it("refers to nothing that is not there", () => {
    for (const path of ["api/v1", "apis/apps/v1", "apis/batch/v1", "apis/events.k8s.io/v1"]) {
      const text = documents.document(path) ?? "";
      const { schemas } = JSON.parse(text).components;
      for (const match of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
        assert.ok(schemas[match[1] ?? ""], match[1]);
    }
    const v2 = documents.v2Json();
    const { definitions } = JSON.parse(v2);
    for (const match of v2.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
      assert.ok(definitions[match[1] ?? ""], match[1]);
  });

  it("writes version 2 in gnostic's form", () => {
    const named = message({ name: string(1), value: bytes(2) });
    const document = message({
      swagger: string(1),
      paths: nested(8, message({ path: repeated(nested(2, named)) })),
      definitions: nested(9, message({ all: repeated(nested(1, named)) })),
    }).decode(documents.v2Protobuf());
    const json = JSON.parse(documents.v2Json());
    assert.equal(document.swagger, "2.0");
    assert.deepEqual(
      document.paths?.path.map(({ name }) => name),
      Object.keys(json.paths),
    );
    assert.deepEqual(
      document.definitions?.all.map(({ name }) => name),
      Object.keys(json.definitions),
    );
  });
});

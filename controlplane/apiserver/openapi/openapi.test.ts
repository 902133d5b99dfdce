import assert from "node:assert/strict";
import { bytes, message, nested, repeated, string } from "../../../base/protobuf.ts";
import { KindRegistry } from "../registry/kind-registry.ts";
import { kinds } from "../resources/table.ts";
import { openApiDocuments } from "./documents.ts";

describe("openapi", () => {
  const documents = openApiDocuments(new KindRegistry(kinds), { issues: false });
  const apps = JSON.parse(documents.v3("apis/apps/v1")?.json() ?? "{}");

  it("lists a document for each group and version, named by its content", () => {
    const index = documents.index();
    const served = new KindRegistry(kinds).served.map(({ group, version }) =>
      group === "" ? `api/${version}` : `apis/${group}/${version}`,
    );
    const groups = served.map((path) => path.slice(0, path.lastIndexOf("/")));
    const wanted = new Set([...served, ...groups, "apis", "version"]);
    assert.deepEqual([...index.keys()].sort(), [...wanted].sort());
    assert.ok(served.includes("api/v1") && served.includes("apis/events.k8s.io/v1"));
    for (const etag of index.values()) assert.match(etag, /^[0-9A-F]{128}$/);
    assert.equal(new Set(index.values()).size, index.size);
    assert.equal(documents.v3("apis/gizmos/v1"), undefined);
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

  it("writes version 2 in gnostic's form", () => {
    const named = message({ name: string(1), value: bytes(2) });
    const document = message({
      swagger: string(1),
      paths: nested(8, message({ path: repeated(nested(2, named)) })),
      definitions: nested(9, message({ all: repeated(nested(1, named)) })),
    }).decode(documents.v2().protobuf());
    const json = JSON.parse(documents.v2().json());
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

  it("writes version 3 in gnostic's form, defaults that are zero or empty included", () => {
    const named = message({ name: string(1), value: bytes(2) });
    const wanted = documents.v3("apis/apps/v1");
    const document = message({
      openapi: string(1),
      paths: nested(4, message({ path: repeated(nested(1, named)) })),
      components: nested(5, message({ schemas: nested(1, message({ all: repeated(nested(1, named)) })) })),
    }).decode(wanted?.protobuf() ?? new Uint8Array());
    const json = JSON.parse(wanted?.json() ?? "{}");
    assert.equal(document.openapi, "3.0.0");
    assert.deepEqual(
      document.paths?.path.map(({ name }) => name),
      Object.keys(json.paths),
    );
    const all = document.components?.schemas?.all ?? [];
    assert.deepEqual(
      all.map(({ name }) => name),
      Object.keys(json.components.schemas),
    );
    const schema = message({
      properties: nested(31, message({ all: repeated(nested(1, named)) })),
      default: nested(33, message({ text: bytes(3) })),
    });
    const either = message({ schema: nested(1, schema), reference: nested(2, message({ to: string(1) })) });
    const of = (name: string) => all.find((one) => one.name === name)?.value ?? new Uint8Array();
    const fields = either.decode(of("io.k8s.api.apps.v1.DeploymentCondition")).schema?.properties?.all ?? [];
    const type = either.decode(fields.find(({ name }) => name === "type")?.value ?? new Uint8Array());
    assert.equal(type.schema?.default?.text.length, 0);
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { customKind } from "../customresources/custom-kind.ts";
import type { Definition } from "../customresources/definition.ts";
import { KindRegistry } from "../registry/kind-registry.ts";
import { kinds } from "../resources/table.ts";
import { openApiDocuments } from "./documents.ts";
import { digest, pathDigest } from "./testing-facts.ts";

type Parts = Readonly<Record<string, Record<string, unknown>>>;
interface Recorded {
  readonly info?: object;
  readonly paths: Readonly<Record<string, string>>;
  readonly definitions: Parts;
  readonly names?: string;
  readonly options?: string;
}

const file = (name: string) => readFileSync(join(import.meta.dirname, "testdata", name), "utf8");

/** The definitions as they are once their names are accepted. */
function definitions(): readonly Definition[] {
  return parseAllDocuments(file("custom-definitions.yaml")).map((document) => {
    const definition = document.toJS() as Definition;
    return { ...definition, status: { acceptedNames: definition.spec.names } };
  });
}

describe("openapi documents of custom kinds, compared with those of a kube-apiserver", () => {
  const recorded = JSON.parse(file("custom-documents.json")) as Readonly<Record<string, Recorded>>;
  const registry = new KindRegistry(kinds);
  const documents = openApiDocuments(registry, { issues: true });
  registry.replace(
    "custom",
    definitions().flatMap((one) => customKind(one) ?? []),
  );
  const ofCustom = <T>(parts: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(parts).filter(([name]) => name.includes("example")));
  const digests = (paths: Parts) =>
    Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, pathDigest(item)]));

  it("tell in v2 what v2 can say: no combinations, no nullable types, nothing within what is free", () => {
    const { paths, definitions: made } = JSON.parse(documents.v2().json());
    assert.deepEqual(ofCustom(made), recorded.v2?.definitions);
    assert.deepEqual(digests(ofCustom(paths)), recorded.v2?.paths);
  });

  for (const version of ["v1", "v2beta1"]) {
    it(`tell in v3 all that the schema says, with metadata and what embedded objects have: ${version}`, () => {
      const { info, paths, components } = JSON.parse(
        documents.v3(`apis/openapi.example.com/${version}`)?.json() ?? "{}",
      );
      const wanted = recorded[`v3 ${version}`];
      const options = components.schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"];
      assert.deepEqual(info, wanted?.info);
      assert.deepEqual(ofCustom(components.schemas), wanted?.definitions);
      assert.deepEqual(digests(paths), wanted?.paths);
      assert.equal(digest(Object.keys(components.schemas).sort()), wanted?.names);
      assert.equal(digest(options["x-kubernetes-group-version-kind"]), wanted?.options);
    });
  }

  it("leave out versions that are not served, and have no document of a custom group", () => {
    const paths = [...documents.index().keys()].filter((path) => path.includes("example"));
    assert.deepEqual(paths, ["apis/openapi.example.com/v1", "apis/openapi.example.com/v2beta1"]);
    assert.equal(documents.v3("apis/openapi.example.com/v3"), undefined);
  });

  it("refer to nothing that is not there", () => {
    const text = documents.v2().json();
    const { definitions: all, parameters } = JSON.parse(text);
    for (const [, section, name = ""] of text.matchAll(/"\$ref":"#\/(definitions|parameters)\/([^"]+)"/g))
      assert.ok((section === "parameters" ? parameters : all)[name], name);
    for (const path of documents.index().keys()) {
      const body = documents.v3(path)?.json() ?? "";
      const { schemas } = JSON.parse(body).components;
      for (const [, name = ""] of body.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
        assert.ok(schemas[name], `${path}: ${name}`);
    }
  });

  it("change their names when what they tell of changes, and only then", () => {
    const before = new Map(documents.index());
    const v2Before = documents.v2().etag;
    registry.replace(
      "custom",
      definitions().flatMap((one) => customKind(one) ?? []),
    );
    assert.deepEqual(new Map(documents.index()), before, "other values of the same content");
    const [gadgets, gismos] = definitions();
    assert.ok(gadgets && gismos);
    const [version] = gismos.spec.versions;
    assert.ok(version);
    version.schema = { openAPIV3Schema: { type: "object", properties: { data: { type: "integer" } } } };
    registry.replace(
      "custom",
      [gadgets, gismos].flatMap((one) => customKind(one) ?? []),
    );
    const changed = [...documents.index()].filter(([path, etag]) => before.get(path) !== etag);
    assert.deepEqual(
      changed.map(([path]) => path),
      ["apis/openapi.example.com/v1"],
    );
    assert.notEqual(documents.v2().etag, v2Before);
    assert.equal(
      JSON.parse(documents.v2().json()).definitions["com.example.openapi.v1.Gismo"].properties.data.type,
      "integer",
    );
    registry.replace(
      "custom",
      [gadgets].flatMap((one) => customKind(one) ?? []),
    );
    const { definitions: left } = JSON.parse(documents.v2().json());
    assert.deepEqual(Object.keys(ofCustom(left)), [
      "com.example.openapi.v1.Gadget",
      "com.example.openapi.v1.GadgetList",
      "com.example.openapi.v2beta1.Gadget",
      "com.example.openapi.v2beta1.GadgetList",
    ]);
  });

  it("are made of a changed definition alone: what was made of the others stays", () => {
    const made: object[] = [];
    const counting = definitions().flatMap((one) => customKind(one) ?? []);
    for (const kind of counting)
      for (const schema of [kind.schema, ...(kind.otherForms ?? []).map((form) => form.schema)]) {
        const told = schema?.openApi?.schema;
        if (told !== undefined)
          Object.defineProperty(schema?.openApi, "schema", {
            enumerable: true,
            get() {
              made.push(told);
              return told;
            },
          });
      }
    registry.replace("custom", counting);
    documents.v2().json();
    const afterFirst = made.length;
    assert.ok(afterFirst > 0);
    registry.replace("custom", [...counting].slice(0, 1));
    documents.v2().json();
    assert.equal(made.length, afterFirst);
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KindRegistry } from "../registry/kind-registry.ts";
import { kinds } from "../resources/table.ts";
import { openApiDocuments } from "./documents.ts";
import { digest, pathDigest, shapeDigest, textsDigest } from "./testing-facts.ts";

type Parts = Readonly<Record<string, Record<string, unknown>>>;

describe("openapi documents, compared with those of a kube-apiserver", () => {
  const documents = openApiDocuments(new KindRegistry(kinds), { issues: true });
  const v2 = JSON.parse(documents.v2().json()) as {
    paths: Parts;
    definitions: Parts;
    parameters: Parts;
  };
  const v3 = new Map(
    [...documents.index().keys()].map((path) => {
      const { paths, components } = JSON.parse(documents.v3(path)?.json() ?? "{}");
      return [path, { paths: paths as Parts, schemas: (components.schemas ?? {}) as Parts }] as const;
    }),
  );
  const rows = readFileSync(join(import.meta.dirname, "testdata/kubernetes-1.36-openapi.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" "));
  const recorded = (what: string) => rows.filter(([first]) => first === what).map(([, ...rest]) => rest);

  it("have the same paths, with the same operations, parameters, bodies, answers and texts", () => {
    const all = Object.assign({}, ...[...v3.values()].map(({ paths }) => paths)) as Parts;
    const names = recorded("path").map(([path = ""]) => path);
    const differing = recorded("path").flatMap(([path = "", inV2, inV3]) => [
      ...(pathDigest(v2.paths[path]) === inV2 ? [] : [`v2 ${path}`]),
      ...(pathDigest(all[path]) === inV3 ? [] : [`v3 ${path}`]),
    ]);
    assert.deepEqual(differing, []);
    assert.deepEqual(
      Object.keys(v2.paths).filter((path) => !names.includes(path)),
      [],
    );
    assert.deepEqual(
      Object.keys(all).filter((path) => !names.includes(path)),
      [],
    );
  });

  it("share the same parameters in v2, under the same names", () => {
    const names = recorded("parameter").map(([name]) => name);
    assert.deepEqual(Object.keys(v2.parameters).sort(), names);
  });

  it("are the same in number in v3, each with the definitions that its paths speak of", () => {
    const differing = recorded("document").filter(
      ([path = "", names]) => digest(Object.keys(v3.get(path)?.schemas ?? {}).sort()) !== names,
    );
    assert.deepEqual(
      differing.map(([path]) => path),
      [],
    );
    assert.deepEqual(
      [...v3.keys()].sort(),
      recorded("document")
        .map(([path]) => path)
        .sort(),
    );
  });

  it("say the same of every type: fields, formats, defaults, values, requirements, how lists and maps merge", () => {
    const all = definitionsOf(v3);
    const differing = recorded("definition").flatMap(([name = "", inV2, inV3]) => [
      ...(shapeDigest(v2.definitions[name]) === inV2 ? [] : [`v2 ${name}`]),
      ...(shapeDigest(all[name]) === inV3 ? [] : [`v3 ${name}`]),
    ]);
    assert.deepEqual(differing, []);
    const names = recorded("definition").map(([name = ""]) => name);
    assert.deepEqual(
      Object.keys(v2.definitions).filter((name) => !names.includes(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(all).filter((name) => !names.includes(name)),
      [],
    );
  });

  it("explain every type and its fields in the same words, line by line, but for those that have texts of our own", () => {
    const all = definitionsOf(v3);
    const differing = recorded("definition").flatMap(([name = "", , , texts]) =>
      textsDigest(all[name] ?? {}) === texts ? [] : [name],
    );
    assert.deepEqual(differing, [...ownTexts].sort());
  });

  function definitionsOf(all: typeof v3): Parts {
    const found: Record<string, Record<string, unknown>> = Object.assign(
      {},
      ...[...all.values()].map(({ schemas }) => schemas),
    );
    // Of these, each document names its own group and version beside v1.
    const apps = all.get("apis/apps/v1")?.schemas ?? {};
    for (const kind of ["DeleteOptions", "WatchEvent"]) {
      const name = `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;
      found[name] = apps[name] ?? {};
    }
    return found;
  }
});

/** Types of which the models of @kubernetes/client-node have no text: what they mean is told in our own words. */
const ownTexts: readonly string[] = [
  ...[
    "CustomResourceSubresourceStatus",
    "ExternalDocumentation",
    "JSON",
    "JSONSchemaProps",
    "JSONSchemaPropsOrArray",
    "JSONSchemaPropsOrBool",
    "JSONSchemaPropsOrStringArray",
  ].map((kind) => `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${kind}`),
  ...["FieldsV1", "MicroTime", "Patch", "Time", "WatchEvent"].map(
    (kind) => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`,
  ),
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
  "io.k8s.apimachinery.pkg.runtime.RawExtension",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  "io.k8s.apimachinery.pkg.version.Info",
];

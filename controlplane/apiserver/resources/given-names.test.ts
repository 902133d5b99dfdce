import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { customResourceDefinitions } from "./customresourcedefinitions.ts";
import { deviceClasses } from "./deviceclasses.ts";
import { limitRanges } from "./limitranges.ts";
import { namespaces } from "./namespaces.ts";
import { replicationControllers } from "./replicationcontrollers.ts";

const made = (kind: string, metadata: Partial<KubeObject["metadata"]>): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "", uid: "u-1", resourceVersion: "", creationTimestamp: "", ...metadata },
  spec: {},
});

const namesOf = (kind: Kind, metadata: Partial<KubeObject["metadata"]>) => {
  const object = made(kind.kind, { name: "Bad_abcde", generateName: "Bad_", ...metadata });
  kind.applyDefaults(object);
  const fields = kind.validate(object).map(({ field }) => field);
  return fields.filter((field) => field.startsWith("metadata."));
};

describe("names that a server gives", () => {
  it("are judged by what they begin with as well, but for two kinds", () => {
    assert.deepEqual(namesOf(limitRanges, { namespace: "n" }), ["metadata.generateName", "metadata.name"]);
    assert.deepEqual(namesOf(replicationControllers, { namespace: "n" }), ["metadata.name"]);
    assert.deepEqual(namesOf(deviceClasses, {}), ["metadata.name"]);
  });

  it("a definition is not named by what it defines where a part of its name is made up", () => {
    const definition = {
      ...made("CustomResourceDefinition", {
        name: "samples.example.com2bcdf",
        generateName: "samples.example.com",
      }),
      spec: { group: "example.com", names: { plural: "samples", kind: "Sample" }, versions: [] },
    };
    const problems = () =>
      customResourceDefinitions
        .validate(definition)
        .filter(({ field }) => field.startsWith("metadata."))
        .map(({ field, message }) => `${field}: ${message}`);
    const wrong = (name: string) => `Invalid value: "${name}": must be spec.names.plural+"."+spec.group`;
    assert.deepEqual(problems(), [`metadata.name: ${wrong("samples.example.com2bcdf")}`]);
    definition.metadata.generateName = "samples";
    assert.deepEqual(problems(), [
      `metadata.generateName: ${wrong("samples")}`,
      `metadata.name: ${wrong("samples.example.com2bcdf")}`,
    ]);
  });

  it("a limit range that has none gets a unique one", () => {
    const range = made("LimitRange", { namespace: "n" });
    limitRanges.prepareForCreate?.(range);
    assert.equal(range.metadata.name, "u-1");
    const named = made("LimitRange", { namespace: "n", name: "mine" });
    limitRanges.prepareForCreate?.(named);
    assert.equal(named.metadata.name, "mine");
  });

  it("a namespace is labelled with its name also where the server made that up", () => {
    const namespace = made("Namespace", { generateName: "n-" });
    namespaces.applyDefaults(namespace);
    assert.equal(namespace.metadata.labels, undefined);
    namespace.metadata.name = "n-abcde";
    namespaces.prepareForCreate?.(namespace);
    assert.deepEqual(namespace.metadata.labels, { "kubernetes.io/metadata.name": "n-abcde" });
  });
});

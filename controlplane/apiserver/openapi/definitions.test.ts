import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { schema, schemaDocs } from "../schema/load.ts";
import { definitions, v3 } from "./definitions.ts";
import { factsOf } from "./testing-facts.ts";

describe("openapi definitions", () => {
  const made = definitions(Object.keys(schema().types), v3, schemaDocs());
  const recorded = new Map(
    readFileSync(join(import.meta.dirname, "testdata/kubernetes-1.36-definitions.txt"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, string] => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
  );

  it("say of every type of every stable kind what Kubernetes says: fields, types, requirements, merge keys", () => {
    const differing = [...recorded].flatMap(([name, facts]) => {
      const definition = made[name];
      if (definition === undefined) return [`${name} is missing`];
      const ours = factsOf({ ...definition });
      return ours === facts || knownDifferences.has(name) ? [] : [`${name}: ${ours}, not ${facts}`];
    });
    assert.deepEqual(differing, []);
  });

  it("add only what Kubernetes knows without publishing it", () => {
    const added = Object.keys(made).filter((name) => !recorded.has(name));
    assert.deepEqual(
      added.map((name) => name.split(".").at(-1)),
      unpublished,
    );
  });
});

/** Why a definition differs. */
const knownDifferences: ReadonlyMap<string, string> = new Map([
  ["io.k8s.apimachinery.pkg.apis.meta.v1.APIResource", "its lists have no list type, which means atomic"],
  [
    "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec",
    "its bytes have a list type, which means nothing in JSON",
  ],
]);

/** What only answers of discovery carry, and what stands for any object. */
const unpublished: readonly string[] = [
  "APIGroup",
  "APIGroupList",
  "APIVersions",
  "GroupVersionForDiscovery",
  "PartialObjectMetadata",
  "PartialObjectMetadataList",
  "ServerAddressByClientCIDR",
];

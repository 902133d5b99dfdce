import assert from "node:assert/strict";
import { mergeSwagger, swaggerPart } from "./merge-swagger.ts";
import type { SwaggerDocument } from "./openapi-v2.ts";

const ref = (name: string) => ({ $ref: `#/definitions/${name}` });
const answer = (name: string) => ({ responses: { "200": { description: "OK", schema: ref(name) } } });
const gvk = (group: string, kind: string) => ({ group, version: "v1", kind });

const own: SwaggerDocument = {
  swagger: "2.0",
  info: { title: "Kubernetes", version: "1.36" },
  paths: { "/api/v1/pods": { get: answer("Pod") } },
  definitions: {
    Pod: { type: "object", properties: { metadata: ref("Meta") } },
    Meta: { type: "object", properties: { name: { type: "string" } } },
    Options: { type: "object", "x-kubernetes-group-version-kind": [gvk("", "Options")] },
  },
  parameters: { "pretty-A": { name: "pretty", in: "query" }, "limit-A": { name: "limit", in: "query" } },
  securityDefinitions: {},
  security: [],
};

const remote = {
  paths: {
    "/apis/wardle.example.com/v1/flunders": {
      get: answer("Flunder"),
      delete: { parameters: [{ name: "body", in: "body", schema: ref("Options") }], ...answer("Flunder") },
      parameters: [{ $ref: "#/parameters/pretty-A" }, { $ref: "#/parameters/limit-A" }],
    },
    "/apis/wardle.example.com/v1beta1/flunders": { get: answer("Old") },
    "/api/v1/pods": { get: answer("Old") },
  },
  definitions: {
    Flunder: { type: "object", properties: { metadata: ref("Meta"), list: { items: ref("Part") } } },
    Part: { type: "object" },
    Meta: { type: "object", properties: { name: { type: "string" }, size: { type: "integer" } } },
    Options: { type: "object", "x-kubernetes-group-version-kind": [gvk("wardle.example.com", "Options")] },
    Old: { type: "object" },
  },
  parameters: {
    "pretty-A": { name: "pretty", in: "query" },
    "limit-A": { name: "limit", in: "query", type: "integer" },
    "unused-A": { name: "unused", in: "query" },
  },
};

describe("v2 documents of several servers", () => {
  const part = swaggerPart(remote, "/apis/wardle.example.com/v1");

  it("take of another's only the paths of its group and version, and what these speak of", () => {
    assert.deepEqual(Object.keys(part?.paths ?? {}), ["/apis/wardle.example.com/v1/flunders"]);
    assert.deepEqual(Object.keys(part?.definitions ?? {}).sort(), ["Flunder", "Meta", "Options", "Part"]);
    assert.deepEqual(Object.keys(part?.parameters ?? {}).sort(), ["limit-A", "pretty-A"]);
    assert.equal(swaggerPart(remote, "/apis/other.example.com/v1"), undefined);
    assert.equal(swaggerPart({}, "/apis/wardle.example.com/v1"), undefined);
  });

  it("rename what means something else already, and refer to it by its new name", () => {
    assert.ok(part);
    const { definitions, parameters, paths } = mergeSwagger(own, [part]);
    assert.deepEqual(definitions.Meta, own.definitions.Meta);
    assert.deepEqual(definitions.Meta_v2, remote.definitions.Meta);
    assert.deepEqual(definitions.Flunder, {
      type: "object",
      properties: { metadata: ref("Meta_v2"), list: { items: ref("Part") } },
    });
    assert.deepEqual(parameters["limit-A_v2"], remote.parameters["limit-A"]);
    assert.deepEqual(paths["/apis/wardle.example.com/v1/flunders"]?.parameters, [
      { $ref: "#/parameters/pretty-A" },
      { $ref: "#/parameters/limit-A_v2" },
    ]);
    assert.deepEqual(paths["/api/v1/pods"], own.paths["/api/v1/pods"]);
  });

  it("keep one definition of what is the same, said to be the kinds of both", () => {
    assert.ok(part);
    const { definitions } = mergeSwagger(own, [part]);
    assert.equal(definitions.Options_v2, undefined);
    assert.deepEqual(definitions.Options, {
      type: "object",
      "x-kubernetes-group-version-kind": [gvk("", "Options"), gvk("wardle.example.com", "Options")],
    });
    const twice = mergeSwagger(own, [part, { ...part, paths: { "/apis/wardle.example.com/v2/x": {} } }]);
    assert.equal(Object.keys(twice.definitions).filter((name) => name.startsWith("Meta")).length, 2);
  });
});

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const ranges = "/apis/rules.example.com/v1/ranges";

function definition(rules: readonly object[]) {
  const spec = {
    type: "object",
    properties: {
      min: { type: "integer" },
      max: { type: "integer" },
      owner: {
        type: "string",
        "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
      },
      template: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
      },
    },
    "x-kubernetes-validations": rules,
  };
  const openAPIV3Schema = { type: "object", properties: { spec } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "ranges.rules.example.com" },
    spec: {
      group: "rules.example.com",
      scope: "Cluster",
      names: { plural: "ranges", kind: "Range" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}

const range = (spec: object) => ({
  apiVersion: "rules.example.com/v1",
  kind: "Range",
  metadata: { name: "one" },
  spec,
});

describe("the rules of custom resources, served", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  const call = async (method: string, path: string, body: object) => {
    const headers = { "content-type": "application/json" };
    const { code, text } = await server.admin.call(method, path, { body: JSON.stringify(body), headers });
    return { code, answer: JSON.parse(text) };
  };

  it("keep a definition out whose rules cannot be compiled", async () => {
    const { code, answer } = await call("POST", definitions, definition([{ rule: "self.low <= self.max" }]));
    strictEqual(code, 422);
    ok(
      answer.message.includes("compilation failed: ERROR: <input>:1:5: undefined field 'low'"),
      answer.message,
    );
  });

  it("refuse objects and changes that break them, and nothing that was wrong before", async () => {
    const made = await call("POST", definitions, definition([{ rule: "self.min <= self.max" }]));
    strictEqual(made.code, 201, made.answer.message);
    const refused = await call("POST", ranges, range({ min: 2, max: 1 }));
    strictEqual(refused.code, 422);
    deepStrictEqual(refused.answer.details.causes, [
      {
        reason: "FieldValueInvalid",
        message: "Invalid value: failed rule: self.min <= self.max",
        field: "spec",
      },
    ]);
    const template = { apiVersion: "v1", kind: "Pod", metadata: { name: "x", nothing: 1 } };
    const taken = await call(
      "POST",
      `${ranges}?fieldValidation=Ignore`,
      range({ min: 1, max: 2, owner: "me", template }),
    );
    strictEqual(taken.code, 201, taken.answer.message);
    deepStrictEqual(taken.answer.spec.template.metadata, { name: "x" });
    const stored = taken.answer;
    const changed = await call("PUT", `${ranges}/one`, { ...stored, spec: { ...stored.spec, owner: "you" } });
    strictEqual(changed.code, 422);
    deepStrictEqual(changed.answer.details.causes, [
      { reason: "FieldValueInvalid", message: 'Invalid value: "you": is immutable', field: "spec.owner" },
    ]);
  });
});

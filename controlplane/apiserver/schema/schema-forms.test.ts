import assert from "node:assert/strict";
import { checkFields, dropUnknownFields } from "./check-fields.ts";
import { normalizeObject } from "./normalize.ts";
import { decodeKubernetesProtobuf, encodeKubernetesProtobuf } from "./protobuf-envelope.ts";

const gvk = { group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition" };

const gizmos = (openAPIV3Schema: Record<string, unknown>) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  spec: { group: "x.io", versions: [{ name: "v1", schema: { openAPIV3Schema } }] },
});
const schemaIn = (object: unknown) =>
  (object as ReturnType<typeof gizmos>).spec.versions[0]?.schema.openAPIV3Schema;

describe("json schemas of custom resources", () => {
  const whole = {
    type: "object",
    default: { replicas: 0, name: "", on: false },
    properties: {
      any: { additionalProperties: true },
      none: { additionalProperties: false },
      map: { additionalProperties: { type: "string", default: "" } },
      list: { items: { type: "integer", default: 0, maximum: 1.5 } },
      pair: { items: [{ type: "string" }, { type: "number" }], additionalItems: false },
      choice: { enum: ["a", 1, null, false] },
      "x-y": { "x-kubernetes-preserve-unknown-fields": false, "x-kubernetes-int-or-string": true },
    },
    dependencies: { a: ["b", "c"], d: { type: "object" } },
  };

  it("are read and kept as they are, whichever form a field has", () => {
    const object = gizmos(structuredClone(whole));
    const report = checkFields(gvk, object);
    assert.deepEqual({ ...report }, { unknown: [], duplicate: [], typeErrors: [] });
    dropUnknownFields(gvk, object);
    normalizeObject(object);
    assert.deepEqual(schemaIn(object), whole);
  });

  it("travel in protobuf as messages of both forms", () => {
    const decoded = decodeKubernetesProtobuf(encodeKubernetesProtobuf(gizmos(whole)));
    assert.deepEqual(schemaIn(JSON.parse(JSON.stringify(decoded))), whole);
    // JSONSchemaPropsOrBool{allows: true} under number 30 of the message, as Kubernetes writes it.
    const bytes = Buffer.from(encodeKubernetesProtobuf(gizmos({ additionalProperties: true })));
    assert.ok(bytes.includes(Buffer.from("f201020801", "hex")), bytes.toString("hex"));
  });

  it("lose unknown fields below a field of two forms without a word, as in Kubernetes, and others with one", () => {
    const object = gizmos({
      colour: 1,
      items: { colour: 1, type: "string" },
      additionalProperties: { hue: 1 },
    });
    assert.deepEqual(checkFields(gvk, object).unknown, [
      'unknown field "spec.versions[0].schema.openAPIV3Schema.colour"',
    ]);
    dropUnknownFields(gvk, object);
    assert.deepEqual(schemaIn(object), { items: { type: "string" }, additionalProperties: {} });
  });

  it("are refused where a value is of neither form", () => {
    const errors = (schema: Record<string, unknown>) => checkFields(gvk, gizmos(schema)).typeErrors;
    assert.deepEqual(errors({ additionalProperties: "yes" }), ["boolean or JSON schema expected"]);
    assert.deepEqual(errors({ additionalProperties: { type: 1 } }), [
      "json: cannot unmarshal number into Go struct field JSONSchemaProps.type of type string",
    ]);
    assert.equal(errors({ items: 7 }).length, 1);
    assert.equal(errors({ dependencies: { a: [1] } }).length, 1);
  });
});

import assert from "node:assert/strict";
import { checkFields, dropUnknownFields } from "./check-fields.ts";
import { duplicatesInJson } from "./duplicate-fields.ts";
import { normalizeObject } from "./normalize.ts";

const gvk = { group: "apps", version: "v1", kind: "Deployment" };

describe("check fields", () => {
  const typeErrors = (spec: unknown) => checkFields(gvk, { spec }).typeErrors;

  it("finds unknown fields at any depth, in Kubernetes' words", () => {
    const object = { spec: { foo: 1, template: { spec: { containers: [{ name: "a", imagee: "x" }] } } } };
    assert.deepEqual(checkFields(gvk, object).unknown, [
      'unknown field "spec.foo"',
      'unknown field "spec.template.spec.containers[0].imagee"',
    ]);
    dropUnknownFields(gvk, object);
    assert.deepEqual(object, { spec: { template: { spec: { containers: [{ name: "a" }] } } } });
  });

  it("does not take inherited properties for fields", () => {
    assert.deepEqual(
      checkFields(gvk, { spec: JSON.parse('{"constructor": 1, "__proto__": {}}') }).unknown.length,
      2,
    );
  });

  it("tells wrong types", () => {
    assert.deepEqual(typeErrors({ replicas: "3" }), [
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ]);
    assert.equal(typeErrors({ replicas: 1.5 }).length, 1);
    assert.equal(typeErrors({ replicas: 2 ** 31 }).length, 1);
    assert.equal(typeErrors({ paused: "yes" }).length, 1);
    assert.equal(typeErrors({ template: [] }).length, 1);
    assert.equal(typeErrors({ template: { spec: { containers: {} } } }).length, 1);
    assert.equal(typeErrors({ selector: { matchLabels: { a: 1 } } }).length, 1);
    assert.equal(typeErrors("x").length, 1);
  });

  it("takes numbers and strings where either will do, and nulls anywhere", () => {
    const container = { name: "a", resources: { limits: { cpu: 1, memory: "1Gi" } } };
    const strategy = { rollingUpdate: { maxSurge: "25%", maxUnavailable: 1 } };
    assert.deepEqual(
      typeErrors({ strategy, replicas: null, template: { spec: { containers: [container] } } }),
      [],
    );
  });

  it("refuses amounts, times and bytes that do not parse", () => {
    const bad = { template: { spec: { containers: [{ resources: { limits: { cpu: "much" } } }] } } };
    assert.match(typeErrors(bad)[0] ?? "", /^quantities must match/);
    assert.equal(checkFields(gvk, { metadata: { creationTimestamp: "yesterday" } }).typeErrors.length, 1);
    const secret = { group: "", version: "v1", kind: "Secret" };
    assert.equal(checkFields(secret, { data: { a: "not base64!" } }).typeErrors.length, 1);
    assert.equal(checkFields(secret, { data: { a: "b2s=" } }).typeErrors.length, 0);
  });
});

describe("duplicate fields", () => {
  it("are found with their path", () => {
    const text = '{"a":1,"spec":{"x":[{"k":1},{"k":"}\\"{","k":2}],"y":1,"y":2},"b":{"a":1}}';
    assert.deepEqual(duplicatesInJson(text), ['duplicate field "spec.x[1].k"', 'duplicate field "spec.y"']);
  });
});

describe("normalize", () => {
  it("drops what is not set and writes amounts as text", () => {
    const object = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "a", uid: "", labels: {}, creationTimestamp: null },
      spec: {
        replicas: 0,
        paused: false,
        template: {
          metadata: { creationTimestamp: null },
          spec: {
            containers: [{ name: "a", image: "", args: [], resources: { limits: { cpu: 2 } } }],
            nodeName: "",
          },
        },
      },
    };
    normalizeObject(object);
    assert.deepEqual(object, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "a", uid: "" },
      spec: {
        replicas: 0,
        template: {
          metadata: {},
          spec: { containers: [{ name: "a", resources: { limits: { cpu: "2" } } }] },
        },
      },
    });
  });
});

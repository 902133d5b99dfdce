import assert from "node:assert/strict";
import fc from "fast-check";
import { rootType, schema } from "./load.ts";
import { newFields } from "./new-fields.ts";
import { sharedNewFields } from "./shared-fields.ts";
import { message } from "./testing/arbitrary-message.ts";

const resets = ["f:status"];

describe("the fields of new objects, shared by those of one shape", () => {
  it("are the same as those found for each object alone, for every kind", () => {
    for (const [name, model] of Object.entries(schema().kinds)) {
      const slash = name.lastIndexOf("/");
      const [apiVersion, kind] = [name.slice(0, slash).replace("*", "v1"), name.slice(slash + 1)];
      fc.assert(
        fc.property(fc.array(message(model, 3), { maxLength: 4 }), (all) => {
          for (const given of all) {
            const object = { ...given, apiVersion, kind };
            const type = rootType(object);
            const wanted = JSON.stringify(newFields(type, object, resets));
            assert.equal(JSON.stringify(sharedNewFields(type, object, resets)), wanted);
            assert.equal(
              JSON.stringify(sharedNewFields(type, object, [])),
              JSON.stringify(newFields(type, object, [])),
            );
          }
        }),
        { numRuns: 20 },
      );
    }
  });

  const pod = (name: string, spec: object, labels: object = { app: "web" }) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec,
  });
  const fieldsOf = (object: Readonly<Record<string, unknown>>) =>
    sharedNewFields(rootType(object), object, resets);

  it("are one tree, which nobody can change, where only values differ", () => {
    const a = fieldsOf(pod("a", { containers: [{ name: "web", image: "one:1" }], nodeName: "n1" }));
    const b = fieldsOf(pod("b", { containers: [{ name: "web", image: "two:2" }], nodeName: "n2" }));
    assert.equal(a, b);
    assert.ok(Object.isFrozen(b) && Object.isFrozen(b?.["f:spec"]?.["f:containers"]));
  });

  it("differ with names, with the keys of list elements, with what is null, and with names that look like several", () => {
    const objects = [
      pod("a", { containers: [{ name: "web" }] }),
      pod("a", { containers: [{ name: "db" }] }),
      pod("a", { containers: [{ name: "web" }, { name: "db" }] }),
      pod("a", { containers: [{ name: "web", ports: [{ containerPort: 80 }] }] }),
      pod("a", { containers: [{ name: "web", ports: [{ containerPort: 80, protocol: "UDP" }] }] }),
      pod("a", { containers: [{ name: "web", ports: [{ containerPort: 81 }] }] }),
      pod("a", { containers: [{ name: "web" }], nodeName: null }),
      pod("a", { containers: [{ name: "web" }], nodeName: "n" }),
      pod("a", { containers: [{ name: "web" }] }, { "app{": "x" }),
      pod("a", { containers: [{ name: "web" }] }, { app: "x", "1": "x" }),
      pod("a", { containers: [{ name: "web" }] }, { "app?x1 1": "x" }),
    ];
    for (const object of objects)
      assert.deepEqual(fieldsOf(object), newFields(rootType(object), object, resets));
  });
});

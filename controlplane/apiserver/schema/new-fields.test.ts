import assert from "node:assert/strict";
import fc from "fast-check";
import { compareObjects } from "./compare.ts";
import { minus, setToTree, union, unownedFields, without } from "./field-set.ts";
import { rootType, type SchemaType, schema } from "./load.ts";
import { newFields } from "./new-fields.ts";
import { message } from "./testing/arbitrary-message.ts";

type Json = Readonly<Record<string, unknown>>;

/** The slow twin: what differs from nothing, as sets of paths. */
function fieldsBySets(type: SchemaType, object: Json, resets: readonly string[]) {
  const { added, modified } = compareObjects(type, { metadata: {} }, object);
  const set = minus(without(union(added, modified), resets), unownedFields);
  return set.size === 0 ? undefined : setToTree(set);
}

describe("the fields of a new object", () => {
  it("are those that a comparison with nothing finds, in the same order, for every kind", () => {
    const resets = fc.subarray(["f:status", "f:spec", "f:metadata\0f:labels", "f:metadata\0f:uid", "f:data"]);
    for (const [name, model] of Object.entries(schema().kinds)) {
      const slash = name.lastIndexOf("/");
      const [apiVersion, kind] = [name.slice(0, slash).replace("*", "v1"), name.slice(slash + 1)];
      fc.assert(
        fc.property(message(model, 3), resets, (given, tops) => {
          const object = { ...given, apiVersion, kind };
          const type = rootType(object);
          assert.equal(
            JSON.stringify(newFields(type, object, tops)),
            JSON.stringify(fieldsBySets(type, object, tops)),
          );
        }),
        { numRuns: 10 },
      );
    }
  });

  it("are told apart in lists by their keys, twice the same ones together, and in sets by their values", () => {
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a", labels: { constructor: "b" }, finalizers: ["y", "x"] },
      spec: {
        containers: [
          { name: "b", image: "i", ports: [{ containerPort: 80 }, { containerPort: 9 }] },
          { name: "a", env: [{ name: "E" }, { name: "E" }] },
        ],
      },
    };
    const type = rootType(object);
    const found = newFields(type, object, []);
    assert.equal(JSON.stringify(found), JSON.stringify(fieldsBySets(type, object, [])));
    const name = { ".": {}, "f:name": {}, "f:resources": {} };
    assert.deepEqual(found, {
      "f:metadata": {
        "f:finalizers": { ".": {}, 'v:"x"': {}, 'v:"y"': {} },
        "f:labels": { ".": {}, "f:constructor": {} },
      },
      "f:spec": {
        "f:containers": {
          'k:{"name":"a"}': { ...name, "f:env": { ".": {}, 'k:{"name":"E"}': {} } },
          'k:{"name":"b"}': {
            ...name,
            "f:image": {},
            "f:ports": {
              ".": {},
              'k:{"containerPort":9,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
              'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} },
            },
          },
        },
      },
    });
  });

  it("are none where an object says nothing but what names it", () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", uid: "b" } };
    assert.equal(newFields(rootType(object), object, []), undefined);
  });
});

import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { serverSideApply } from "./apply.ts";
import { customType } from "./custom-type.ts";
import { changes, recordUpdate } from "./managed-update.ts";
import { typedErrors } from "./typed-errors.ts";

const spec = {
  type: "object",
  properties: {
    size: { type: "integer" },
    items: {
      type: "array",
      items: { type: "object", properties: { key: { type: "string" }, value: { type: "string" } } },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["key"],
    },
    set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    atomic: { type: "array", items: { type: "string" } },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    nullable: { type: "string", nullable: true },
    map: { type: "object", additionalProperties: { type: "integer" } },
  },
} as const;
const type = customType({ type: "object", properties: { spec } });
const now = "2026-01-01T00:00:00Z";
const widget = (of: object) =>
  ({
    apiVersion: "example.com/v1",
    kind: "Widget",
    metadata: { name: "w" },
    spec: of,
  }) as unknown as KubeObject;

describe("who owns what of a custom resource", () => {
  it("is told by its schema: keyed lists, sets, whole lists, free parts, maps and nulls", () => {
    const next = widget({
      items: [{ key: "a", value: "1" }],
      set: ["x"],
      atomic: ["p"],
      free: { a: { b: 1 } },
      nullable: null,
      map: { m: 0 },
    });
    recordUpdate(type, { current: undefined, next, manager: "me", subresource: "", resets: [], now });
    assert.deepEqual(JSON.parse(JSON.stringify(next.metadata.managedFields?.[0]?.fieldsV1)), {
      "f:spec": {
        ".": {},
        "f:items": { ".": {}, 'k:{"key":"a"}': { ".": {}, "f:key": {}, "f:value": {} } },
        "f:set": { ".": {}, 'v:"x"': {} },
        "f:atomic": {},
        "f:free": { ".": {}, "f:a": { ".": {}, "f:b": {} } },
        "f:nullable": {},
        "f:map": { ".": {}, "f:m": {} },
      },
    });
  });
  it("lets two managers apply elements of the same list", () => {
    const apply = (manager: string, of: object, current?: KubeObject) => {
      const patch = { ...widget(of) };
      return serverSideApply(type, {
        current,
        patch,
        manager,
        force: false,
        subresource: "",
        resets: [],
        now,
      });
    };
    const first = apply("a", { items: [{ key: "a" }], set: ["x"] });
    assert.ok(first.ok);
    const second = apply("b", { items: [{ key: "b" }], set: ["y"] }, first.object as unknown as KubeObject);
    assert.ok(second.ok);
    assert.deepEqual(second.object.spec, { items: [{ key: "a" }, { key: "b" }], set: ["x", "y"] });
  });
  it("refuses to apply what the schema does not know, but in free parts", () => {
    assert.equal(typedErrors(type, { ...widget({ odd: 1 }) }), ".spec.odd: field not declared in schema");
    assert.equal(typedErrors(type, { ...widget({ free: { odd: 1 } }) }), "");
  });
  it("is told in the fields of the version that each manager speaks", () => {
    const old = customType({
      type: "object",
      properties: { spec: { type: "object", properties: { length: {} } } },
    });
    const show = (object: KubeObject) => ({
      ...object,
      spec: { length: (object as unknown as { spec: { size: number } }).spec.size },
    });
    const forms = (apiVersion: string) => (apiVersion === "example.com/v0" ? { type: old, show } : undefined);
    const changeIn = changes(type, {
      current: widget({ size: 1 }),
      next: widget({ size: 2 }),
      resets: [],
      forms,
    });
    assert.deepEqual(changeIn("example.com/v1")?.given, { "f:spec": { "f:size": {} } });
    assert.deepEqual(changeIn("example.com/v0")?.given, { "f:spec": { "f:length": {} } });
  });
});

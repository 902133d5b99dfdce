import assert from "node:assert/strict";
import type { KubeObject } from "../api/object-feed.ts";
import { skeletonOf, suggestionsAt } from "../model/completions.ts";
import { type SchemaDocument, SchemaNode } from "../model/schema.ts";
import { inOrderOf } from "../model/yaml-text.ts";
import { changersOf, standingOf } from "./edit-state.ts";

const document: SchemaDocument = {
  components: {
    schemas: {
      Thing: {
        type: "object",
        "x-kubernetes-group-version-kind": [{ group: "x.io", version: "v1", kind: "Thing" }],
        properties: {
          kind: { type: "string" },
          spec: {
            type: "object",
            required: ["parts", "mode"],
            properties: {
              replicas: { type: "integer", description: "How many." },
              mode: { type: "string", enum: ["Fast", "Slow"], default: "Slow" },
              isOpen: { type: "boolean" },
              parts: {
                type: "array",
                items: {
                  type: "object",
                  required: ["name"],
                  properties: {
                    name: { type: "string" },
                    size: { type: "integer" },
                    more: { type: "object" },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};
const schema = SchemaNode.ofKind(document, { group: "x.io", version: "v1", kind: "Thing" }) as SchemaNode;

describe("the dashboard's suggestions", () => {
  const at = (text: string) =>
    suggestionsAt(text.replace("|", ""), text.indexOf("|"), schema)?.options.map(({ apply }) => apply);

  it("are the fields that are not there yet, those that must be first, each with how it goes on", () => {
    assert.deepEqual(at("spec:\n  isOpen: true\n  |"), ["mode: ", "parts:\n  - ", "replicas: "]);
    assert.deepEqual(at("spec:\n  parts:\n  - name: a\n    |"), ["more:\n      ", "size: "]);
    assert.deepEqual(at("spec:\n  parts:\n    |"), ["- name: ", "- more:\n        ", "- size: "]);
  });
  it("are the values where the schema lists them", () => {
    const found = suggestionsAt("spec:\n  mode: S", 15, schema);
    assert.deepEqual(
      [found?.from, found?.options.map(({ label, detail }) => `${label} ${detail}`)],
      [14, ["Fast ", "Slow default"]],
    );
    assert.deepEqual(at("spec:\n  isOpen: |"), ["true", "false"]);
    assert.equal(at("spec:\n  replicas: |"), undefined);
    assert.equal(at("spec:\n  other:\n    |"), undefined);
  });
  it("begin an object with what must be there", () => {
    assert.deepEqual(skeletonOf({ apiVersion: "x.io/v1", kind: "Thing", namespace: "n" }, schema), {
      apiVersion: "x.io/v1",
      kind: "Thing",
      metadata: { name: "", namespace: "n" },
      spec: { mode: "Slow", parts: [{ name: "" }] },
    });
    assert.deepEqual(skeletonOf({ apiVersion: "v1", kind: "A" }, undefined), {
      apiVersion: "v1",
      kind: "A",
      metadata: { name: "" },
    });
  });
});

describe("where an edit stands", () => {
  const object = (spec: object, metadata: object = {}, status: object = {}): KubeObject => ({
    apiVersion: "x.io/v1",
    kind: "Thing",
    metadata: { name: "a", uid: "u", resourceVersion: "1", ...metadata },
    spec: spec as Record<string, unknown>,
    status: status as Record<string, unknown>,
  });
  const base = object({ replicas: 1 });
  const given = { base, schema, scope: { hasStatusApart: true }, chosen: new Map(), isGone: false };
  const mine = { apiVersion: "x.io/v1", kind: "Thing", metadata: { name: "a" }, spec: { replicas: 2 } };

  it("is current while nothing that people write has changed", () => {
    const live = object({ replicas: 1 }, { resourceVersion: "9" }, { ready: 1 });
    assert.deepEqual(standingOf({ ...given, mine, live }), { is: "current" });
    assert.deepEqual(standingOf({ ...given, mine, live: undefined }), { is: "current" });
  });
  it("is behind what others changed, and can be merged once the text can be read", () => {
    const live = object({ replicas: 3, mode: "Fast" });
    const standing = standingOf({ ...given, mine, live });
    assert.ok(standing.is === "behind" && standing.merged);
    assert.deepEqual(
      standing.all.map(({ at }) => at),
      ["spec.replicas"],
    );
    const chosen = new Map([["spec.replicas", "theirs" as const]]);
    const after = standingOf({ ...given, mine, live, chosen });
    assert.ok(after.is === "behind" && after.merged?.collisions.length === 0 && after.all.length === 1);
    assert.deepEqual(after.merged.value, { ...mine, spec: { replicas: 3, mode: "Fast" } });
    const unread = standingOf({ ...given, mine: undefined, live });
    assert.ok(unread.is === "behind" && unread.merged === undefined);
  });
  it("says that the object is gone, or another by now", () => {
    assert.equal(standingOf({ ...given, mine, live: undefined, isGone: true }).is, "gone");
    assert.equal(standingOf({ ...given, mine, live: object({}, { uid: "other" }) }).is, "replaced");
  });
  it("names who changed it, and not who lost a field by that", () => {
    const entry = (manager: string, time: string, fields: string, subresource?: string) => ({
      manager,
      time,
      fieldsV1: { [fields]: {} },
      ...(subresource && { subresource }),
    });
    const before = object(
      {},
      { managedFields: [entry("first", "1", "f:a"), entry("kubelet", "1", "f:s", "status")] },
    );
    const after = object(
      {},
      {
        managedFields: [
          entry("first", "1", "f:b"),
          entry("kubectl", "2", "f:a"),
          entry("kubelet", "2", "f:t", "status"),
        ],
      },
    );
    assert.deepEqual(changersOf(before, after), ["kubectl"]);
    const within = object({}, { managedFields: [entry("first", "1", "f:c")] });
    assert.deepEqual(changersOf(before, within), ["first"]);
  });
});

describe("values for a comparison", () => {
  it("stand in the order of the other", () => {
    const ordered = inOrderOf({ b: [{ y: 1, x: 2 }], n: 0, a: 1 }, { a: 0, b: [{ x: 0, y: 0 }], gone: 1 });
    assert.equal(JSON.stringify(ordered), '{"a":1,"b":[{"x":2,"y":1}],"n":0}');
  });
});

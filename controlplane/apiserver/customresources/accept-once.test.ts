import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { JsonObject } from "../json.ts";
import { configMaps } from "../resources/configmaps.ts";
import { startTestApiserver } from "../testing.ts";
import { customKind } from "./custom-kind.ts";
import type { Definition } from "./definition.ts";

/** A value that counts how often somebody goes through its fields. */
function counted(value: object): { readonly value: object; readonly walks: () => number } {
  let walks = 0;
  const proxy = new Proxy(value, {
    ownKeys: (target) => {
      walks++;
      return Reflect.ownKeys(target);
    },
  });
  return { value: proxy, walks: () => walks };
}

const definition = (schema: object) =>
  ({
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "things", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
    status: { acceptedNames: { plural: "things", kind: "Thing" } },
  }) as unknown as Definition;

describe("a custom resource that comes from outside", () => {
  it("is gone through once to prune it, and told what is pruned", () => {
    const inner = { type: "object", properties: { known: { type: "string" } } };
    const kind = customKind(definition({ type: "object", properties: { spec: inner } }));
    const prunes = (seen: (object: JsonObject) => unknown) => {
      const spec = counted({ known: "a", other: 1 });
      const object: JsonObject = {
        apiVersion: "example.com/v1",
        kind: "Thing",
        metadata: { name: "a", nothing: 1 },
        spec: spec.value,
      };
      const result = seen(object);
      return { walks: spec.walks(), object, result };
    };
    const once = prunes((object) => kind?.schema?.normalize(object)).walks;
    const { walks, object, result } = prunes((one) => kind?.schema?.accept(one));
    strictEqual(once, 1);
    // Numbers that cannot be kept are looked for before.
    strictEqual(walks, once + 1);
    deepStrictEqual(result, {
      unknown: ['unknown field "metadata.nothing"', 'unknown field "spec.other"'],
      byPath: true,
      duplicate: [],
      typeErrors: [],
    });
    deepStrictEqual({ ...(object.spec as object) }, { known: "a" });
    deepStrictEqual(object.metadata, { name: "a" });
  });
});

describe("an object that is created", () => {
  it("gets its defaults once", async () => {
    const server = await startTestApiserver();
    const kind = configMaps as { applyDefaults: typeof configMaps.applyDefaults };
    const { applyDefaults } = kind;
    try {
      const names: string[] = [];
      kind.applyDefaults = (object) => {
        // What has a uid is made: it is brought into the form in which it will be read.
        if (!object.metadata.uid) names.push(object.metadata.name);
        applyDefaults(object);
      };
      const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
      const headers = { "content-type": "application/json" };
      const { code } = await server.admin.call("POST", "/api/v1/namespaces/default/configmaps", {
        headers,
        body,
      });
      strictEqual(code, 201);
      deepStrictEqual(
        names.filter((name) => name === "a"),
        ["a"],
      );
    } finally {
      kind.applyDefaults = applyDefaults;
      await server.stop();
    }
  });
});

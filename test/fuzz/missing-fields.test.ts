import assert from "node:assert/strict";
import { isStored } from "../../controlplane/apiserver/registry/kind-table.ts";
import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { good } from "../../controlplane/apiserver/resources/testing/good-objects.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { propertyMs } from "./runs.ts";

type Holder = Record<string, unknown>;

/** Objects of every kind with one thing missing or empty: taken or refused, but never more than the server can bear. */
describe("objects with one thing missing", function () {
  this.timeout(propertyMs);
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const kind of kinds.filter((one) => isStored(one) && one.hidesOwnForm !== true))
    it(`of ${kind.kind} are taken, or refused with what is wrong`, async () => {
      const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
      const object = { apiVersion, kind: kind.kind, metadata: { name: "x" }, ...good[kind.kind] };
      const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersion}`;
      const path = `${base}/${kind.namespaced ? "namespaces/default/" : ""}${kind.plural}?dryRun=All`;
      for (const place of placesOf(object))
        for (const change of [remove, empty]) {
          const body = structuredClone(object);
          change(body, place);
          const { code, text } = await server.admin.call("POST", path, { body });
          assert.ok(code < 500, `${change.name} ${place.join(".")}: ${code} ${text}`);
        }
    });
});

function placesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [[...path, name], ...placesOf(one, [...path, name])]);
}

function holderOf(object: unknown, place: readonly string[]): readonly [Holder, string] {
  const holder = place.slice(0, -1).reduce((at, name) => (at as Holder)[name], object);
  return [holder as Holder, place.at(-1) ?? ""];
}

function remove(object: unknown, place: readonly string[]): void {
  const [holder, name] = holderOf(object, place);
  if (Array.isArray(holder)) holder.splice(Number(name), 1);
  else delete holder[name];
}

function empty(object: unknown, place: readonly string[]): void {
  const [holder, name] = holderOf(object, place);
  const value = holder[name];
  if (Array.isArray(value)) holder[name] = [];
  else if (typeof value === "object") holder[name] = {};
  else holder[name] = typeof value === "string" ? "" : typeof value === "number" ? 0 : false;
}

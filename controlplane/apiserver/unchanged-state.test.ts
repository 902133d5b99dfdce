import assert from "node:assert/strict";
import type { Kind } from "./registry/kind.ts";
import { apiVersionOf, isStored } from "./registry/kind-table.ts";
import { kinds } from "./resources/table.ts";
import { good } from "./resources/testing/good-objects.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

type Json = Record<string, unknown>;

const patches: Readonly<Record<string, unknown>> = {
  "application/merge-patch+json": { metadata: { labels: { merge: "1" } } },
  "application/strategic-merge-patch+json": { metadata: { annotations: { strategic: "1" } } },
  "application/json-patch+json": [{ op: "add", path: "/metadata/labels", value: { json: "1" } }],
};

const tables = "application/json;as=Table;v=v1;g=meta.k8s.io";

/** What the tests' server holds is frozen (`testing.ts`), so that a write to it is an internal error. */
describe("what is stored", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver({ config: { disabledAdmission: ["ServiceAccount"] } });
  });
  after(() => server.stop());

  const tried = kinds.filter((kind) => isStored(kind) && kind.hidesOwnForm !== true && good[kind.kind]);
  for (const kind of tried)
    it(`${kind.kind}: is never written to, in whatever way objects are changed and shown`, async () => {
      const { collection, place, one, object } = addressed(kind);
      const answers: string[] = [];
      const ask = async (method: string, path: string, options: object = {}) => {
        const { code, body } = await server.admin.call(method, path, options);
        answers.push(`${code} ${method} ${path} ${code >= 500 ? JSON.stringify(body) : ""}`);
        return body;
      };
      // From the list on, writes start from what the cache holds, which is what the last write left.
      await ask("GET", collection);
      await ask("POST", collection, { body: object });
      for (const round of ["1", "2"]) {
        for (const at of [one, ...subresourcesOf(kind).map((name) => `${one}/${name}`)]) {
          const current = await ask("GET", at);
          const metadata = { ...current.metadata, annotations: { round, at } };
          await ask("PUT", at, { body: { ...object, ...current, metadata } });
          for (const [type, body] of Object.entries(patches)) await ask("PATCH", at, { type, body });
          const type = "application/apply-patch+yaml";
          const wanted = { ...object, metadata: { ...(object.metadata as Json), annotations: { round } } };
          await ask("PATCH", `${at}?fieldManager=a&force=true`, { type, body: wanted });
        }
        for (const form of kind.otherForms ?? []) await ask("GET", `${basePath(form)}/${place}`);
        await ask("GET", one, { accept: tables });
        await ask("GET", collection, { accept: tables });
        await ask("GET", one, { accept: "application/vnd.kubernetes.protobuf" });
      }
      await ask("DELETE", one);
      assert.deepEqual(
        answers.filter((answer) => answer.startsWith("5")),
        [],
      );
      assert.ok(answers.includes(`201 POST ${collection} `), answers[1]);
      assert.ok(answers.includes(`200 PUT ${one} `), answers.join("\n"));
    });
});

const basePath = ({ group, version }: { readonly group: string; readonly version: string }) =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

function addressed(kind: Kind) {
  const fields = structuredClone(good[kind.kind] ?? {}) as Json;
  const metadata = { name: "unchanged", ...(fields.metadata as Json | undefined) };
  const within = `${kind.namespaced ? "namespaces/default/" : ""}${kind.plural}`;
  const place = `${within}/${metadata.name}`;
  const object: Json = {
    ...fields,
    apiVersion: apiVersionOf(kind.group, kind.version),
    kind: kind.kind,
    metadata,
  };
  return { collection: `${basePath(kind)}/${within}`, place, one: `${basePath(kind)}/${place}`, object };
}

const subresourcesOf = ({ subresources: { status, scale, parts } }: Kind) => [
  ...(status ? ["status"] : []),
  ...(scale ? ["scale"] : []),
  ...Object.keys(parts ?? {}),
];

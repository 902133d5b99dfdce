import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { configMap, configMaps } from "../../controlplane/apiserver/testing-objects.ts";

const entry = (fieldsV1: string) =>
  `{"metadata":{"managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":${fieldsV1}}]}}`;
const merge = "merge-patch+json";
const json = "json-patch+json";

/** Names that every object inherits, in whatever part of a request they stand: names like any other. An object's prototype is
 *  everybody's: what one request wrote there, all others of the server would read. */
describe("names that objects inherit", () => {
  let server: TestApiserver;
  const inherited = Object.getOwnPropertyNames(Object.prototype);
  before(async () => {
    server = await startTestApiserver();
    await server.admin.call("POST", configMaps, { body: configMap("named", { a: "b" }) });
  });
  after(() => server.stop());
  afterEach(() => {
    const added = Object.getOwnPropertyNames(Object.prototype).filter((name) => !inherited.includes(name));
    for (const name of added) Reflect.deleteProperty(Object.prototype, name);
  });

  const patches: readonly (readonly [what: string, type: string, body: string])[] = [
    ["a set of fields", merge, entry('{"f:data":{"__proto__":{"zz":{"f:a":{}}}}}')],
    ["a whole set of fields", merge, entry('{"__proto__":{"zz":{}}}')],
    ["a constructor in a set of fields", merge, entry('{"constructor":{"prototype":{"zz":{}}}}')],
    [
      "operations of a JSON patch, whose result is then no ConfigMap",
      json,
      '[{"op":"add","path":"/__proto__","value":{"zz":{}}},{"op":"add","path":"/__proto__/zz/y","value":1},{"op":"add","path":"/data","value":1}]',
    ],
    [
      "a constructor in operations",
      json,
      '[{"op":"add","path":"/constructor","value":{"prototype":{"zz":{}}}},{"op":"add","path":"/constructor/prototype/zz/y","value":1},{"op":"add","path":"/data","value":1}]',
    ],
    ["a merge patch", merge, '{"__proto__":{"zz":1},"metadata":{"__proto__":{"zz":1}}}'],
    ["a strategic patch", "strategic-merge-patch+json", '{"metadata":{"labels":{"__proto__":{"zz":1}}}}'],
  ];
  for (const [what, type, body] of patches)
    it(`change no other object's: ${what}`, async () => {
      await server.admin.call("PATCH", `${configMaps}/named?dryRun=All`, {
        body,
        type: `application/${type}`,
      });
      assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), inherited);
      assert.equal((await server.admin.call("GET", "/livez")).text, "ok");
    });

  for (const [type, body] of [
    [merge, '{"data":{"__proto__":"x","constructor":"y"}}'],
    ["strategic-merge-patch+json", '{"data":{"__proto__":"x","constructor":"y"}}'],
    [
      "apply-patch+yaml",
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"named"},"data":{"__proto__":"x","constructor":"y"}}',
    ],
    [
      json,
      '[{"op":"add","path":"/data/__proto__","value":"x"},{"op":"add","path":"/data/constructor","value":"y"}]',
    ],
  ] as const)
    it(`are keys like any other in application/${type}`, async () => {
      const options = type.startsWith("apply") ? "&fieldManager=m" : "";
      const {
        code,
        body: patched,
        text,
      } = await server.admin.call("PATCH", `${configMaps}/named?dryRun=All${options}`, {
        body,
        type: `application/${type}`,
      });
      assert.equal(code, 200, text);
      const { a: _, ...data } = patched.data;
      assert.deepEqual(Object.entries(data).sort(), [
        ["__proto__", "x"],
        ["constructor", "y"],
      ]);
    });

  it("are no values of JavaScript's where a request names what is not there", async () => {
    const about = (path: string) => server.admin.call("GET", path);
    for (const name of ["constructor", "toString", "__proto__"]) {
      assert.equal((await about(`/api/v1/componentstatuses/${name}`)).code, 404, name);
      const part = "/api/v1/namespaces/default/pods/p";
      assert.equal((await about(`${part}/${name}`)).code, 404, name);
      const body = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } };
      assert.equal((await server.admin.call("PUT", `${part}/${name}`, { body })).code, 404, name);
      const labelled = await about(`${configMaps}?labelSelector=${name}`);
      if (name === "__proto__") assert.equal(labelled.code, 400);
      else assert.deepEqual(labelled.body.items, [], name);
    }
  });

  it("are types of secrets and keys of what is said in plain text", async () => {
    const body = `{"metadata":{"name":"s"},"type":"constructor","stringData":{"__proto__":"x","constructor":"y"}}`;
    const path = "/api/v1/namespaces/default/secrets?dryRun=All";
    const { code, body: made, text } = await server.admin.call("POST", path, { body });
    assert.equal(code, 201, text);
    assert.deepEqual(Object.entries(made.data), [
      ["__proto__", "eA=="],
      ["constructor", "eQ=="],
    ]);
  });
});

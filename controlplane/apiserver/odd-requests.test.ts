import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

const notAllowed = "the server does not allow this method on the requested resource";
const badName = (name: string, why: string) => `Name parameter invalid: "${name}": ${why}`;

const oddities = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "oddities.example.com" },
  spec: {
    group: "example.com",
    names: { plural: "oddities", singular: "oddity", kind: "Oddity", listKind: "OddityList" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object" } },
      },
    ],
  },
};

/** The wanted answers were recorded from a kube-apiserver of 1.36. */
describe("requests with methods and names that nobody means", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
  });
  after(() => api.stop());
  const ask = async (method: string, path: string, options = {}) => {
    const { code, body, text } = await api.admin.call(method, path, options);
    return [code, body?.message ?? text];
  };
  const ns = "/api/v1/namespaces/default";

  for (const path of [
    configMaps,
    `${configMaps}/a`,
    ns,
    `${ns}/status`,
    "/api/v1/pods",
    `${ns}/pods/a/eviction`,
    `${ns}/pods/a/log`,
    `${ns}/bindings`,
    "/apis/authentication.k8s.io/v1/tokenreviews",
  ])
    it(`refuse OPTIONS and TRACE at ${path} with 405`, async () => {
      assert.deepEqual(await ask("OPTIONS", path), [405, notAllowed]);
      assert.deepEqual(await ask("TRACE", path), [405, notAllowed]);
    });

  it("tell in plain text that a path says a verb and nothing else, whoever asks", async () => {
    const { code, text, headers } = await api.stranger.call("GET", "/api/v1/watch?a=<b>");
    const url = "/api/v1/watch?a=&lt;b&gt;";
    const why = "failed to create RequestInfo: unable to determine kind and namespace from url";
    assert.deepEqual([code, text], [500, `Internal Server Error: "${url}": ${why}, ${url}\n`]);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  });

  it("find no resource where there is none, and no binding by GET", async () => {
    const absent = "the server could not find the requested resource";
    assert.deepEqual(await ask("OPTIONS", `${ns}/nosuch`), [404, absent]);
    assert.deepEqual(await ask("OPTIONS", `${ns}/pods/a/nosuch`), [404, absent]);
    assert.deepEqual(await ask("GET", `${ns}/bindings`), [405, notAllowed]);
    assert.deepEqual(await ask("POST", "/api/v1/bindings"), [404, absent]);
    assert.deepEqual(await ask("OPTIONS", `${ns}/services/a/proxy/`), [404, 'services "a" not found']);
  });

  it("find nothing below a subresource, and are refused there to who may not see it", async () => {
    const absent = "the server could not find the requested resource";
    const headers = { "impersonate-user": "bob" };
    assert.deepEqual(await ask("GET", `${ns}/pods/a/log/extra`), [404, absent]);
    assert.deepEqual(await ask("GET", `${configMaps}/a/b/c/d`), [404, absent]);
    assert.deepEqual(await ask("GET", `${ns}/pods/a/log/extra`, { headers }), [
      403,
      'pods "a" is forbidden: User "bob" cannot get resource "pods/log" in API group "" in the namespace "default"',
    ]);
  });

  it("are let by access rules for all verbs only", async () => {
    const headers = { "impersonate-user": "bob" };
    assert.deepEqual(await ask("OPTIONS", configMaps, { headers }), [
      403,
      'configmaps is forbidden: User "bob" cannot  resource "configmaps" in API group "" in the namespace "default"',
    ]);
  });

  it("are told by whoever serves custom resources what is not supported there", async () => {
    const made = await api.admin.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      body: oddities,
    });
    assert.equal(made.code, 201, made.text);
    const path = "/apis/example.com/v1/namespaces/default/oddities";
    while ((await api.admin.call("GET", path)).code !== 200) await new Promise(setImmediate);
    const kind = '"oddities.example.com"';
    for (const at of [path, `${path}/a`, `${path}/a/status`])
      assert.deepEqual(await ask("OPTIONS", at), [405, ` is not supported on resources of kind ${kind}`], at);
    assert.deepEqual(await ask("DELETE", `${path}/a/status`), [
      405,
      `delete is not supported on resources of kind ${kind}`,
    ]);
    assert.deepEqual(await ask("PUT", path), [400, "name must be provided"]);
    assert.deepEqual(await ask("GET", `${path}/..`), [400, badName("..", "may not be '..'")]);
  });

  for (const [name, shown, why] of [
    ["..", "..", "may not be '..'"],
    [".", ".", "may not be '.'"],
    ["%2e%2e", "..", "may not be '..'"],
    ["a%25b", "a%b", "may not contain '%'"],
  ] as const)
    it(`refuse ${name} as the name of an object, whatever is to be done with it`, async () => {
      const wanted = [400, badName(shown, why)];
      const path = `${configMaps}/${name}`;
      assert.deepEqual(await ask("GET", path), wanted);
      assert.deepEqual(await ask("GET", `${path}?watch=1`), wanted);
      assert.deepEqual(await ask("DELETE", path), wanted);
      assert.deepEqual(await ask("PUT", path, { body: configMap(shown) }), wanted);
      const merge = { body: {}, type: "application/merge-patch+json" };
      assert.deepEqual(await ask("PATCH", path, merge), wanted);
      assert.deepEqual(await ask("GET", `/api/v1/nodes/${name}`), wanted);
      assert.deepEqual(await ask("GET", `/api/v1/namespaces/${name}`), wanted);
      assert.deepEqual(await ask("GET", `${ns}/pods/${name}/log`), wanted);
      assert.deepEqual(
        await ask("GET", `/apis/apps/v1/namespaces/default/deployments/${name}/scale`),
        wanted,
      );
    });

  it("refuse a namespace that would lead elsewhere in the store", async () => {
    assert.deepEqual(await ask("GET", "/api/v1/namespaces/../configmaps"), [
      500,
      'invalid key: "/configmaps/.."',
    ]);
    assert.deepEqual(await ask("GET", "/api/v1/namespaces/./configmaps/x"), [
      500,
      'invalid key: "/configmaps/./x"',
    ]);
  });

  it("take an escaped slash for one that divides", async () => {
    const [code] = await ask("GET", `${configMaps}/a%2Fb`);
    assert.equal(code, 404);
    assert.equal((await ask("GET", `${configMaps}//`))[0], 200);
  });
});

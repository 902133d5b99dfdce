import assert from "node:assert/strict";
import { decodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const lost = "404 page not found\n";
const absent = "the server could not find the requested resource";
const noMethod = "the server does not allow this method on the requested resource";
const onlyJson = "406: Not Acceptable\n\nAvailable representations: application/json";
const three = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const forms = `406: Not Acceptable\n\nAvailable representations: ${three}`;
const accepted = `only the following media types are accepted: ${three}`;
const pages = "only the following media types are accepted: application/json, application/yaml, text/plain";

/** What a kube-apiserver of 1.36 answered: the code, and the text or the Status' message; nothing: whatever body there is. */
const answers: readonly (readonly [
  method: string,
  path: string,
  accept: string,
  code: number,
  said?: string,
])[] = [
  ["GET", "/version", "*/*", 200],
  ["GET", "/version/", "*/*", 200],
  ["GET", "/version", "application/json;v=2", 200],
  ["GET", "/version", "text/html, */*", 200],
  ["GET", "/version", "application/vnd.kubernetes.protobuf, application/json", 200],
  ["GET", "/version", "text/plain", 406, onlyJson],
  ["GET", "/version/x", "*/*", 404, absent],
  ["POST", "/version", "*/*", 405, noMethod],
  ["HEAD", "/version", "*/*", 405],
  ["POST", "/healthz", "*/*", 200, "ok"],
  ["HEAD", "/livez", "*/*", 200],
  ["GET", "/healthz", "foo/bar", 200, "ok"],
  ["GET", "/healthz/", "*/*", 404, lost],
  ["GET", "/livez/ping/", "*/*", 404, lost],
  ["GET", "/livez/shutdown", "*/*", 404, lost],
  ["GET", "/readyz/shutdown", "*/*", 200, "ok"],
  ["POST", "/metrics", "*/*", 200],
  ["GET", "/metrics", "foo/bar", 200],
  ["GET", "/metrics/", "*/*", 404, lost],
  ["GET", "/metrics/slis", "*/*", 200],
  ["GET", "/metrics/resources", "*/*", 404, lost],
  ["GET", "/logs", "*/*", 404, lost],
  ["GET", "/debug", "*/*", 404, lost],
  ["GET", "/swagger.json", "*/*", 404, lost],
  ["GET", "/configz", "*/*", 404, lost],
  ["POST", "/openapi/v2", "*/*", 200],
  ["GET", "/openapi/v2/", "*/*", 404, lost],
  ["GET", "/openapi/v3/", "*/*", 404, ""],
  ["GET", "/openapi/v1", "*/*", 404, lost],
  ["GET", "/openapi", "*/*", 404, lost],
  ["GET", "/", "application/yaml", 200],
  ["POST", "/", "*/*", 200],
  ["GET", "/index.html", "*/*", 200],
  ["POST", "/apis", "*/*", 200],
  ["DELETE", "/apis/apps", "*/*", 200],
  ["HEAD", "/apis", "*/*", 200],
  ["POST", "/apis/apps/v1", "*/*", 405, noMethod],
  ["POST", "/api", "*/*", 405, noMethod],
  ["HEAD", "/api/v1", "*/*", 405],
  ["GET", "/api/", "*/*", 200],
  ["GET", "/api/v2", "*/*", 404, absent],
  ["GET", "/apis/apps/v9", "*/*", 404, absent],
  ["GET", "/apis/nope", "*/*", 404, lost],
  ["GET", "/api", "foo/bar", 406, forms],
  ["GET", "/apis/apps/v1", "text/html", 406, forms],
  ["GET", "/apis", "foo/bar", 406, accepted],
  ["GET", "/apis/apps", "text/html", 406, accepted],
  ["GET", "/apis", "application/json;v=2", 406, accepted],
  ["GET", "/statusz", "application/json", 406, pages],
  ["GET", "/flagz", "text/html", 406, pages],
  ["GET", "/statusz/", "*/*", 404, lost],
  ["POST", "/statusz", "*/*", 200],
  ["HEAD", "/flagz", "*/*", 200],
];

describe("paths beside the API", () => {
  let server: TestApiserver;
  const get = (path: string, accept = "*/*", headers: Readonly<Record<string, string>> = {}) =>
    server.admin.call("GET", path, { accept, headers });
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const [method, path, accept, code, said] of answers)
    it(`answer ${method} ${path} for ${accept} with ${code}, as a kube-apiserver does`, async () => {
      const answer = await server.admin.call(method, path, { accept });
      assert.equal(answer.code, code);
      if (said !== undefined) assert.equal(answer.body?.message ?? answer.text, said);
    });

  it("refuse in the form that the client reads, laid out for who reads none", async () => {
    assert.match(
      (await get("/version", "application/yaml")).text,
      /^apiVersion: v1\ncode: 406\ndetails: \{\}\n/,
    );
    const { bytes } = await get("/version", "application/vnd.kubernetes.protobuf");
    assert.equal(decodeKubernetesProtobuf(bytes).code, 406);
    assert.match((await get("/version", "text/html")).text, /^\{\n {2}"kind": "Status",\n/);
  });

  it("lay version and the list of paths out for people, whoever asks", async () => {
    for (const path of ["/version", "/"]) {
      const { text, body } = await get(path);
      assert.equal(text, JSON.stringify(body, null, 2));
    }
  });

  it("list what there is, each of which answers", async () => {
    const { paths } = (await get("/")).body;
    assert.deepEqual(paths, [...paths].sort());
    for (const path of [
      "/api/v1",
      "/apis/apps/v1",
      "/livez/etcd",
      "/readyz/shutdown",
      "/metrics/slis",
      "/flagz",
    ])
      assert.ok(paths.includes(path), path);
    for (const path of paths) if (!path.endsWith("/")) assert.equal((await get(path)).code, 200, path);
  });

  it("tell how each health check went under /metrics/slis", async () => {
    const { text: before } = await get("/metrics/slis");
    const count = (text: string) =>
      Number(
        /^kubernetes_healthchecks_total\{name="etcd",type="livez",status="success"\} (\d+)$/m.exec(
          text,
        )?.[1] ?? 0,
      );
    await get("/livez");
    const { text, headers } = await get("/metrics/slis");
    assert.equal(count(text), count(before) + 1);
    assert.match(text, /^kubernetes_healthcheck\{name="etcd",type="livez"\} 1$/m);
    assert.match(String(headers["process-start-time-unix"]), /^\d+$/);
  });

  it("begin counting anew when the metrics are deleted", async () => {
    const ping = /^apiserver_request_total\{.*subresource="\/livez".*\} (\d+)$/m;
    await get("/livez");
    await get("/livez");
    assert.ok(Number(ping.exec((await get("/metrics")).text)?.[1]) >= 2);
    const { code, text } = await server.admin.call("DELETE", "/metrics");
    assert.deepEqual([code, text], [200, "metrics reset\n"]);
    assert.equal(Number(ping.exec((await get("/metrics")).text)?.[1]), 0);
  });

  it("have a page for people of what runs, and of how it was started", async () => {
    const status = await get("/statusz");
    assert.equal(status.headers["content-type"], "text/plain; charset=utf-8");
    assert.match(
      status.text,
      /^\napiserver statusz\nWarning: This endpoint is not meant to be machine parseable, /,
    );
    assert.match(
      status.text,
      /\n\nStarted: \w{3} \w{3} [ \d]\d [\d:]{8} UTC \d{4}\nUp: 0 hr 0\d min \d\d sec\n/,
    );
    assert.match(
      status.text,
      /\nBinary version: 1\.36\nEmulation version: 1\.36\nPaths: \/flagz .*\/version\n$/,
    );
    assert.match((await get("/flagz", "text/*")).text, /^\napiserver flagz\nWarning: /);
  });

  it("give the same pages as objects to who names their form", async () => {
    for (const [version, format] of [
      ["v1alpha1", "json"],
      ["v1beta1", "json"],
      ["v1beta1", "yaml"],
    ] as const) {
      const form = `application/${format};g=config.k8s.io;v=${version};as=Statusz`;
      const { code, headers, text, body } = await get("/statusz", form);
      assert.deepEqual([code, headers["content-type"]], [200, form]);
      const old = '299 - "This version of the statusz endpoint is deprecated. Please use a newer version."';
      assert.equal(headers.warning, version === "v1alpha1" ? old : undefined);
      if (format === "yaml")
        assert.match(text, /^apiVersion: config.k8s.io\/v1beta1\nbinaryVersion: "1.36"\n/);
      else
        assert.deepEqual(
          [body.kind, body.metadata, body.binaryVersion],
          ["Statusz", { name: "apiserver" }, "1.36"],
        );
    }
  });

  it("show pages to those who may see them, and to nobody else", async () => {
    const monitor = await server.clientFor("watcher", ["system:monitoring"]);
    const nobody = await server.clientFor("nobody");
    for (const path of ["/statusz", "/flagz", "/metrics", "/metrics/slis"]) {
      assert.equal((await monitor.call("GET", path, { accept: "*/*" })).code, 200, path);
      assert.equal((await nobody.call("GET", path, { accept: "*/*" })).code, 403, path);
    }
  });
});

describe("aggregated discovery", () => {
  let server: TestApiserver;
  const type = (form: string, version = "v2") =>
    `application/${form};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const get = (accept: string, headers: Readonly<Record<string, string>> = {}) =>
    server.admin.call("GET", "/apis", { accept, headers });
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  it("comes in JSON, YAML and protobuf, under one name of its content", async () => {
    const json = await get(type("json"));
    assert.equal(json.headers["content-type"], type("json"));
    assert.equal(json.headers["cache-control"], "public");
    assert.match(String(json.headers.etag), /^"[0-9A-F]{128}"$/);
    for (const form of ["yaml", "vnd.kubernetes.protobuf"]) {
      const { code, headers } = await get(type(form));
      assert.deepEqual([code, headers["content-type"], headers.etag], [200, type(form), json.headers.etag]);
    }
  });

  it("has in protobuf every group that there is in JSON", async () => {
    const { body } = await get(type("json"));
    const { bytes } = await get(type("vnd.kubernetes.protobuf"));
    const text = bytes.toString("latin1");
    assert.ok(text.startsWith("k8s\0\n/\n\x16apidiscovery.k8s.io/v2\x12\x15APIGroupDiscoveryList\x12"));
    for (const { metadata } of body.items)
      assert.ok(text.includes(`\x12\0\x1a\0`) && text.includes(metadata.name));
  });

  it("is not sent again to who has it, by exactly its name", async () => {
    const { etag } = (await get(type("json"))).headers;
    for (const form of ["json", "vnd.kubernetes.protobuf"]) {
      const { code, text, headers } = await get(type(form), { "if-none-match": String(etag) });
      assert.deepEqual([code, text, headers.etag], [304, "", etag]);
    }
    for (const known of [`W/${etag}`, `"x", ${etag}`, "*"])
      assert.equal((await get(type("json"), { "if-none-match": known })).code, 200);
    assert.equal((await get("application/json", { "if-none-match": String(etag) })).code, 200);
  });

  it("is for who names it, whatever else that client takes; other versions of it are not there", async () => {
    for (const accept of [`application/json,${type("json")}`, `${type("json")};q=0.5,application/json`])
      assert.equal((await get(accept)).body.kind, "APIGroupDiscoveryList");
    for (const version of ["v2beta1", "v3"]) {
      assert.equal((await get(type("json", version))).code, 406);
      assert.equal((await get(`${type("json", version)},application/json`)).body.kind, "APIGroupList");
    }
  });
});

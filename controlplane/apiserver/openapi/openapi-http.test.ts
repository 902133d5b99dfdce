import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

describe("openapi over HTTP", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());
  const get = (path: string, options = {}) => server.admin.call("GET", path, options);

  for (const [path, form] of [
    ["/openapi/v2", "v2"],
    ["/openapi/v3/apis/apps/v1", "v3"],
  ] as const) {
    it(`sends ${path} under the name of its content, and no body to whoever has that`, async () => {
      const first = await get(path);
      assert.equal(first.code, 200);
      assert.equal(first.headers["content-type"], "application/json");
      assert.equal(first.headers["cache-control"], "no-cache, private");
      const etag = String(first.headers.etag);
      assert.match(etag, /^"[0-9A-F]{128}"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await get(path, { headers: { "if-none-match": known } });
        assert.deepEqual([again.code, again.text, again.headers.etag], [304, "", etag], known);
        assert.equal(again.headers["content-type"], undefined);
      }
      assert.equal((await get(path, { headers: { "if-none-match": '"other"' } })).code, 200);
    });

    it(`sends ${path} in protobuf to whoever asks for it, in either spelling, and refuses other forms`, async () => {
      const spelt = `application/com.github.proto-openapi.spec.${form}`;
      for (const mark of ["@", "."]) {
        const { headers, code } = await get(path, { accept: `${spelt}${mark}v1.0+protobuf` });
        assert.equal(code, 200);
        assert.equal(headers["content-type"], `${spelt}.v1.0+protobuf`);
      }
      const liked = await get(path, { accept: `application/json;q=0.5,${spelt}.v1.0+protobuf` });
      assert.equal(liked.headers["content-type"], `${spelt}.v1.0+protobuf`);
      assert.equal(
        (await get(path, { accept: "text/html, */*;q=0.1" })).headers["content-type"],
        "application/json",
      );
      const refused = await get(path, { accept: "text/html" });
      assert.deepEqual([refused.code, refused.text], [406, ""]);
    });
  }

  for (const path of ["/openapi/v2", "/openapi/v3/apis/apps/v1", "/openapi/v3"])
    it(`sends parts of ${path}, as they are, and says since when it stands`, async () => {
      const first = await get(path);
      assert.equal(first.headers["accept-ranges"], "bytes");
      const since = String(first.headers["last-modified"]);
      assert.ok(Math.abs(Date.parse(since) - Date.now()) < 600_000, since);
      const headers = { range: "bytes=1-5", "accept-encoding": "gzip" };
      const part = await get(path, { headers });
      assert.deepEqual([part.code, part.text], [206, first.text.slice(1, 6)]);
      assert.equal(part.headers["content-range"], `bytes 1-5/${first.bytes.length}`);
      assert.equal(part.headers["content-encoding"], undefined);
      // What is made anew each time is new each time.
      if (path !== "/openapi/v3") assert.equal(part.headers["last-modified"], since);
      const beyond = await get(path, { headers: { range: "bytes=99999999-" } });
      assert.deepEqual([beyond.code, beyond.text], [416, "invalid range: failed to overlap\n"]);
    });

  it("lets clients keep a document of v3 for good under its hash, and sends others on to it", async () => {
    const index = await get("/openapi/v3");
    // As Kubernetes' aggregator sends it.
    assert.equal(index.headers["content-type"], "text/plain; charset=utf-8");
    const { paths } = JSON.parse(index.text);
    const url: string = paths["apis/apps/v1"].serverRelativeURL;
    assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
    const { headers, code } = await get(url);
    assert.equal(code, 200);
    assert.equal(headers["cache-control"], "public, immutable");
    assert.equal(headers.vary, "Accept");
    const lastsMs = Date.parse(String(headers.expires)) - Date.now();
    assert.ok(lastsMs > 364 * 86_400_000, String(headers.expires));
    const moved = await get("/openapi/v3/apis/apps/v1?hash=OLD");
    assert.deepEqual([moved.code, moved.headers.location, moved.text], [301, url, ""]);
    const absent = await get("/openapi/v3/apis/gizmos.example.com/v1");
    assert.deepEqual([absent.code, absent.text], [404, ""]);
  });

  it("publishes what a definition of custom resources brings, in both versions, and takes it back with it", async () => {
    const file = readFileSync(join(import.meta.dirname, "testdata/custom-definitions.yaml"), "utf8");
    const name = "com.example.openapi.v1.Gadget";
    const [definition] = parseAllDocuments(file).map((document) => document.toJS());
    const published = async (until: (definitions: Record<string, unknown>) => boolean) => {
      for (;;) {
        const { body } = await get("/openapi/v2");
        if (until(body.definitions)) return body;
      }
    };
    const created = await server.admin.call("POST", definitions, { body: definition });
    assert.equal(created.code, 201, created.text);
    const { paths } = await published((all) => name in all);
    assert.ok(paths["/apis/openapi.example.com/v2beta1/gadgets"]);
    const v3 = await get("/openapi/v3/apis/openapi.example.com/v1");
    assert.ok(v3.body.components.schemas[name]);
    const renamed = await server.admin.call("PATCH", `${definitions}/${definition.metadata.name}`, {
      body: [{ op: "replace", path: "/spec/versions/1/name", value: "v2beta2" }],
      type: "application/json-patch+json",
    });
    assert.equal(renamed.code, 200, renamed.text);
    const after = await published((all) => "com.example.openapi.v2beta2.Gadget" in all);
    assert.equal(after.definitions["com.example.openapi.v2beta1.Gadget"], undefined);
    assert.ok(after.definitions[name]);
    await server.admin.call("DELETE", `${definitions}/${definition.metadata.name}`);
    await published((all) => !(name in all));
    assert.equal((await get("/openapi/v3/apis/openapi.example.com/v1")).code, 404);
  });
});

import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
const merge = { type: "application/merge-patch+json" };

/** What Kubernetes would write as the same bytes is no write. */
describe("a write that changes nothing", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  it("is one that leaves out a count that was zero", async () => {
    const { call } = server.admin;
    const path = "/api/v1/namespaces/default/replicationcontrollers";
    const conditions = [{ type: "A", status: "True" }];
    const object = { metadata: { name: "r" }, spec: { template }, status: { conditions } };
    await call("POST", path, { body: object });
    const patched = await call("PATCH", `${path}/r/status`, { body: { status: { conditions } }, ...merge });
    const put = await call("PUT", `${path}/r/status`, { body: object });
    assert.equal(put.code, 200);
    assert.equal(put.body.metadata.resourceVersion, patched.body.metadata.resourceVersion);
  });

  it("is one that gives an empty status to what has none", async () => {
    const { call } = server.admin;
    const made = await call("POST", "/api/v1/nodes", { body: { metadata: { name: "n" } } });
    const patched = await call("PATCH", "/api/v1/nodes/n/status", { body: { status: {} }, ...merge });
    assert.equal(patched.code, 200);
    assert.equal(patched.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
  });

  it("is none where what is given may be left out", async () => {
    const { call } = server.admin;
    const path = "/api/v1/namespaces/default/configmaps";
    const made = await call("POST", path, { body: { metadata: { name: "c" } } });
    const patched = await call("PATCH", `${path}/c`, { body: { immutable: false }, ...merge });
    assert.notEqual(patched.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
  });
});

import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { EtcdStorage } from "./registry/etcd-storage.ts";
import { hasEtcd, type RealEtcd, startEtcd } from "./registry/real-etcd.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const path = "/api/v1/namespaces/default/configmaps";
const draft = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

describe("an API server whose store is gone", () => {
  let etcd: RealEtcd;
  let server: TestApiserver;
  before(async function () {
    if (!hasEtcd()) return this.skip();
    etcd = await startEtcd();
    const timeouts = { requestMs: 300, commitMs: 600 };
    const parts = { clock: systemClock, random: systemRandom };
    const client = openStoreClient({ endpoints: [etcd.url], timeoutMs: timeouts.requestMs }, parts);
    server = await startTestApiserver({ storage: new EtcdStorage(client, systemClock, timeouts) });
    assert.equal((await server.admin.call("POST", path, { body: draft("a") })).code, 201);
    assert.equal((await server.admin.call("GET", path)).code, 200);
    await etcd.stop();
  });
  after(async () => {
    await server?.stop();
    await etcd?.stop();
  });

  const unavailable: readonly [method: string, path: string, body?: unknown][] = [
    ["GET", `${path}/a`],
    ["GET", path],
    ["POST", path, draft("b")],
    ["PUT", `${path}/a`, { ...draft("a"), data: { n: "1" } }],
    ["PATCH", `${path}/a`, { data: { n: "2" } }],
    ["DELETE", `${path}/a`],
    ["GET", "/apis/apps/v1/deployments"],
  ];
  for (const [method, where, body] of unavailable)
    it(`${method} ${where} fails in time with a Status`, async () => {
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const answer = await server.admin.call(method, where, { body, type });
      assert.ok([503, 504].includes(answer.code), `${answer.code} ${answer.text}`);
      assert.equal(answer.body.kind, "Status");
      assert.match(answer.body.reason, /^(ServiceUnavailable|Timeout)$/);
    });

  it("answers from the cache those whom any state serves", async () => {
    const list = await server.admin.call("GET", `${path}?resourceVersion=0`);
    assert.deepEqual(
      [list.code, list.body.items.map((one: typeof list.body) => one.metadata.name)],
      [200, ["a"]],
    );
    assert.equal((await server.admin.call("GET", `${path}/a?resourceVersion=0`)).code, 200);
    for await (const line of server.admin.watch(`${path}?watch=1&resourceVersion=0`)) {
      assert.deepEqual([line.type, line.object.metadata.name], ["ADDED", "a"]);
      break;
    }
  });

  it("says so in its health, as kube-apiserver does; without that check it lives", async () => {
    for (const path of ["/livez", "/readyz", "/healthz"]) {
      const { code, text } = await server.admin.call("GET", path);
      assert.equal(code, 500);
      assert.match(text, /\[-\]etcd failed: reason withheld\n/);
    }
    assert.equal((await server.admin.call("GET", "/livez?exclude=etcd")).code, 200);
    assert.match((await server.admin.call("GET", "/livez/etcd")).text, /^internal server error: /);
  });
});

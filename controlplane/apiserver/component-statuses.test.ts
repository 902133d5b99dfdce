import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const path = "/api/v1/componentstatuses";
const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const second = 1000;

describe("component statuses", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
    for (const [name, agoMs] of [
      ["kube-scheduler", 0],
      ["kube-controller-manager", 3600 * second],
    ] as const) {
      const renewTime = new Date(Date.now() - agoMs).toISOString().replace("Z", "000Z");
      const spec = { holderIdentity: "me", leaseDurationSeconds: 3000, renewTime };
      await server.admin.call("POST", leases, { body: { metadata: { name }, spec } });
    }
  });
  after(() => server.stop());

  const ask = (query = "", accept = "application/json") =>
    server.admin.call("GET", `${path}${query}`, { accept });

  it("are healthy where a lease is held and the store answers, and are of no version", async () => {
    const { code, body, headers } = await ask();
    assert.equal(code, 200);
    assert.equal(headers.warning, '299 - "v1 ComponentStatus is deprecated in v1.19+"');
    assert.deepEqual([body.kind, body.metadata], ["ComponentStatusList", {}]);
    const shown = body.items.map(({ metadata, conditions: [{ type, status }] }: Item) => [
      ...Object.values(metadata),
      type,
      status,
    ]);
    assert.deepEqual(shown, [
      ["controller-manager", "Healthy", "False"],
      ["etcd-0", "Healthy", "True"],
      ["scheduler", "Healthy", "True"],
    ]);
    const { body: scheduler } = await ask("/scheduler");
    assert.deepEqual(scheduler, {
      kind: "ComponentStatus",
      apiVersion: "v1",
      metadata: { name: "scheduler" },
      conditions: [{ type: "Healthy", status: "True", message: "ok" }],
    });
  });

  it("say since when nobody leads", async () => {
    const { body } = await ask("/controller-manager");
    const [{ status, message }] = body.conditions;
    assert.equal(status, "False");
    assert.match(message, /^nobody has renewed the lease kube-system\/kube-controller-manager since 2\d{3}-/);
  });

  it("are unknown where there is no lease", async () => {
    await server.admin.call("DELETE", `${leases}/kube-controller-manager`);
    const { body } = await ask("/controller-manager");
    const error = "there is no lease kube-system/kube-controller-manager: nobody says that it runs";
    assert.deepEqual(body.conditions, [{ type: "Healthy", status: "Unknown", error }]);
    const table = await ask("", "application/json;as=Table;v=v1;g=meta.k8s.io");
    assert.deepEqual(
      table.body.rows.map(({ cells }: { cells: unknown[] }) => cells),
      [
        ["controller-manager", "Unhealthy", "", error],
        ["etcd-0", "Healthy", "ok", ""],
        ["scheduler", "Healthy", "ok", ""],
      ],
    );
  });

  it("are selected by name, have no labels, and nothing but reading is offered", async () => {
    const named = await ask("?fieldSelector=metadata.name%3Dscheduler");
    assert.deepEqual(named.body.items.length, 1);
    const labelled = await ask("?labelSelector=a%3Db");
    assert.deepEqual(labelled.body.items, []);
    const none = await ask("/nope");
    assert.deepEqual([none.code, none.body.message], [404, 'componentstatus "nope" not found']);
    for (const [method, at] of [
      ["POST", ""],
      ["DELETE", ""],
      ["PUT", "/scheduler"],
      ["DELETE", "/scheduler"],
    ] as const) {
      const { code } = await server.admin.call(method, `${path}${at}`, { body: {} });
      assert.equal(code, 405, `${method} ${at}`);
    }
    const { body } = await server.admin.call("GET", "/api/v1");
    const row = body.resources.find(({ name }: { name: string }) => name === "componentstatuses");
    assert.deepEqual(row, {
      name: "componentstatuses",
      singularName: "componentstatus",
      namespaced: false,
      kind: "ComponentStatus",
      verbs: ["get", "list"],
      shortNames: ["cs"],
    });
  });
});

interface Item {
  readonly metadata: object;
  readonly conditions: readonly [{ readonly type: string; readonly status: string }];
}

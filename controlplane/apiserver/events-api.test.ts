import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const core = "/api/v1/namespaces/default/events";
const group = "/apis/events.k8s.io/v1/namespaces/default/events";
const everywhere = { [core]: "/api/v1/events", [group]: "/apis/events.k8s.io/v1/events" };
const eventTime = "2026-01-01T00:00:00.000000Z";

const coreEvent = (name: string, labels: object = {}) => ({
  metadata: { name, labels },
  involvedObject: { namespace: "default" },
  message: "as made",
  reason: "Test",
  type: "Normal",
});
const groupEvent = (name: string, labels: object = {}) => ({
  metadata: { name, labels },
  regarding: { namespace: "default" },
  note: "as made",
  reason: "Test",
  type: "Normal",
  action: "Do",
  eventTime,
  reportingController: `${name}-controller`,
  reportingInstance: "test-node",
});

describe("events, in both their groups", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  const ok = async (...args: Parameters<TestApiserver["admin"]["call"]>) => {
    const answer = await server.admin.call(...args);
    assert.ok(answer.code < 300, `${args[0]} ${args[1]}: ${answer.text}`);
    return answer.body;
  };
  const names = async (path: string) =>
    (await ok("GET", path)).items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);

  for (const [path, event] of [
    [core, coreEvent],
    [group, groupEvent],
  ] as const) {
    it(`${path}: a collection goes by its label, and nothing else`, async () => {
      await ok("POST", path, { body: event("stays") });
      for (const name of ["goes-1", "goes-2", "goes-3"])
        await ok("POST", path, { body: event(name, { set: "a" }) });
      assert.equal((await names(`${path}?labelSelector=set%3Da`)).length, 3);
      await ok("DELETE", `${path}?labelSelector=set%3Da`);
      assert.deepEqual(await names(path), ["stays"]);
      await ok("DELETE", `${path}/stays`);
    });
  }

  it("core events are made, listed everywhere, patched, read, replaced and deleted", async () => {
    await ok("POST", core, { body: coreEvent("life", { set: "life" }) });
    const listed = `${everywhere[core]}?labelSelector=set%3Dlife`;
    assert.deepEqual(await names(listed), ["life"]);
    const type = "application/strategic-merge-patch+json";
    await ok("PATCH", `${core}/life`, { type, body: { message: "patched" } });
    const patched = await ok("GET", `${core}/life`);
    assert.equal(patched.message, "patched");
    const series = { count: 100, lastObservedTime: eventTime };
    await ok("PUT", `${core}/life`, { body: { ...patched, series } });
    assert.deepEqual((await ok("GET", `${core}/life`)).series, series);
    await ok("DELETE", `${core}/life`);
    assert.deepEqual(await names(listed), []);
  });

  it("events of the group are made, selected by who reports, patched, their series replaced, and deleted", async () => {
    await ok("POST", group, { body: groupEvent("own") });
    await ok("POST", core, { body: { ...coreEvent("other"), source: { component: "other-source" } } });
    for (const path of [group, everywhere[group]])
      assert.ok((await names(String(path))).includes("own"), String(path));
    assert.deepEqual(await names(`${group}?fieldSelector=reportingController%3Down-controller`), ["own"]);
    assert.deepEqual(await names(`${core}?fieldSelector=source%3Down-controller`), ["own"]);
    const type = "application/strategic-merge-patch+json";
    const series = { count: 2, lastObservedTime: "2026-01-01T00:00:01.000000Z" };
    await ok("PATCH", `${group}/own`, { type, body: { series } });
    const patched = await ok("GET", `${group}/own`);
    assert.deepEqual(patched.series, series);
    const later = { count: 100, lastObservedTime: "2026-01-01T00:01:40.000000Z" };
    await ok("PUT", `${group}/own`, { body: { ...patched, series: later } });
    assert.deepEqual((await ok("GET", `${group}/own`)).series, later);
    assert.deepEqual((await ok("GET", `${core}/own`)).message, "as made");
    await ok("DELETE", `${group}/own`);
    assert.deepEqual(await names(group), ["other"]);
  });
});

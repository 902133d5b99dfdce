import assert from "node:assert/strict";
import { type CollectedSpan, TestCollector } from "../../base/tracing/testing/collector.ts";
import { traceAnnotation } from "../../client/rules/pod-trace.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
const pods = "/api/v1/namespaces/default/pods";
const container = { name: "c", image: "i" };

describe("an API server that traces", () => {
  let collector: TestCollector;
  let api: TestApiserver;
  let spans: readonly CollectedSpan[];

  /** What was made by one, and all spans of it. */
  before(async () => {
    collector = new TestCollector();
    const endpoint = await collector.serveHttp();
    api = await startTestApiserver({ config: { tracing: { endpoint, ratePerMillion: 1_000_000 } } });
    const traced = { traceparent: `00-${traceId}-${parentId}-01` };
    const made = await api.admin.call("POST", pods, {
      headers: traced,
      body: { metadata: { name: "traced" }, spec: { containers: [container] } },
    });
    assert.equal(made.code, 201, made.text);
    await api.admin.call("GET", `${pods}/none`, {
      headers: { traceparent: `00-${traceId.replace("4b", "aa")}-${parentId}-00` },
    });
    const jane = await api.clientFor("jane");
    await jane.call("GET", pods, { headers: traced });
    const apps = "/apis/apps/v1/namespaces/default/replicasets";
    const labels = { app: "a" };
    const spec = {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    };
    const set = (await api.admin.call("POST", apps, { body: { metadata: { name: "set" }, spec } })).body;
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "set", uid: set.metadata.uid };
    const annotations = { [traceAnnotation]: `00-${"9".repeat(32)}-${parentId}-01` };
    await api.admin.call("POST", pods, {
      body: {
        metadata: { name: "owned", annotations, ownerReferences: [{ ...owner, controller: true }] },
        spec: { containers: [container] },
      },
    });
  });
  after(async () => {
    collector.stop();
    await api?.stop();
  });

  const annotationOf = async (name: string): Promise<string> =>
    (await api.admin.call("GET", `${pods}/${name}`)).body.metadata.annotations[traceAnnotation];
  const named = (name: string, more: Partial<CollectedSpan> = {}) =>
    spans.filter((one) =>
      Object.entries({ name, ...more }).every(
        ([field, value]) => one[field as keyof CollectedSpan] === value,
      ),
    );

  it("tells of requests under Kubernetes' names, as parts of a trusted client's trace, with what was done for them", async () => {
    const annotation = await annotationOf("traced");
    const owned = await annotationOf("owned");
    // The last spans leave as it stops.
    await api.stop();
    ({ spans } = collector);
    const [request, ...others] = named("POST /api/v1/namespaces/{:namespace}/pods", { traceId });
    assert.ok(request);
    assert.deepEqual(others, []);
    const { parentId: of, kind, service, failed, attributes } = request;
    assert.deepEqual(
      { of, kind, service, failed },
      { of: parentId, kind: "SPAN_KIND_SERVER", service: "apiserver", failed: false },
    );
    assert.equal(attributes["http.response.status_code"], "201");
    assert.equal(attributes["http.target"], pods);
    assert.match(String(attributes["audit-id"]), /^[0-9a-f-]{36}$/);
    const [create] = named("Create", { traceId, parentId: request.spanId });
    assert.ok(create);
    const [stored] = named("Create etcd3", { traceId, parentId: create.spanId });
    assert.deepEqual(stored?.attributes, { key: "/registry/pods/default/traced", resource: "pods" });
    assert.ok(stored.startNanos >= create.startNanos && stored.endNanos <= create.endNanos);
    assert.equal(annotation, `00-${traceId}-${create.spanId}-01`);
    // What is made for another belongs to the making of that, whatever it says itself.
    const [set] = named("POST /apis/apps/v1/namespaces/{:namespace}/replicasets");
    const [pod] = named("Create", { traceId: set?.traceId ?? "" }).filter(
      ({ attributes: { name } }) => name === "owned",
    );
    assert.equal(owned, `00-${set?.traceId}-${pod?.spanId}-01`);
  });

  it("begins the traces of others anew, linked, and keeps to what a trusted client says is not sampled", () => {
    const [request] = spans.filter(({ links }) => links.length > 0);
    assert.equal(request?.name, "GET /api/v1/namespaces/{:namespace}/pods");
    assert.notEqual(request.traceId, traceId);
    assert.deepEqual([request.links, request.parentId], [[parentId], ""]);
    assert.deepEqual(
      named("GET /api/v1/namespaces/{:namespace}/pods/{:name}").filter(
        ({ attributes }) => attributes["url.path"] === `${pods}/none`,
      ),
      [],
    );
    assert.equal(spans.filter((one) => one.traceId === traceId.replace("4b", "aa")).length, 0);
  });
});

describe("an API server that does not trace", () => {
  it("makes nothing of a trace, and leaves annotations to their owners", async () => {
    const api = await startTestApiserver({});
    const annotations = { [traceAnnotation]: "mine" };
    const { body } = await api.admin.call("POST", pods, {
      headers: { traceparent: `00-${traceId}-${parentId}-01` },
      body: { metadata: { name: "a", annotations }, spec: { containers: [container] } },
    });
    assert.deepEqual(body.metadata.annotations, annotations);
    const { text } = await api.admin.call("GET", "/metrics");
    assert.ok(!text.includes("pintle_tracing"));
    await api.stop();
  });
});

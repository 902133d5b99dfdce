import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readRules } from "./custommetrics/rules/read-rules.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const custom = "/apis/custom.metrics.k8s.io";
const external = "/apis/external.metrics.k8s.io/v1beta1";

const ruleFile = `
rules:
- seriesQuery: '{__name__=~"^http_.*",namespace!=""}'
  resources:
    template: "kube_<<.Group>>_<<.Resource>>"
    overrides: {namespace: {resource: namespace}, pod: {resource: pod}, node: {resource: node}}
  name: {matches: "^http_(.*)_total$"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'
resourceRules:
  cpu: &resource
    containerQuery: 'sum(rate(cpu{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)'
    nodeQuery: 'sum(rate(node_cpu{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)'
    resources: {overrides: {instance: {resource: node}, namespace: {resource: namespace}, pod: {resource: pod}}}
    containerLabel: container
  memory:
    <<: *resource
    containerQuery: 'sum(memory{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
    nodeQuery: 'sum(node_memory{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
  window: 1m
externalRules:
- seriesQuery: '{__name__=~"^queue_.*"}'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (name)'
- seriesQuery: 'sun_shines'
  resources: {namespaced: false}
  metricsQuery: 'scalar(<<.Series>>)'
`;

/** Says what a test wants, and keeps what it was asked. */
class FakePrometheus {
  readonly asked: string[] = [];
  readonly heads: (string | undefined)[] = [];
  series: Readonly<Record<string, readonly object[]>> = {};
  answer: (query: string) => { readonly code?: number; readonly text: string } = () => ({ text: "" });
  readonly #server: HttpServer;

  constructor() {
    this.#server = createHttpServer((request, response) => {
      let body = "";
      request.on("data", (piece) => {
        body += piece;
      });
      request.on("end", () => {
        const form = new URLSearchParams(body);
        this.heads.push(request.headers.authorization);
        if (request.url === "/prom/api/v1/series") {
          const data = this.series[form.get("match[]") ?? ""] ?? [];
          response.end(JSON.stringify({ status: "success", data }));
          return;
        }
        assert.equal(request.url, "/prom/api/v1/query");
        const query = form.get("query") ?? "";
        this.asked.push(query);
        const { code = 200, text } = this.answer(query);
        response.writeHead(code).end(text);
      });
    });
  }

  async start(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/prom/`;
  }

  /** A vector of these, by labels and values. */
  says(...samples: readonly (readonly [object, string])[]): void {
    const result = samples.map(([metric, value]) => ({ metric, value: [1_700_000_000.25, value] }));
    const text = JSON.stringify({ status: "success", data: { resultType: "vector", result } });
    this.answer = () => ({ text });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function rules() {
  const problems: string[] = [];
  const read = readRules(ruleFile, problems);
  assert.deepEqual(problems, []);
  return read;
}

describe("custom and external metrics, by rules and a Prometheus", () => {
  let api: TestApiserver;
  let prometheus: FakePrometheus;

  before(async () => {
    prometheus = new FakePrometheus();
    prometheus.series = {
      '{__name__=~"^http_.*",namespace!=""}': [
        { __name__: "http_requests_total", namespace: "shop", pod: "web-1", code: "200" },
        {
          __name__: "http_hits_total",
          namespace: "shop",
          kube_apps_deployment: "web",
          kube_apps_nonsense: "x",
        },
        { __name__: "http_bytes_total", namespace: "shop", node: "n1" },
        { __name__: "http_open", namespace: "shop", pod: "web-1" },
      ],
      '{__name__=~"^queue_.*"}': [{ __name__: "queue_depth", name: "a", namespace: "shop" }],
      sun_shines: [{ __name__: "sun_shines" }],
    };
    const url = await prometheus.start();
    api = await startTestApiserver({
      config: {
        customMetrics: { rules: rules(), prometheus: { url, ca: undefined, tokenFile: undefined } },
        resourceMetrics: true,
      },
    });
    await api.admin.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "shop" } } });
    for (const [name, app] of [
      ["web-1", "web"],
      ["web.2", "web"],
      ["db-1", "db"],
    ] as const) {
      const spec = { containers: [{ name: "c", image: "i" }] };
      const body = { metadata: { name, labels: { app } }, spec };
      const { code, text } = await api.admin.call("POST", "/api/v1/namespaces/shop/pods", { body });
      assert.equal(code, 201, text);
    }
  });
  after(async () => {
    await api.stop();
    prometheus.stop();
  });
  beforeEach(() => {
    prometheus.asked.length = 0;
  });

  const get = (path: string) => api.admin.call("GET", path);
  const pods = `${custom}/v1beta2/namespaces/shop/pods`;
  const refusal = async (path: string) => {
    const { code, body } = await get(path);
    return `${code} ${body.reason}: ${body.message}`;
  };

  it("have the shape of prometheus-adapter's answers, in both versions", async () => {
    prometheus.says([{ pod: "web-1" }, "0.1239"], [{ pod: "other" }, "7"]);
    const { body } = await get(`${pods}/web-1/requests`);
    const [{ timestamp, ...item }] = body.items;
    assert.deepEqual(item, {
      describedObject: { kind: "Pod", namespace: "shop", name: "web-1", apiVersion: "/v1" },
      metric: { name: "requests", selector: null },
      value: "123m",
    });
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const { items, ...list } = body;
    assert.equal(items.length, 1);
    assert.deepEqual(list, {
      kind: "MetricValueList",
      apiVersion: "custom.metrics.k8s.io/v1beta2",
      metadata: {},
    });
    const older = await get(`${custom}/v1beta1/namespaces/shop/pods/web-1/requests`);
    assert.equal(older.body.items[0].metricName, "requests");
    assert.deepEqual(prometheus.asked, [
      'sum(rate(http_requests_total{namespace="shop",pod="web-1"}[2m])) by (pod)',
      'sum(rate(http_requests_total{namespace="shop",pod="web-1"}[2m])) by (pod)',
    ]);
  });

  it("are of all objects that a selector takes, and of series that another takes", async () => {
    prometheus.says([{ pod: "web.2" }, "2500"], [{ pod: "web-1" }, "NaN"], [{ pod: "gone" }, "1"]);
    const { body } = await get(
      `${pods}/*/requests?labelSelector=app%3Dweb&metricLabelSelector=code+in+(200,201),!x`,
    );
    assert.deepEqual(
      body.items.map(({ describedObject, value }: { describedObject: { name: string }; value: string }) => [
        describedObject.name,
        value,
      ]),
      [
        ["web-1", "0"],
        ["web.2", "2500"],
      ],
    );
    assert.deepEqual(body.items[0].metric.selector, {
      matchExpressions: [
        { key: "code", operator: "In", values: ["200", "201"] },
        { key: "x", operator: "DoesNotExist" },
      ],
    });
    assert.deepEqual(prometheus.asked, [
      'sum(rate(http_requests_total{code=~"200|201",x="",namespace="shop",pod=~"web-1|web\\\\.2"}[2m])) by (pod)',
    ]);
  });

  it("are of objects of any group, of nodes, and of namespaces", async () => {
    prometheus.says([{ kube_apps_deployment: "web" }, "1"]);
    const { body } = await get(`${custom}/v1beta2/namespaces/shop/deployments.apps/web/hits`);
    assert.equal(body.items[0].describedObject.apiVersion, "apps/v1");
    prometheus.says([{ node: "n1" }, "1e6"]);
    const node = (await get(`${custom}/v1beta2/nodes/n1/bytes`)).body.items[0];
    assert.deepEqual(node.describedObject, { kind: "Node", name: "n1", apiVersion: "/v1" });
    assert.equal(node.value, "1M");
    prometheus.says([{ namespace: "shop" }, "3"]);
    const space = (await get(`${custom}/v1beta2/namespaces/shop/metrics/requests`)).body.items[0];
    assert.deepEqual(space.describedObject, { kind: "Namespace", name: "shop", apiVersion: "/v1" });
    assert.deepEqual(prometheus.asked, [
      'sum(rate(http_hits_total{namespace="shop",kube_apps_deployment="web"}[2m])) by (kube_apps_deployment)',
      'sum(rate(http_bytes_total{node="n1"}[2m])) by (node)',
      'sum(rate(http_requests_total{namespace="shop"}[2m])) by (namespace)',
    ]);
  });

  it("from outside are a vector or a number, with their labels and their time", async () => {
    prometheus.says([{ name: "a" }, "12.5"]);
    const { body } = await get(`${external}/namespaces/shop/queue_depth?labelSelector=name%3Da`);
    assert.deepEqual(body, {
      kind: "ExternalMetricValueList",
      apiVersion: "external.metrics.k8s.io/v1beta1",
      metadata: {},
      items: [
        {
          metricName: "queue_depth",
          metricLabels: { name: "a" },
          timestamp: "2023-11-14T22:13:20Z",
          value: "12500m",
        },
      ],
    });
    prometheus.answer = () => ({
      text: JSON.stringify({ status: "success", data: { resultType: "scalar", result: [1, "-2"] } }),
    });
    const sun = (await get(`${external}/namespaces/shop/sun_shines`)).body.items;
    assert.deepEqual(
      sun.map(({ metricLabels, value }: { metricLabels: object; value: string }) => [metricLabels, value]),
      [[{}, "-2"]],
    );
    assert.deepEqual(prometheus.asked, [
      'sum(queue_depth{name="a",namespace="shop"}) by (name)',
      "scalar(sun_shines)",
    ]);
  });

  it("are refused in prometheus-adapter's words, which say nothing of the Prometheus", async () => {
    prometheus.says();
    const not = "404 NotFound: the server could not find the metric";
    assert.equal(await refusal(`${pods}/web-1/requests`), `${not} requests for pods web-1`);
    assert.equal(await refusal(`${pods}/web-1/nothing`), `${not} nothing for pods`);
    assert.equal(await refusal(`${pods}/*/requests?labelSelector=app%3Dnone`), `${not} requests for pods`);
    assert.equal(
      await refusal(`${custom}/v1beta2/namespaces/shop/jobs.batch/a/requests`),
      `${not} requests for jobs.batch`,
    );
    assert.equal(await refusal(`${external}/namespaces/shop/nothing`), `${not} nothing for `);
    assert.equal(prometheus.asked.length, 1);
    const hidden = "500 InternalError: Internal error occurred: unable to fetch metrics";
    for (const answer of [
      { code: 503, text: "secret" },
      { text: "<html>" },
      { text: '{"status":"success","data":{"resultType":"matrix","result":[]}}' },
      { code: 400, text: '{"status":"error","errorType":"bad_data","error":"secret"}' },
      {
        text: '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0x"]}]}}',
      },
    ]) {
      prometheus.answer = () => answer;
      assert.equal(await refusal(`${pods}/web-1/requests`), hidden, answer.text);
    }
    assert.match(await refusal(`${pods}/*/requests?labelSelector=a+b`), /^400 BadRequest: /);
    assert.match(
      await refusal(`${pods}/*/requests?metricLabelSelector=a.b%3Dc`),
      /^400 BadRequest: "a\.b" is no label/,
    );
    assert.match(await refusal(`${pods}/*/requests?fieldSelector=a%3Db`), /^400 BadRequest: fieldSelector/);
    for (const [method, path] of [
      ["POST", `${pods}/web-1/requests`],
      ["DELETE", `${external}/namespaces/shop/queue_depth`],
      ["GET", `${external}/namespaces/shop/queue_depth?watch=1`],
    ] as const)
      assert.equal((await api.admin.call(method, path, { body: {} })).code, 405, `${method} ${path}`);
    for (const path of [`${pods}`, `${pods}/web-1`, `${external}/queue_depth`, `${pods}/web-1/requests/more`])
      assert.equal((await get(path)).code, 404, path);
  });

  it("are discovered, in both forms", async () => {
    const names = async (path: string) =>
      (await get(path)).body.resources.map(
        ({ name, namespaced }: { name: string; namespaced: boolean }) => `${namespaced ? "" : "/"}${name}`,
      );
    assert.deepEqual(await names(`${custom}/v1beta2`), [
      "deployments.apps/hits",
      "/namespaces/bytes",
      "/namespaces/hits",
      "/namespaces/requests",
      "/nodes/bytes",
      "pods/requests",
    ]);
    assert.deepEqual(await names(external), ["queue_depth", "sun_shines"]);
    const [row] = (await get(external)).body.resources;
    assert.deepEqual(row, {
      name: "queue_depth",
      singularName: "",
      namespaced: true,
      kind: "ExternalMetricValueList",
      verbs: ["get"],
    });
    const { body } = await get(custom);
    assert.deepEqual(
      body.versions.map(({ version }: { version: string }) => version),
      ["v1beta2", "v1beta1"],
    );
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const whole = (await api.admin.call("GET", "/apis", { accept })).body;
    const group = whole.items.find(
      ({ metadata }: { metadata: { name: string } }) => metadata.name === "custom.metrics.k8s.io",
    );
    const found = group.versions[0].resources.find(
      ({ resource }: { resource: string }) => resource === "pods",
    );
    assert.deepEqual(found.subresources, [
      {
        subresource: "requests",
        responseKind: { group: "custom.metrics.k8s.io", version: "v1beta2", kind: "MetricValueList" },
        verbs: ["get"],
      },
    ]);
    assert.equal((await get(`${custom}/v1`)).code, 404);
  });

  it("of resources are asked of the Prometheus, too, where the rules say how", async () => {
    const node = { metadata: { name: "n1" }, status: {} };
    await api.admin.call("POST", "/api/v1/nodes", { body: node });
    const body = {
      metadata: { name: "busy", namespace: "shop" },
      spec: {
        nodeName: "n1",
        containers: [
          { name: "c", image: "i" },
          { name: "d", image: "i" },
        ],
      },
      status: { phase: "Running" },
    };
    await api.admin.call("POST", "/api/v1/namespaces/shop/pods", { body });
    await api.admin.call("PUT", "/api/v1/namespaces/shop/pods/busy/status", { body });
    const vector = (...rows: readonly (readonly [object, string])[]) => {
      const result = rows.map(([metric, value]) => ({ metric, value: [1_700_000_000, value] }));
      return { text: JSON.stringify({ status: "success", data: { resultType: "vector", result } }) };
    };
    prometheus.answer = (query) => {
      if (query.startsWith("sum(rate(cpu")) return vector([{ pod: "busy", container: "c" }, "0.2509"]);
      if (query.startsWith("sum(memory"))
        return vector(
          [{ pod: "busy", container: "c" }, "2097152"],
          [{ pod: "busy", container: "d" }, "1024"],
        );
      return vector([{ instance: "n1" }, query.includes("memory") ? "1e9" : "1.5"]);
    };
    const group = "/apis/metrics.k8s.io/v1beta1";
    const pod = (await get(`${group}/namespaces/shop/pods/busy`)).body;
    assert.deepEqual(pod.containers, [
      { name: "c", usage: { cpu: "250m", memory: "2Mi" } },
      { name: "d", usage: { cpu: "0", memory: "1Ki" } },
    ]);
    assert.deepEqual([pod.timestamp, pod.window], ["2023-11-14T22:13:20Z", "1m0s"]);
    assert.deepEqual((await get(`${group}/nodes/n1`)).body.usage, { cpu: "1500m", memory: "1000000000" });
    assert.ok(
      prometheus.asked.includes('sum(rate(cpu{namespace="shop",pod="busy"}[1m])) by (pod,container)'),
    );
    assert.ok(prometheus.asked.includes('sum(node_memory{instance="n1"}) by (instance)'));
    prometheus.answer = () => ({ code: 503, text: "" });
    assert.equal((await get(`${group}/nodes/n1`)).code, 404);
  });

  it("are for whom roles let read them", async () => {
    prometheus.says([{ pod: "web-1" }, "1"]);
    const jane = await api.clientFor("jane");
    const path = `${pods}/web-1/requests`;
    assert.equal((await jane.call("GET", path)).code, 403);
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop";
    const rules = [{ apiGroups: ["custom.metrics.k8s.io"], resources: ["pods/requests"], verbs: ["get"] }];
    await api.admin.call("POST", `${rbac}/roles`, { body: { metadata: { name: "jane" }, rules } });
    await api.admin.call("POST", `${rbac}/rolebindings`, {
      body: {
        metadata: { name: "jane" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "jane" },
        subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" }],
      },
    });
    assert.equal((await jane.call("GET", path)).code, 200);
    assert.equal((await jane.call("GET", `${pods}/web-1/other`)).code, 403);
    const hpa = await api.clientFor("system:kube-controller-manager");
    assert.equal((await hpa.call("GET", path)).code, 200);
  });
});

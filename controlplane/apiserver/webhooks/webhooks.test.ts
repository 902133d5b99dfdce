import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { configMap, configMaps } from "../testing-objects.ts";
import {
  allow,
  configure,
  patchOf,
  reviewAnswer,
  type SeenRequest,
  startTestHook,
  type TestHook,
  unconfigure,
} from "./testing.ts";

const rule = { operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["configmaps"] };

describe("admission webhooks", () => {
  let api: TestApiserver;
  let hook: TestHook;
  const made: ["mutating" | "validating", string][] = [];
  before(async () => {
    api = await startTestApiserver();
    hook = await startTestHook();
  });
  afterEach(async () => {
    for (const [phase, name] of made.splice(0)) await unconfigure(api.admin, phase, name);
    hook.seen.length = 0;
    hook.answer = allow;
  });
  after(async () => {
    await hook.stop();
    await api.stop();
  });

  const webhook = (more: object = {}, path = "/w") => ({
    name: `w${path.replaceAll("/", "-")}.example.com`,
    clientConfig: { url: hook.url(path), caBundle: hook.caBundle },
    rules: [rule],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    ...more,
  });
  const set = async (phase: "mutating" | "validating", name: string, ...webhooks: object[]) => {
    made.push([phase, name]);
    await configure(api.admin, phase, name, webhooks);
  };
  const create = (name: string, path = configMaps, body: object = configMap(name)) =>
    api.admin.call("POST", path, { body });
  const paths = () => hook.seen.map(({ path }) => path.split("?")[0]);
  const deny = (message: string) => (request: SeenRequest, response: ServerResponse) =>
    response.end(reviewAnswer(request, { allowed: false, status: { message } }));

  it("are asked about what their rules say and about nothing else, over connections that stay open", async () => {
    await set("validating", "rules", webhook());
    const before = hook.connections();
    for (const name of ["r1", "r2", "r3"]) assert.equal((await create(name)).code, 201);
    await create("p", "/api/v1/namespaces/default/secrets", {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
    });
    assert.deepEqual(paths(), ["/w", "/w", "/w"]);
    assert.equal(hook.connections() - before, 1);
  });

  it("act no more once their configuration is gone", async () => {
    await set("validating", "gone", webhook());
    hook.answer = deny("no");
    assert.equal((await create("g")).code, 400);
    await unconfigure(api.admin, "validating", "gone");
    await api.admin.call("GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations");
    assert.equal((await create("g")).code, 201);
  });

  it("see what those before them changed, and again what those after them changed where they want to", async () => {
    await set(
      "mutating",
      "again",
      webhook({ reinvocationPolicy: "IfNeeded" }, "/a/wants"),
      webhook({}, "/b/changes"),
      webhook({}, "/c/looks"),
    );
    hook.answer = (request, response) => {
      const { labels } = request.review.request.object.metadata;
      const adds = request.path.startsWith("/b") && labels === undefined;
      const patch = adds ? patchOf([{ op: "add", path: "/metadata/labels", value: { by: "b" } }]) : {};
      response.end(reviewAnswer(request, patch));
    };
    const { body } = await create("again");
    assert.deepEqual(body.metadata.labels, { by: "b" });
    const seen = hook.seen.map(({ path, review }) => [
      path.split("?")[0],
      review.request.object.metadata.labels?.by,
    ]);
    assert.deepEqual(seen, [
      ["/a/wants", undefined],
      ["/b/changes", undefined],
      ["/c/looks", "b"],
      ["/a/wants", "b"],
    ]);
  });

  it("are asked all at once where they only validate", async () => {
    await set("validating", "all", webhook({}, "/one"), webhook({}, "/two"));
    const waiting: [SeenRequest, ServerResponse][] = [];
    hook.answer = (request, response) => {
      waiting.push([request, response]);
      if (waiting.length === 2) for (const one of waiting) allow(...one);
    };
    assert.equal((await create("both")).code, 201);
  });

  it("are asked in the group and version of their rule, where equivalents count", async () => {
    const events = { ...rule, apiGroups: ["events.k8s.io"], resources: ["events"] };
    await set(
      "validating",
      "forms",
      webhook({ rules: [events], matchPolicy: "Equivalent" }, "/equivalent"),
      webhook({ rules: [events], matchPolicy: "Exact" }, "/exact"),
    );
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e", namespace: "default" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      reason: "Seen",
    };
    assert.equal((await create("e", "/api/v1/namespaces/default/events", event)).code, 201);
    assert.deepEqual(paths(), ["/equivalent"]);
    const { request } = hook.seen[0]?.review ?? {};
    assert.equal(request.object.apiVersion, "events.k8s.io/v1");
    assert.deepEqual(request.object.regarding, event.involvedObject);
    assert.deepEqual(
      [request.kind, request.requestKind],
      [
        { group: "events.k8s.io", version: "v1", kind: "Event" },
        { group: "", version: "v1", kind: "Event" },
      ],
    );
  });

  it("are chosen by the labels of the object and of the one that it replaces", async () => {
    await set("validating", "labels", webhook({ objectSelector: { matchLabels: { watched: "yes" } } }));
    await create("plain");
    await create("watched", configMaps, configMap("watched", {}, { watched: "yes" }));
    const type = "application/merge-patch+json";
    const patch = { body: { metadata: { labels: { watched: null } } }, type };
    await api.admin.call("PATCH", `${configMaps}/watched`, patch);
    await api.admin.call("PATCH", `${configMaps}/watched`, { body: { data: { a: "b" } }, type });
    const asked = hook.seen.map(({ review }) => `${review.request.operation} ${review.request.name}`);
    assert.deepEqual(asked, ["CREATE watched", "UPDATE watched"]);
  });

  it("change a Scale, a status and a custom resource as what they are", async () => {
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "samples.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "samples", kind: "Sample" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: "object",
                properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
              },
            },
          },
        ],
      },
    };
    await create("", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    await create("", "/apis/apps/v1/namespaces/default/deployments", {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { replicas: 1, selector: { matchLabels: { a: "b" } }, template },
    });
    const resources = ["deployments/scale", "deployments/status", "samples"];
    await set("mutating", "kinds", webhook({ rules: [{ ...rule, resources }] }));
    const patches: Readonly<Record<string, object>> = {
      Scale: patchOf([{ op: "replace", path: "/spec/replicas", value: 7 }]),
      Deployment: patchOf([
        { op: "add", path: "/status/observedGeneration", value: 5 },
        { op: "add", path: "/spec/minReadySeconds", value: 5 },
        { op: "add", path: "/metadata/labels", value: { by: "hook" } },
      ]),
      Sample: patchOf([
        { op: "add", path: "/spec", value: { size: 3, unknown: 1 } },
        { op: "add", path: "/zz", value: 1 },
      ]),
    };
    hook.answer = (request, response) =>
      response.end(reviewAnswer(request, patches[request.review.request.kind.kind]));
    const deployment = "/apis/apps/v1/namespaces/default/deployments/d";
    const change = (path: string, body: object) =>
      api.admin.call("PATCH", path, { body, type: "application/merge-patch+json" });
    assert.equal((await change(`${deployment}/scale`, { spec: { replicas: 2 } })).body.spec.replicas, 7);
    const reported = await change(`${deployment}/status`, { status: { replicas: 1 } });
    assert.equal(reported.body.status.observedGeneration, 5);
    // What who reports may not change, who changes the report may not either.
    const { spec, metadata } = reported.body;
    assert.deepEqual([spec.minReadySeconds, metadata.labels], [undefined, undefined]);
    const samples = "/apis/example.com/v1/namespaces/default/samples";
    const ready = async (): Promise<void> => {
      if ((await api.admin.call("GET", samples)).code !== 200) return ready();
    };
    await ready();
    const sample = await create("", samples, {
      apiVersion: "example.com/v1",
      kind: "Sample",
      metadata: { name: "s" },
    });
    assert.deepEqual([sample.code, sample.body.spec, sample.body.zz], [201, { size: 3 }, undefined]);
  });

  it("may refuse a session before it begins", async () => {
    await create("", "/api/v1/namespaces/default/pods", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { containers: [{ name: "c", image: "i" }] },
    });
    await set("validating", "sessions", webhook({ rules: [{ ...rule, resources: ["pods/exec"] }] }));
    hook.answer = deny("nobody goes in");
    const { code, body } = await create("", "/api/v1/namespaces/default/pods/p/exec?command=sh", {});
    assert.deepEqual(
      [code, body.message],
      [400, 'admission webhook "w-w.example.com" denied the request: nobody goes in'],
    );
  });

  it("are not asked about configurations of webhooks, so that a bad one can be mended", async () => {
    await set("validating", "everything", webhook({ rules: [{ ...rule, resources: ["*/*"] }] }));
    hook.answer = deny("never");
    await unconfigure(api.admin, "validating", "everything");
    assert.deepEqual(paths(), []);
  });

  it("are reached by a service: at its endpoint, under its name", async () => {
    const own = await startTestHook({ dnsNames: ["hooks.default.svc"] });
    try {
      const ports = [{ name: "https", port: 8443, targetPort: own.port }];
      await create("", "/api/v1/namespaces/default/services", {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "hooks" },
        spec: { ports },
      });
      const service = { namespace: "default", name: "hooks", port: 8443, path: "/by-service" };
      const clientConfig = { service, caBundle: own.caBundle };
      await set("validating", "service", webhook({ clientConfig }));
      const lost = await create("lost");
      assert.equal(
        lost.body.message,
        'Internal error occurred: failed calling webhook "w-w.example.com": failed to call webhook: Post "https://hooks.default.svc:8443/by-service?timeout=10s": no endpoints available for service "hooks"',
      );
      await create("", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "hooks-1", labels: { "kubernetes.io/service-name": "hooks" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
        ports: [{ name: "https", port: own.port, protocol: "TCP" }],
      });
      assert.equal((await create("found")).code, 201);
      assert.equal((await create("found-again")).code, 201);
      assert.deepEqual(
        own.seen.map(({ path, headers }) => [path, headers.host]),
        Array(2).fill(["/by-service?timeout=10s", "hooks.default.svc:8443"]),
      );
      assert.equal(own.connections(), 1);
    } finally {
      await own.stop();
    }
  });

  const fails = async (name: string, clientConfig: object): Promise<string> => {
    await set("validating", name, webhook({ clientConfig }));
    return (await create(name)).body.message;
  };
  const failed =
    'Internal error occurred: failed calling webhook "w-w.example.com": failed to call webhook: ';

  it("are asked at their path as Go joins it: without empty parts, dots and a last slash", async () => {
    for (const path of ["//w", "/a/../w/", "/./w"])
      await set(
        "validating",
        `path-${path.length}`,
        webhook({ clientConfig: { url: hook.url(path), caBundle: hook.caBundle } }),
      );
    assert.equal((await create("joined")).code, 201);
    assert.deepEqual(paths(), ["/w", "/w", "/w"]);
    assert.equal(
      await fails("refused", { url: "https://127.0.0.1:1//a/../b/" }),
      `${failed}Post "https://127.0.0.1:1/b?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`,
    );
  });

  it("may have their own certificate named in place of an authority, as envtest does", async () => {
    const caBundle = Buffer.from(hook.certificatePem).toString("base64");
    await set("validating", "own", webhook({ clientConfig: { url: hook.url("/w"), caBundle } }));
    assert.equal((await create("own")).code, 201);
  });

  it("that nobody vouches for, of another name, or that are not there, fail in Go's words", async () => {
    const stranger = await startTestHook();
    const other = await startTestHook({ dnsNames: ["other.example.com"], addresses: ["127.0.0.2"] });
    const url = (port: number) => `https://127.0.0.1:${port}/w`;
    const post = (port: number) => `${failed}Post "${url(port)}?timeout=10s": `;
    const x509 = "tls: failed to verify certificate: x509: ";
    try {
      assert.equal(
        await fails("unknown", { url: url(stranger.port), caBundle: hook.caBundle }),
        `${post(stranger.port)}${x509}certificate signed by unknown authority`,
      );
      await unconfigure(api.admin, "validating", "unknown");
      assert.equal(
        await fails("other", { url: url(other.port), caBundle: other.caBundle }),
        `${post(other.port)}${x509}certificate is valid for 127.0.0.2, not 127.0.0.1`,
      );
      await unconfigure(api.admin, "validating", "other");
      const { port } = stranger;
      await stranger.stop();
      assert.equal(
        await fails("absent", { url: url(port), caBundle: stranger.caBundle }),
        `${post(port)}dial tcp 127.0.0.1:${port}: connect: connection refused`,
      );
      await unconfigure(api.admin, "validating", "absent");
    } finally {
      await other.stop();
    }
  });

  it("that never end their answer are cut off at a bound, and one that breaks off is a failure", async () => {
    await set("validating", "endless", webhook());
    hook.answer = (_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1024 * 1024, 32)));
      };
      response.on("drain", more);
      more();
    };
    const { body } = await create("endless");
    assert.match(body.message, /the answer is longer than 8388608 bytes$/);
    hook.answer = (_, response) => {
      response.writeHead(200, { "Content-Length": "1000" });
      response.write("{");
      setImmediate(() => response.destroy());
    };
    assert.match((await create("broken")).body.message, /: (unexpected )?EOF$/);
  });

  it("are counted under Kubernetes' names", async () => {
    await set("validating", "counted", webhook({}, "/counted"));
    hook.answer = deny("no");
    await create("counted");
    const { text } = await api.admin.call("GET", "/metrics");
    const labels = 'name="w-counted.example.com",type="validating",operation="CREATE"';
    assert.ok(
      text.includes(`apiserver_admission_webhook_request_total{${labels},code="400",rejected="true"} 1`),
    );
    assert.ok(
      text.includes(
        `apiserver_admission_webhook_rejection_count{${labels},error_type="no_error",rejection_code="400"} 1`,
      ),
    );
    assert.ok(text.includes("apiserver_admission_webhook_admission_duration_seconds_bucket"));
    const part = 'name="ValidatingAdmissionWebhook",operation="CREATE",rejected="true",type="validate"';
    assert.ok(text.includes(`apiserver_admission_controller_admission_duration_seconds_count{${part}}`));
    const whole = 'operation="CREATE",rejected="true",type="validate"';
    assert.ok(text.includes(`apiserver_admission_step_admission_duration_seconds_count{${whole}}`));
  });

  it("have their match conditions counted, and those that cannot be evaluated", async () => {
    const conditions = (...expressions: string[]) => ({
      matchConditions: expressions.map((expression, at) => ({ name: `c${at}`, expression })),
    });
    const broken = webhook(conditions("object.none == 'x'"), "/broken");
    const other = webhook(conditions("object.metadata.name == 'other'"), "/other");
    await set("validating", "conditions", { ...broken, failurePolicy: "Ignore" }, other);
    await create("matched");
    assert.deepEqual(paths(), []);
    const { text } = await api.admin.call("GET", "/metrics");
    const said = (name: string, of: string) => {
      const line = text.split("\n").find((one) => one.startsWith(`${name}{`) && one.includes(`"${of}"`));
      return line?.slice(name.length);
    };
    const labels = (of: string) => `{kind="webhook",name="${of}",operation="CREATE",type="validating"}`;
    const [first, second] = ["w-broken.example.com", "w-other.example.com"];
    for (const of of [first, second])
      assert.equal(
        said("apiserver_admission_match_condition_evaluation_seconds_count", of),
        `${labels(of)} 1`,
      );
    const errors = "apiserver_admission_match_condition_evaluation_errors_total";
    assert.equal(said(errors, first), `${labels(first)} 1`);
    assert.equal(said(errors, second), undefined);
  });
});

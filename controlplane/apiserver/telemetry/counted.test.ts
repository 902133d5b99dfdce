import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { configMap, configMaps } from "../testing-objects.ts";

describe("what is counted, as Kubernetes' dashboards and alerts read it", () => {
  let server: TestApiserver;
  let text = "";
  /** The sum of a family's samples that have these labels. */
  const sum = (name: string, labels: Readonly<Record<string, string>> = {}) => {
    let total = 0;
    for (const line of text.split("\n")) {
      const [, found, said = "", value = "0"] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const fits = Object.entries(labels).every(([label, one]) =>
        `,${said},`.includes(`,${label}="${one}",`),
      );
      if (found === name && fits) total += Number(value);
    }
    return total;
  };
  before(async () => {
    server = await startTestApiserver();
    const { admin, stranger } = server;
    const nobody = await server.clientFor("nobody");
    await stranger.call("GET", configMaps, { headers: { authorization: "Bearer unknown" } });
    await nobody.call("GET", configMaps);
    await admin.call("GET", `${configMaps}/absent`);
    await admin.call("GET", `${configMaps}?resourceVersion=abc`);
    await admin.call("POST", `${configMaps}?fieldValidation=Strict`, { body: configMap("a") });
    await admin.call("GET", configMaps, { headers: { "impersonate-user": "jane" } });
    await nobody.call("GET", configMaps, { headers: { "impersonate-user": "jane" } });
    const labels = { "pod-security.kubernetes.io/enforce": "baseline" };
    await admin.call("POST", "/api/v1/namespaces", {
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "held", labels } },
    });
    const pod = (name: string, hostNetwork: boolean) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { hostNetwork, containers: [{ name: "c", image: "i" }] },
    });
    await admin.call("POST", "/api/v1/namespaces/held/pods", { body: pod("a", true) });
    await admin.call("POST", "/api/v1/namespaces/held/pods", { body: pod("b", false) });
    text = (await admin.call("GET", "/metrics")).text;
  });
  after(() => server.stop());

  for (const code of ["401", "403", "404", "400", "201"])
    it(`has requests that were answered with ${code} in apiserver_request_total`, () =>
      assert.ok(sum("apiserver_request_total", { resource: "configmaps", code }) >= 1));

  it("has how long the certificates of senders are still good for", () => {
    const name = "apiserver_client_certificate_expiration_seconds";
    assert.ok(sum(`${name}_count`) >= 5);
    assert.equal(sum(`${name}_bucket`, { le: "0" }), 0);
  });

  it("has attempts to act as somebody else, by what came of them", () => {
    const name = "apiserver_impersonation_attempts_total";
    assert.equal(sum(name, { mode: "user-info", decision: "allowed" }), 1);
    assert.equal(sum(name, { mode: "", decision: "denied" }), 1);
  });

  it("has what was asked for those attempts", () => {
    const name = "apiserver_impersonation_authorization_attempts_total";
    assert.equal(sum(name, { mode: "user-info", decision: "allowed" }), 2);
    assert.equal(sum(name, { mode: "legacy", decision: "denied" }), 1);
  });

  it("has lists by what they were looked up by, changes by kind, and what was waited for them", async () => {
    const labels = { group: "", resource: "configmaps" };
    const names = ["apiserver_cache_list_total", "apiserver_watch_cache_events_received_total"];
    const counts = async () => {
      text = (await server.admin.call("GET", "/metrics")).text;
      return names.map((name) => sum(name, labels));
    };
    const [lists = 0, changes = 0] = await counts();
    const watch = await server.admin.openWatch(`${configMaps}?watch=1&resourceVersion=0`);
    await server.admin.call("POST", configMaps, { body: configMap("counted") });
    for await (const { object } of watch) if (object.metadata.name === "counted") break;
    await server.admin.call("GET", configMaps);
    assert.deepEqual(await counts(), [lists + 1, changes + 1]);
    assert.ok(sum("apiserver_watch_cache_events_dispatched_total", labels) >= 1);
    assert.equal(sum("apiserver_watch_cache_initializations_total", labels), 1);
    assert.ok(sum("apiserver_watch_cache_read_wait_seconds_count", labels) >= 1);
    assert.ok(sum("apiserver_watch_cache_consistent_read_total", { ...labels, success: "true" }) >= 1);
    assert.ok(sum("apiserver_init_events_total", labels) >= 1);
    assert.ok(sum("apiserver_storage_list_total", labels) >= 1);
  });

  it("has writes by the field validation that they ask for", () =>
    assert.equal(sum("field_validation_request_duration_seconds_count", { field_validation: "Strict" }), 1));

  it("has what PodSecurity decided", () => {
    const about = { mode: "enforce", policy_level: "baseline", policy_version: "latest", resource: "pod" };
    for (const decision of ["deny", "allow"])
      assert.equal(sum("pod_security_evaluations_total", { ...about, decision }), 1);
  });

  it("has how long the rules of custom resources take", async () => {
    const counts = () =>
      ["compilation", "evaluation"].map((what) => sum(`apiserver_cel_${what}_duration_seconds_count`));
    text = (await server.admin.call("GET", "/metrics")).text;
    const before = counts();
    const names = { plural: "bounds", singular: "bound", kind: "Bound" };
    const rule = { rule: "self.most > 0" };
    const schema = {
      type: "object",
      properties: {
        spec: {
          type: "object",
          properties: { most: { type: "integer" } },
          "x-kubernetes-validations": [rule, rule],
        },
      },
    };
    const version = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } };
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "bounds.example.com" },
      spec: { group: "example.com", names, scope: "Namespaced", versions: [version] },
    };
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert.equal((await server.admin.call("POST", definitions, { body: definition })).code, 201);
    const body = { apiVersion: "example.com/v1", kind: "Bound", metadata: { name: "a" }, spec: { most: 1 } };
    const made = await server.admin.call("POST", "/apis/example.com/v1/namespaces/default/bounds", { body });
    assert.equal(made.code, 201);
    text = (await server.admin.call("GET", "/metrics")).text;
    const [compiled = 0, run = 0] = counts().map((count, at) => count - (before[at] ?? 0));
    assert.ok(compiled >= 1);
    assert.equal(run, 1);
  });

  it("has every APIService, and which of them cannot be reached", async () => {
    const name = "v1.remote.example.com";
    const spec = { group: "remote.example.com", version: "v1", groupPriorityMinimum: 1, versionPriority: 1 };
    const service = { namespace: "default", name: "absent", port: 443 };
    await server.admin.call("POST", "/apis/apiregistration.k8s.io/v1/apiservices", {
      body: {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name },
        spec: { ...spec, service, insecureSkipTLSVerify: true },
      },
    });
    const watch = await server.admin.openWatch(
      `/apis/apiregistration.k8s.io/v1/apiservices?watch=1&fieldSelector=metadata.name=${name}`,
    );
    for await (const { object } of watch) if (object.status?.conditions?.length) break;
    text = (await server.admin.call("GET", "/metrics")).text;
    assert.equal(sum("aggregator_unavailable_apiservice", { name }), 1);
    assert.equal(sum("aggregator_unavailable_apiservice", { name: "v1.apps" }), 0);
    assert.match(text, /^aggregator_unavailable_apiservice\{name="v1.apps"\} 0$/m);
    const reason = "ServiceNotFound";
    assert.equal(sum("aggregator_unavailable_apiservice_total", { name, reason }), 1);
  });
});

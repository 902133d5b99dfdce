import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { readRules } from "./custommetrics/rules/read-rules.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const custom = "/apis/custom.metrics.k8s.io";
const external = "/apis/external.metrics.k8s.io/v1beta1";
const services = "/apis/apiregistration.k8s.io/v1/apiservices";

function rules() {
  const problems: string[] = [];
  const read = readRules(
    `
rules:
- {seriesQuery: a, resources: {template: "<<.Resource>>"}, metricsQuery: "sum(<<.Series>>) by (<<.GroupBy>>)"}
externalRules:
- {seriesQuery: b, metricsQuery: "sum(<<.Series>>)"}
`,
    problems,
  );
  assert.deepEqual(problems, []);
  return read;
}

describe("custom metrics and whoever else serves them", () => {
  let authority: Certificate;
  before(async () => {
    authority = await createAuthority({ name: "cluster-ca" });
  });
  const start = async (storage: MemoryStorage, serves: boolean) => {
    const proxy = await issueCertificate(authority, { commonName: "front-proxy-client", usage: "client" });
    return startTestApiserver({
      authority,
      storage,
      config: {
        customMetrics: serves ? { rules: rules(), prometheus: undefined } : undefined,
        proxyCertificate: { cert: proxy.certificatePem, key: proxy.privateKeyPem },
      },
    });
  };
  const name = "v1beta1.custom.metrics.k8s.io";
  /** Once the APIServices that `holds` are there. */
  const untilServices = async (
    api: TestApiserver,
    holds: (byName: ReadonlyMap<string, string>) => boolean,
  ) => {
    const byName = new Map<string, string>();
    for await (const { type, object } of api.admin.watch(`${services}?watch=true`)) {
      if (type === "DELETED") byName.delete(object.metadata.name);
      else byName.set(object.metadata.name, object.status?.conditions?.[0]?.reason ?? "");
      if (holds(byName)) return;
    }
    throw new Error("the watch ended");
  };

  it("are not there without rules, and their APIServices go where a server starts without", async () => {
    const storage = new MemoryStorage(systemClock);
    const first = await start(storage, true);
    await untilServices(
      first,
      (all) => all.get(name) === "Local" && all.get("v1beta1.external.metrics.k8s.io") === "Local",
    );
    await first.stop();
    const second = await start(storage, false);
    // `own` is made at each start and tells that the others were looked at.
    await untilServices(second, (all) => all.get("v1.apps") === "Local" && !all.has(name));
    for (const path of [custom, `${custom}/v1beta2`, external])
      assert.equal((await second.admin.call("GET", path)).code, 404);
    await second.stop();
  });

  it("are an adapter's that is installed, in every version, and this server's again when that is gone", async () => {
    const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
      commonName: "adapter",
      dnsNames: ["prometheus-adapter.monitoring.svc"],
      usage: "server",
    });
    const root = `${custom}/v1beta1`;
    const other = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
      const { pathname } = new URL(request.url ?? "/", "https://other");
      const found = pathname === root || pathname === `${root}/namespaces/a/pods/b/c`;
      response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "APIResourceList", groupVersion: "the other's", resources: [] }));
    });
    await once(other.listen(0, "127.0.0.1"), "listening");
    const { port } = other.address() as AddressInfo;
    const api = await start(new MemoryStorage(systemClock), true);
    await untilServices(api, (all) => all.get(name) === "Local");
    await api.admin.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "monitoring" } } });
    await api.admin.call("POST", "/api/v1/namespaces/monitoring/services", {
      body: {
        metadata: { name: "prometheus-adapter" },
        spec: { type: "ExternalName", externalName: "localhost" },
      },
    });
    const spec = {
      group: "custom.metrics.k8s.io",
      version: "v1beta1",
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: "monitoring", name: "prometheus-adapter", port },
    };
    // As kubectl applies the adapter's manifest over what is there.
    await api.admin.call("PATCH", `${services}/${name}`, {
      body: { spec },
      type: "application/merge-patch+json",
    });
    await untilServices(
      api,
      (all) => all.get(name) === "Passed" && !all.has("v1beta2.custom.metrics.k8s.io"),
    );
    const asked = async () => (await api.admin.call("GET", `${root}/namespaces/a/pods/b/c`)).body;
    assert.equal((await asked()).groupVersion, "the other's");
    const versions = async () =>
      (await api.admin.call("GET", custom)).body.versions.map(({ version }: { version: string }) => version);
    assert.deepEqual(await versions(), ["v1beta1"]);
    assert.equal((await api.admin.call("GET", `${custom}/v1beta2/namespaces/a/pods/b/c`)).code, 404);
    assert.equal((await api.admin.call("GET", external)).code, 200);
    await api.admin.call("DELETE", `${services}/${name}`);
    await untilServices(
      api,
      (all) => all.get(name) === "Local" && all.get("v1beta2.custom.metrics.k8s.io") === "Local",
    );
    assert.deepEqual(await versions(), ["v1beta2", "v1beta1"]);
    assert.equal((await asked()).message, "the server could not find the metric c for pods");
    await api.stop();
    other.closeAllConnections();
    other.close();
  });
});

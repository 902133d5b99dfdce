import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const group = "/apis/networking.k8s.io/v1";
const services = "/api/v1/namespaces/default/services";

describe("addresses of services", () => {
  let storage: MemoryStorage;
  let server: TestApiserver;
  beforeEach(async () => {
    storage = new MemoryStorage(systemClock);
    server = await startTestApiserver({ storage });
  });
  afterEach(() => server.stop());

  const make = async (name: string, spec: object = {}) => {
    const body = { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
    return (await server.admin.call("POST", services, { body })).body;
  };
  const ask = (path: string, method = "GET") => server.admin.call(method, `${group}${path}`);

  it("are shown by an object each, which comes and goes with the service", async () => {
    const { spec } = await make("web");
    const { code, body } = await ask(`/ipaddresses/${spec.clusterIP}`);
    assert.equal(code, 200);
    assert.deepEqual(body.spec, { parentRef: { resource: "services", namespace: "default", name: "web" } });
    assert.deepEqual(body.metadata.labels, {
      "ipaddress.kubernetes.io/ip-family": "IPv4",
      "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    });
    await server.admin.call("DELETE", `${services}/web`);
    assert.equal((await ask(`/ipaddresses/${spec.clusterIP}`)).code, 404);
    assert.equal((await ask("/ipaddresses/10.96.0.1")).body.spec.parentRef.name, "kubernetes");
  });

  it("are not handed out while somebody else has an object for them", async () => {
    const parentRef = { resource: "services", namespace: "default", name: "other" };
    const body = { metadata: { name: "10.96.7.7" }, spec: { parentRef } };
    await server.admin.call("POST", `${group}/ipaddresses`, { body });
    const refused = await make("web", { clusterIP: "10.96.7.7" });
    assert.match(refused.message, /failed to allocate IP 10\.96\.7\.7: provided IP is already allocated/);
    await ask("/ipaddresses/10.96.7.7", "DELETE");
    assert.equal((await make("web", { clusterIP: "10.96.7.7" })).spec.clusterIP, "10.96.7.7");
  });

  it("get their object back, and lose that of a service that is gone, when a server starts", async () => {
    const { spec } = await make("web");
    await ask(`/ipaddresses/${spec.clusterIP}`, "DELETE");
    const labels = { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" };
    const parentRef = { resource: "services", namespace: "default", name: "gone" };
    for (const [name, own] of [
      ["10.96.9.9", labels],
      ["10.96.9.8", {}],
    ] as const)
      await server.admin.call("POST", `${group}/ipaddresses`, {
        body: { metadata: { name, labels: own }, spec: { parentRef } },
      });
    const second = await startTestApiserver({ storage, authority: server.authority });
    const seen = await second.admin.call("GET", `${group}/ipaddresses`);
    await second.stop();
    const names = seen.body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    assert.ok(names.includes(spec.clusterIP));
    assert.ok(!names.includes("10.96.9.9"));
    assert.ok(names.includes("10.96.9.8"), "what others made is theirs");
  });

  it("are of a range that a ServiceCIDR shows, which is ready", async () => {
    const { body } = await ask("/servicecidrs/kubernetes");
    assert.deepEqual(body.spec, { cidrs: ["10.96.0.0/16"] });
    const [{ lastTransitionTime: _, ...condition }] = body.status.conditions;
    assert.deepEqual(condition, {
      type: "Ready",
      status: "True",
      reason: "",
      message: "Kubernetes default Service CIDR is ready",
    });
  });
});

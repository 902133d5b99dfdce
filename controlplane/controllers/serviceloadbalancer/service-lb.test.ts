import assert from "node:assert/strict";
import { parseFlags } from "../../../base/os/flags.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { Service } from "../../../client/types.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../flags.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { serviceLbController } from "./service-lb-controller.ts";

describe("controllers: addresses of load balancers", () => {
  const config = (...flags: string[]) =>
    controllerManagerConfig(parseFlags(controllerManagerFlags, flags).flags);

  it("are nobody's to give unless a flag says so", () => {
    assert.equal(serviceLbController.enabled?.(config()), false);
    assert.equal(serviceLbController.enabled?.(config("--service-load-balancer=nodes")), true);
    assert.throws(
      () => config("--service-load-balancer=cloud"),
      /--service-load-balancer: "cloud" is neither none, nodes nor pool/,
    );
    assert.deepEqual(config("--service-load-balancer-pool=10.9.0.1-10.9.0.2").balancing?.by, undefined);
    assert.throws(() => config("--service-load-balancer=pool"), /pool: needs --service-load-balancer-pool/);
    assert.throws(
      () => config("--service-load-balancer-pool=fd00::/129"),
      /--service-load-balancer-pool: "fd00::\/129" is not FIRST-LAST/,
    );
    for (const port of ["0", "65536", "ssh"])
      assert.throws(
        () => config(`--service-load-balancer-kept-ports=${port}`),
        /--service-load-balancer-kept-ports: ".*" is not a port from 1 to 65535/,
      );
  });

  it("are written one by one: what fails for one Service holds up no other", async () => {
    const api = new FakeApi();
    await api.create(resources.nodes, {
      metadata: { name: "a" },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      },
    });
    for (const [at, name] of ["refused", "web"].entries())
      await api.create(resources.services, {
        metadata: { name, namespace: "ns" },
        spec: { type: "LoadBalancer", ports: [{ port: 80 + at, protocol: "TCP" }] },
      });
    api.intercept = ({ resource, body }) => {
      const { metadata } = (body ?? {}) as Partial<Service>;
      const isRefused = resource === "services" && metadata?.name === "refused";
      return isRefused ? Promise.reject(new Error("no")) : Promise.resolve(undefined);
    };
    const rig = await controllerRig(serviceLbController, { api, flags: ["--service-load-balancer=nodes"] });
    await assert.rejects(rig.settle(), /no/);
    const given = api.all(resources.services).map(({ metadata, status }) => {
      return [metadata.name, (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip)];
    });
    assert.deepEqual(given, [
      ["refused", []],
      ["web", ["10.0.0.1"]],
    ]);
    await rig.stop();
  });

  it("are given once nobody else has the port: no Service as its node port, no pod as its host port", async () => {
    const api = new FakeApi();
    const status = {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
    };
    await api.create(resources.nodes, { metadata: { name: "a" }, status });
    const make = (name: string, spec: object) =>
      api.create(resources.services, { metadata: { name, namespace: "ns" }, spec });
    await make("first", { type: "NodePort", ports: [{ port: 1, nodePort: 30_080, protocol: "TCP" }] });
    const containers = [{ name: "c", ports: [{ containerPort: 1, hostPort: 8443 }] }];
    await api.create(resources.pods, { metadata: { name: "edge", namespace: "ns" }, spec: { containers } });
    // Its own node port is no other's.
    const ports = [30_080, 8443].map((port) => ({
      name: `p${port}`,
      port,
      nodePort: 32_000,
      protocol: "TCP",
    }));
    ports.push({ name: "same", port: 32_000, nodePort: 32_000, protocol: "TCP" });
    await make("web", { type: "LoadBalancer", ports });
    const rig = await controllerRig(serviceLbController, { api, flags: ["--service-load-balancer=nodes"] });
    const web = async () => (await api.get(resources.services, { namespace: "ns", name: "web" })).status;
    const why = async () => (await web())?.conditions?.[0]?.message;
    await rig.settle();
    assert.equal(await why(), "port 30080/TCP is a node port of Service ns/first");
    await api.delete(resources.services, { namespace: "ns", name: "first" });
    await rig.settle();
    assert.equal(await why(), "port 8443/TCP is a host port of Pod ns/edge");
    await api.delete(resources.pods, { namespace: "ns", name: "edge" });
    await rig.settle();
    assert.deepEqual((await web())?.loadBalancer?.ingress, [{ ip: "10.0.0.1", ipMode: "VIP" }]);
    await make("late", { type: "NodePort", ports: [{ port: 1, nodePort: 30_080, protocol: "TCP" }] });
    await rig.settle();
    assert.equal(await why(), "port 30080/TCP is a node port of Service ns/late");
    await rig.stop();
  });

  it("follow the nodes, and are said in an event", async () => {
    const api = new FakeApi();
    const ready = (status: string) => [{ type: "Ready", status }];
    const addresses = [{ type: "InternalIP", address: "10.0.0.1" }];
    const node = await api.create(resources.nodes, {
      metadata: { name: "a" },
      status: { conditions: ready("True"), addresses },
    });
    const spec = { type: "LoadBalancer", ports: [{ port: 80, protocol: "TCP" }] };
    await api.create(resources.services, { metadata: { name: "web", namespace: "ns" }, spec });
    const rig = await controllerRig(serviceLbController, { api, flags: ["--service-load-balancer=nodes"] });
    const ingress = async () =>
      (await api.get(resources.services, { namespace: "ns", name: "web" })).status?.loadBalancer?.ingress;
    await rig.settle();
    assert.deepEqual(await ingress(), [{ ip: "10.0.0.1", ipMode: "VIP" }]);
    assert.deepEqual(rig.events, ["Normal EnsuredLoadBalancer: Ensured load balancer: 10.0.0.1"]);
    await api.updateStatus(resources.nodes, {
      ...node,
      status: { conditions: ready("False"), addresses },
    });
    await rig.settle();
    assert.equal(await ingress(), undefined);
    assert.match(rig.events[1] ?? "", /^Warning SyncLoadBalancerFailed: .*no node that is ready/);
    await rig.stop();
  });
});

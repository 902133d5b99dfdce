import assert from "node:assert/strict";
import { parseFlags } from "../../../base/os/flags.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
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
      /--service-load-balancer: "cloud" is neither/,
    );
    for (const port of ["0", "65536", "ssh"])
      assert.throws(
        () => config(`--service-load-balancer-kept-ports=${port}`),
        /--service-load-balancer-kept-ports: ".*" is not a port from 1 to 65535/,
      );
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

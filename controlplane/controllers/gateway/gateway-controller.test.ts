import assert from "node:assert/strict";
import { createAuthority, createSelfSigned } from "../../../base/os/pki.ts";
import { definitions } from "../../../client/definitions.ts";
import { type Gateway, gatewayResources } from "../../../client/gateway/gateway-types.ts";
import {
  gateway,
  gatewayClass,
  grant,
  httpRoute,
  tlsPolicy,
} from "../../../client/gateway/testing/gateway-objects.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { Condition } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { gatewayController } from "./gateway-controller.ts";
import { serviceName } from "./plan-gateway-services.ts";

describe("controllers: Gateway API", () => {
  type Rig = Awaited<ReturnType<typeof controllerRig>>;
  let api: FakeApi;
  let rig: Rig;

  const define = () =>
    api.create(definitions, {
      metadata: { name: "gatewayclasses.gateway.networking.k8s.io" },
      status: { conditions: [{ type: "Established", status: "True" }] },
    });
  const node = (name: string, address: string, ports: object) => ({
    metadata: { name, annotations: { "pintle.dev/gateway-ports": JSON.stringify(ports) } },
    status: {
      addresses: [{ type: "InternalIP", address }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
  /** Lets all that waits be done, with the time that passes until then. */
  const settle = async () => {
    for (let round = 0; round < 10; round++) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      rig.clock.advance(100);
      await rig.settle();
    }
  };
  const said = (list: readonly Condition[] | undefined) =>
    Object.fromEntries((list ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  const stored = (name: string): Gateway => {
    const found = api.all(gatewayResources.gateways).find(({ metadata }) => metadata.name === name);
    assert.ok(found);
    return found;
  };
  const parentsOf = (name: string) =>
    (
      api.all(gatewayResources.httproutes).find(({ metadata }) => metadata.name === name)?.status?.parents ??
      []
    ).map(({ parentRef, conditions }) => [parentRef.name, said(conditions)]);

  beforeEach(async () => {
    api = new FakeApi();
    rig = await controllerRig(gatewayController, {
      api,
      flags: ["--service-load-balancer-pool=192.0.2.1-192.0.2.9"],
    });
  });
  afterEach(() => rig.stop());

  it("looks for nothing while the kinds are not defined, and for classes alone while none is ours", async () => {
    const watched: string[] = [];
    api.intercept = async ({ resource }) => {
      watched.push(resource);
      return undefined;
    };
    await api.create(resources.services, { metadata: { name: "web", namespace: "ns" }, spec: {} });
    await settle();
    assert.deepEqual(
      watched.filter((one) => gatewayKinds.has(one)),
      [],
    );
    await define();
    await api.create(
      gatewayResources.gatewayclasses,
      gatewayClass("theirs", { controllerName: "example.com/x" }),
    );
    await settle();
    assert.deepEqual([...new Set(watched.filter((one) => gatewayKinds.has(one)))], ["gatewayclasses"]);
    assert.deepEqual(api.all(gatewayResources.gatewayclasses)[0]?.status, undefined);
  });

  it("gives a Gateway its address by a Service whose endpoints are where nodes answer, and takes it back", async () => {
    await define();
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    await api.create(gatewayResources.gateways, gateway("gw", { infrastructure: { labels: { team: "a" } } }));
    await settle();
    assert.deepEqual(said(api.all(gatewayResources.gatewayclasses)[0]?.status?.conditions), {
      Accepted: "True Accepted",
    });
    const name = serviceName(stored("gw"));
    const [service] = api.all(resources.services);
    assert.equal(service?.metadata.name, name);
    assert.equal(service?.metadata.labels?.team, "a");
    assert.deepEqual(service?.spec.loadBalancerClass, "pintle.dev/pool");
    assert.deepEqual(said(stored("gw").status?.conditions), {
      Accepted: "True Accepted",
      Programmed: "False NoResources",
    });
    await api.create(resources.nodes, node("n1", "10.0.0.1", { "ns/gw": { "80": 40_001, "81": 40_002 } }));
    await api.create(resources.nodes, node("liar", "localhost", { "ns/gw": { "80": 40_001 } }));
    await settle();
    const slices = api
      .all(resources.endpointslices)
      .map(({ endpoints, ports }) => [
        endpoints?.map(({ addresses, nodeName }) => `${nodeName} ${addresses}`),
        ports?.map(({ name, port }) => `${name} ${port}`),
      ]);
    assert.deepEqual(slices, [[["n1 10.0.0.1"], ["port-80 40001"]]]);
    assert.deepEqual(said(stored("gw").status?.conditions).Programmed, "False AddressNotAssigned");
    assert.ok(service);
    await api.updateStatus(resources.services, {
      ...api.all(resources.services)[0],
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
    } as never);
    await settle();
    assert.deepEqual(stored("gw").status?.addresses, [{ type: "IPAddress", value: "192.0.2.1" }]);
    assert.deepEqual(said(stored("gw").status?.conditions).Programmed, "True Programmed");
    assert.deepEqual(said(stored("gw").status?.listeners?.[0]?.conditions), {
      Accepted: "True Accepted",
      Conflicted: "False NoConflicts",
      ResolvedRefs: "True ResolvedRefs",
      Programmed: "True Programmed",
    });
    const writes = api.actions.length;
    await settle();
    assert.equal(api.actions.length, writes, "what it says is not said again");
    await api.delete(gatewayResources.gateways, { namespace: "ns", name: "gw" });
    await settle();
    assert.deepEqual([api.all(resources.services), api.all(resources.endpointslices)], [[], []]);
  });

  it("gives it an address of each family that the cluster has, with the nodes' addresses of each behind it", async () => {
    await define();
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    await api.create(gatewayResources.gateways, gateway("gw"));
    const { metadata, status } = node("n1", "10.0.0.1", { "ns/gw": { "80": 40_001 } });
    const addresses = [...status.addresses, { type: "InternalIP", address: "fd00::1" }];
    await api.create(resources.nodes, { metadata, status: { ...status, addresses } });
    await settle();
    const [service = assert.fail()] = api.all(resources.services);
    assert.equal(service.spec.ipFamilyPolicy, "PreferDualStack");
    const slices = api
      .all(resources.endpointslices)
      .map(({ addressType, endpoints }) => `${addressType} ${endpoints?.[0]?.addresses}`);
    assert.deepEqual(slices.sort(), ["IPv4 10.0.0.1", "IPv6 fd00::1"]);
    const ingress = [{ ip: "192.0.2.1" }, { ip: "fd00:9::1" }];
    await api.updateStatus(resources.services, { ...service, status: { loadBalancer: { ingress } } });
    await settle();
    assert.deepEqual(
      stored("gw").status?.addresses?.map(({ value }) => value),
      ["192.0.2.1", "fd00:9::1"],
    );
    // It was made when the cluster had one.
    const [given = assert.fail()] = api.all(resources.services);
    await api.update(resources.services, {
      ...given,
      spec: { ...given.spec, ipFamilyPolicy: "SingleStack" },
    });
    await settle();
    assert.equal(api.all(resources.services)[0]?.spec.ipFamilyPolicy, "PreferDualStack");
  });

  it("leaves a Service alone that has the name already", async () => {
    await define();
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    const name = serviceName(gateway("gw"));
    await api.create(resources.services, {
      metadata: { name, namespace: "ns" },
      spec: { ports: [{ port: 5432 }] },
    });
    await api.create(gatewayResources.gateways, gateway("gw"));
    await settle();
    assert.deepEqual(api.all(resources.services)[0]?.spec.ports, [{ port: 5432 }]);
  });

  it("says of routes where they are attached and whether what they lead to is there", async () => {
    await define();
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    await api.create(gatewayResources.gateways, gateway("gw"));
    const rules = [{ backendRefs: [{ name: "web", port: 80, namespace: "there" }] }];
    await api.create(gatewayResources.httproutes, httpRoute("r", { rules }).route);
    await api.create(
      gatewayResources.httproutes,
      httpRoute("lost", { parentRefs: [{ name: "gw", sectionName: "none" }, { name: "theirs" }] }).route,
    );
    await settle();
    const accepted = "True Accepted";
    assert.deepEqual(parentsOf("r"), [["gw", { Accepted: accepted, ResolvedRefs: "False RefNotPermitted" }]]);
    assert.deepEqual(parentsOf("lost"), [
      ["gw", { Accepted: "False NoMatchingParent", ResolvedRefs: "True ResolvedRefs" }],
    ]);
    assert.equal(stored("gw").status?.listeners?.[0]?.attachedRoutes, 1);
    await api.create(
      gatewayResources.referencegrants,
      grant("there", { kind: "HTTPRoute", namespace: "ns" }, { kind: "Service" }),
    );
    await settle();
    assert.deepEqual(parentsOf("r"), [["gw", { Accepted: accepted, ResolvedRefs: "False BackendNotFound" }]]);
    await api.create(resources.services, {
      metadata: { name: "web", namespace: "there" },
      spec: { ports: [{ port: 80 }] },
    });
    await settle();
    assert.deepEqual(parentsOf("r"), [["gw", { Accepted: accepted, ResolvedRefs: "True ResolvedRefs" }]]);
  });

  it("says of listeners whether their certificates are any, as these come and go", async () => {
    await define();
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    const tls = { certificateRefs: [{ name: "cert" }] };
    await api.create(
      gatewayResources.gateways,
      gateway("gw", { listeners: [{ name: "tls", port: 443, protocol: "HTTPS", tls }] }),
    );
    await settle();
    const resolved = () => said(stored("gw").status?.listeners?.[0]?.conditions).ResolvedRefs;
    assert.equal(resolved(), "False InvalidCertificateRef");
    const own = await createSelfSigned({
      organization: "t",
      hosts: ["a.test"],
      usage: "server",
      validDays: 1,
    });
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    await api.create(resources.secrets, {
      metadata: { name: "cert", namespace: "ns" },
      data: { "tls.crt": base64(own.certificatePem), "tls.key": base64(own.privateKeyPem) },
    });
    await settle();
    assert.equal(resolved(), "True ResolvedRefs");
    await api.delete(resources.secrets, { namespace: "ns", name: "cert" });
    await settle();
    assert.equal(resolved(), "False InvalidCertificateRef");
  });

  it("refuses a Gateway that asks for what is not done, and one without a listener that would do", async () => {
    await define();
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    await api.create(gatewayResources.gateways, gateway("odd", { infrastructure: { parametersRef: {} } }));
    await api.create(
      gatewayResources.gateways,
      gateway("none", { listeners: [{ name: "t", port: 1, protocol: "TCP" }] }),
    );
    await settle();
    assert.equal(said(stored("odd").status?.conditions).Accepted, "False InvalidParameters");
    assert.equal(said(stored("none").status?.conditions).Accepted, "False ListenersNotValid");
    assert.deepEqual(api.all(resources.services), []);
  });

  it("says of policies of TLS whether they hold, for the Gateways whose routes lead to what they are for", async () => {
    await define();
    await api.create(definitions, {
      metadata: { name: "backendtlspolicies.gateway.networking.k8s.io" },
      spec: { versions: [{ name: "v1", served: true }] },
      status: { conditions: [{ type: "Established", status: "True" }] },
    });
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
    await api.create(gatewayResources.gateways, gateway("gw"));
    await api.create(resources.services, {
      metadata: { name: "web", namespace: "ns" },
      spec: { ports: [{ port: 443, appProtocol: "https" }] },
    });
    const rules = [{ backendRefs: [{ name: "web", port: 443 }] }];
    await api.create(gatewayResources.httproutes, httpRoute("r", { rules }).route);
    await settle();
    assert.deepEqual(parentsOf("r")[0]?.[1], {
      Accepted: "True Accepted",
      ResolvedRefs: "False UnsupportedProtocol",
    });
    const validation = {
      hostname: "a.test",
      caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "ca" }],
    };
    await api.create(gatewayResources.backendtlspolicies, tlsPolicy("a", { validation }));
    await api.create(gatewayResources.backendtlspolicies, tlsPolicy("b", { validation }));
    const targetRefs = [{ group: "", kind: "Service", name: "other" }];
    await api.create(gatewayResources.backendtlspolicies, tlsPolicy("c", { validation, targetRefs }));
    await settle();
    const ofPolicy = (name: string) =>
      api
        .all(gatewayResources.backendtlspolicies)
        .find(({ metadata }) => metadata.name === name)
        ?.status?.ancestors.map(({ ancestorRef, conditions }) => [ancestorRef.name, said(conditions)]);
    assert.deepEqual(parentsOf("r")[0]?.[1], {
      Accepted: "True Accepted",
      ResolvedRefs: "True ResolvedRefs",
    });
    assert.deepEqual(ofPolicy("a"), [
      ["gw", { Accepted: "False NoValidCACertificate", ResolvedRefs: "False InvalidCACertificateRef" }],
    ]);
    assert.deepEqual(ofPolicy("b"), [
      ["gw", { Accepted: "False Conflicted", ResolvedRefs: "True ResolvedRefs" }],
    ]);
    assert.equal(ofPolicy("c"), undefined, "nobody's of ours");
    const { certificatePem } = await createAuthority({ name: "ca" });
    await api.create(resources.configmaps, {
      metadata: { name: "ca", namespace: "ns" },
      data: { "ca.crt": certificatePem },
    });
    await settle();
    assert.deepEqual(ofPolicy("a"), [
      ["gw", { Accepted: "True Accepted", ResolvedRefs: "True ResolvedRefs" }],
    ]);
    await api.delete(gatewayResources.httproutes, { namespace: "ns", name: "r" });
    await settle();
    assert.deepEqual(ofPolicy("a"), []);
  });

  const gatewayKinds = new Set(Object.values(gatewayResources).map(({ plural }) => plural));
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { balancedCondition } from "../../../client/rules/load-balancer.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { meta, node, nowMs } from "../testing/objects.ts";
import { type BalancerInput, planLoadBalancers } from "./plan-load-balancers.ts";

type NodeParts = NonNullable<Parameters<typeof node>[1]> & { readonly labels?: Record<string, string> };

describe("the plan of load balancers on nodes", () => {
  const service = (name: string, spec: Partial<Service["spec"]> = {}, more: object = {}): Service => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: meta(name, more),
    spec: { type: "LoadBalancer", ipFamilies: ["IPv4"], ports: [{ port: 80, protocol: "TCP" }], ...spec },
  });
  const at = (name: string, ip: string, { labels = {}, ...more }: NodeParts = {}): Node => {
    const one = node(name, more);
    const addresses = [{ type: "InternalIP", address: ip }];
    const daemonEndpoints = { kubeletEndpoint: { Port: 10_250 } };
    return {
      ...one,
      metadata: { ...one.metadata, labels },
      status: { ...one.status, addresses, daemonEndpoints },
    };
  };
  const input = (services: readonly Service[], more: Partial<BalancerInput> = {}): BalancerInput => ({
    services,
    nodes: [at("b", "10.0.0.2"), at("a", "10.0.0.1")],
    slicesOf: () => [],
    apiServers: new Set(["10.0.0.1:6443"]),
    keptPorts: new Set([22]),
    by: "nodes",
    pool: [],
    heldBy: () => undefined,
    nowMs,
    ...more,
  });
  /** All services once the plan is carried out. */
  const carriedOut = (given: BalancerInput): readonly Service[] => {
    const changes = new Map(planLoadBalancers(given).map(({ service, status }) => [service, status]));
    return given.services.map((one) => ({ ...one, status: changes.get(one) ?? one.status }) as Service);
  };
  const said = (one: Service | undefined) => {
    const ips = (one?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join(" ");
    const condition = one?.status?.conditions?.find(({ type }) => type === balancedCondition);
    return ips || (condition && `${condition.reason}: ${condition.message}`) || "nothing";
  };
  const verdict = (spec: Partial<Service["spec"]>, more: Partial<BalancerInput> = {}) =>
    said(carriedOut(input([service("web", spec)], more))[0]);

  it("gives a Service the nodes' addresses, and then has nothing to do", () => {
    const [web = assert.fail()] = carriedOut(input([service("web")]));
    assert.deepEqual(web.status?.loadBalancer, {
      ingress: [
        { ip: "10.0.0.1", ipMode: "VIP" },
        { ip: "10.0.0.2", ipMode: "VIP" },
      ],
    });
    assert.deepEqual(planLoadBalancers(input([web], { nowMs: nowMs + 1 })), []);
  });

  it("leaves out nodes that are not ready, are to be left out or are about to go", () => {
    const label = "node.kubernetes.io/exclude-from-external-load-balancers";
    const taints = [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }];
    const nodes = [
      at("a", "10.0.0.1", { ready: "Unknown" }),
      at("b", "10.0.0.2", { labels: { [label]: "" } }),
      at("c", "10.0.0.3", { spec: { taints } }),
      at("d", "10.0.0.4"),
    ];
    assert.equal(verdict({}, { nodes }), "10.0.0.4");
    assert.equal(verdict({}, { nodes: [] }), "NoNode: no node that is ready has an address of its families");
  });

  it("prefers addresses for the outside, of the Service's families, and takes the one that is asked for", () => {
    const both = at("a", "fd00::1");
    both.status?.addresses?.push({ type: "InternalIP", address: "10.0.0.1" });
    assert.equal(verdict({ ipFamilies: ["IPv4", "IPv6"] }, { nodes: [both] }), "10.0.0.1 fd00::1");
    both.status?.addresses?.push({ type: "ExternalIP", address: "192.0.2.1" });
    assert.equal(verdict({}, { nodes: [both] }), "192.0.2.1");
    assert.equal(verdict({ loadBalancerIP: "10.0.0.2" }), "10.0.0.2");
    assert.match(verdict({ loadBalancerIP: "10.0.0.9" }), /^NoNode: .* has the address 10\.0\.0\.9$/);
  });

  it("takes nodes with a ready endpoint where traffic keeps to them", () => {
    const endpoints = [
      { addresses: ["10.1.0.1"], nodeName: "a", conditions: { ready: false } },
      { addresses: ["10.1.0.2"], nodeName: "b", conditions: { ready: true } },
    ];
    const slicesOf = () => [{ addressType: "IPv4", endpoints } as unknown as EndpointSlice];
    assert.equal(verdict({ externalTrafficPolicy: "Local" }, { slicesOf }), "10.0.0.2");
    assert.match(verdict({ externalTrafficPolicy: "Local" }), /endpoint that is ready$/);
  });

  it("gives nobody the ports of agents, of API servers, and those that are kept", () => {
    for (const port of [22, 10_250, 6443]) assert.match(verdict({ ports: [{ port }] }), /^PortKept: /);
    assert.equal(verdict({ ports: [{ port: 10_250, protocol: "UDP" }] }), "10.0.0.1 10.0.0.2");
    assert.equal(verdict({ ports: [{ port: 6443 }], loadBalancerIP: "10.0.0.2" }), "10.0.0.2");
  });

  it("gives nobody the ports on which nodes answer for Ingresses, where they do so at the same address", () => {
    const answering = (address: string) => {
      const one = at("a", "10.0.0.1");
      const annotations = { "pintle.dev/ingress-address": address, "pintle.dev/ingress-ports": "80,443" };
      return [{ ...one, metadata: { ...one.metadata, annotations } }];
    };
    assert.match(verdict({}, { nodes: answering("10.0.0.1") }), /^PortKept: port 80/);
    assert.equal(verdict({ ports: [{ port: 81 }] }, { nodes: answering("10.0.0.1") }), "10.0.0.1");
    assert.equal(verdict({}, { nodes: answering("10.0.1.1") }), "10.0.0.1");
  });

  it("gives nobody a port that is another's: node ports and host ports stay whose they are", () => {
    const heldBy = (port: string) => (port === "80/TCP" ? "a node port of Service default/web" : undefined);
    assert.equal(verdict({}, { heldBy }), "PortTaken: port 80/TCP is a node port of Service default/web");
    assert.equal(verdict({ ports: [{ port: 80, protocol: "UDP" }] }, { heldBy }), "10.0.0.1 10.0.0.2");
  });

  it("gives a port to the oldest that wants it; others wait until it is free", () => {
    const young = service("young", {}, { creationTimestamp: "2026-01-01T00:00:01Z" });
    const old = service("old", {}, { creationTimestamp: "2026-01-01T00:00:00Z" });
    const waiting = carriedOut(input([young, old]));
    assert.deepEqual(waiting.map(said), [
      "PortTaken: port 80/TCP is Service default/old's",
      "10.0.0.1 10.0.0.2",
    ]);
    assert.deepEqual(carriedOut(input(waiting.slice(0, 1))).map(said), ["10.0.0.1 10.0.0.2"]);
  });

  it("lets another load balancer's addresses be, and takes its own back where they are wanted no more", () => {
    const theirs = { loadBalancer: { ingress: [{ ip: "192.0.2.7" }] } };
    assert.deepEqual(planLoadBalancers(input([{ ...service("web"), status: theirs }])), []);
    const classed = service("web", { loadBalancerClass: "example.com/other" });
    assert.deepEqual(planLoadBalancers(input([classed])), []);
    const [ours = assert.fail()] = carriedOut(input([service("web")]));
    const [left] = carriedOut(input([{ ...ours, spec: { ...ours.spec, type: "ClusterIP" } }]));
    assert.deepEqual(left?.status, { loadBalancer: {} });
    const overtaken = { ...ours, status: { ...ours.status, ...theirs } };
    assert.deepEqual(carriedOut(input([overtaken]))[0]?.status, theirs);
  });

  it("comes to rest whatever there is: a port is one Service's, and no address a stranger's", () => {
    const ports = fc.uniqueArray(fc.constantFrom(22, 80, 81, 6443, 10_250), { minLength: 1, maxLength: 3 });
    const services = fc.array(
      fc.record({ ports, local: fc.boolean(), age: fc.nat(3), typed: fc.boolean() }),
      {
        maxLength: 6,
      },
    );
    const readiness = fc.array(fc.boolean(), { maxLength: 20 });
    fc.assert(
      fc.property(services, readiness, readiness, (drafts, before, after) => {
        const nodesOf = (ready: readonly boolean[]) =>
          ready.map((one, n) => at(`n${n}`, `10.0.0.${n + 1}`, { ready: one ? "True" : "False" }));
        const made = drafts.map(({ ports: numbers, local, age, typed }, n) =>
          service(
            `s${n}`,
            {
              type: typed ? "LoadBalancer" : "ClusterIP",
              ports: numbers.map((port) => ({ port, protocol: "TCP" })),
              ...(local && { externalTrafficPolicy: "Local" }),
            },
            { creationTimestamp: `2026-01-01T00:00:0${age}Z` },
          ),
        );
        let state = carriedOut(input(made, { nodes: nodesOf(before) }));
        const given = input(state, { nodes: nodesOf(after) });
        state = carriedOut(given);
        assert.deepEqual(planLoadBalancers({ ...given, services: state }), []);
        const seen = new Set<string>();
        for (const one of state)
          for (const { ip } of one.status?.loadBalancer?.ingress ?? []) {
            assert.equal(one.spec.type, "LoadBalancer");
            assert.equal(after[Number(ip?.split(".")[3]) - 1], true);
            for (const { port } of one.spec.ports ?? []) {
              assert.ok(port === 80 || port === 81 || (port === 6443 && ip !== "10.0.0.1"));
              assert.ok(!seen.has(`${ip}:${port}`));
              seen.add(`${ip}:${port}`);
            }
          }
      }),
    );
  });
});

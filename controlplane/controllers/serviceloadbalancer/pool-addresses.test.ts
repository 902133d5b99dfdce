import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpSpans } from "../../../base/ip-spans.ts";
import { balancedCondition } from "../../../client/rules/load-balancer.ts";
import type { Service } from "../../../client/types.ts";
import { meta, node, nowMs } from "../testing/objects.ts";
import { type BalancerInput, planLoadBalancers } from "./plan-load-balancers.ts";

describe("addresses of load balancers from a pool", () => {
  const service = (name: string, spec: Partial<Service["spec"]> = {}, age = 0): Service => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: meta(name, { creationTimestamp: `2026-01-01T00:00:0${age}Z` }),
    spec: { type: "LoadBalancer", ipFamilies: ["IPv4"], ports: [{ port: 80, protocol: "TCP" }], ...spec },
  });
  const input = (services: readonly Service[], more: Partial<BalancerInput> = {}): BalancerInput => ({
    services,
    nodes: [],
    slicesOf: () => [],
    apiServers: new Set(),
    keptPorts: new Set([80]),
    heldBy: () => undefined,
    by: "pool",
    pool: parseIpSpans(["10.9.0.1-10.9.0.3"]).spans,
    nowMs,
    ...more,
  });
  const carriedOut = (given: BalancerInput): readonly Service[] => {
    const changes = new Map(planLoadBalancers(given).map(({ service: one, status }) => [one, status]));
    return given.services.map((one) => ({ ...one, status: changes.get(one) ?? one.status }) as Service);
  };
  const said = (one: Service | undefined) => {
    const ips = (one?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join(" ");
    const condition = one?.status?.conditions?.find(({ type }) => type === balancedCondition);
    return ips || (condition && `${condition.reason}: ${condition.message}`) || "nothing";
  };
  const verdicts = (services: readonly Service[], more: Partial<BalancerInput> = {}) =>
    carriedOut(input(services, more)).map(said);

  it("are one each, whatever ports others have, and then there is nothing to do", () => {
    const services = carriedOut(input([service("a"), service("b")]));
    assert.deepEqual(services.map(said), ["10.9.0.1", "10.9.0.2"]);
    assert.deepEqual(services[0]?.status?.loadBalancer, { ingress: [{ ip: "10.9.0.1", ipMode: "VIP" }] });
    assert.deepEqual(planLoadBalancers(input(services, { nowMs: nowMs + 1 })), []);
  });

  it("stay with who has them, though an older Service comes", () => {
    const [young = assert.fail()] = carriedOut(input([service("young", {}, 5)]));
    assert.deepEqual(verdicts([service("old"), young]), ["10.9.0.2", "10.9.0.1"]);
  });

  it("are those that are asked for, if they are there and free", () => {
    const asking = (loadBalancerIP: string, age = 0) =>
      service(`s${loadBalancerIP}${age}`, { loadBalancerIP }, age);
    assert.deepEqual(verdicts([service("any"), asking("10.9.0.1", 5)]), ["10.9.0.2", "10.9.0.1"]);
    assert.deepEqual(verdicts([asking("10.9.0.2"), asking("10.9.0.2", 1)]), [
      "10.9.0.2",
      "AddressTaken: 10.9.0.2 is Service default/s10.9.0.20's",
    ]);
    assert.deepEqual(verdicts([asking("10.9.0.4")]), ["NoAddress: 10.9.0.4 is no address of the pool"]);
    const [given = assert.fail()] = carriedOut(input([service("moves")]));
    const spec = { ...given.spec, loadBalancerIP: "10.9.0.3" };
    assert.deepEqual(verdicts([{ ...given, spec }]), ["10.9.0.3"]);
  });

  it("are none of a node's, an API server's, another family's, or of a pool that shrank", () => {
    const nodes = [{ ...node("n"), status: { addresses: [{ type: "InternalIP", address: "10.9.0.1" }] } }];
    assert.deepEqual(verdicts([service("a")], { nodes, apiServers: new Set(["10.9.0.2:6443"]) }), [
      "10.9.0.3",
    ]);
    assert.deepEqual(verdicts([service("a", { loadBalancerIP: "10.9.0.1" })], { nodes }), [
      "AddressTaken: 10.9.0.1 is a node's or an API server's",
    ]);
    assert.deepEqual(verdicts([service("a", { ipFamilies: ["IPv6"] })]), [
      "NoAddress: the pool has no IPv6 addresses",
    ]);
    const given = carriedOut(input([service("a")]));
    const pool = parseIpSpans(["10.9.1.0/31"]).spans;
    assert.deepEqual(verdicts(given, { pool }), ["10.9.1.0"]);
  });

  const dual = (name: string, spec: Partial<Service["spec"]> = {}) =>
    service(name, { ipFamilies: ["IPv6", "IPv4"], ipFamilyPolicy: "PreferDualStack", ...spec });
  const bothPools = parseIpSpans(["10.9.0.1-10.9.0.2", "fd00:9::/64"]).spans;

  it("are one of each family that a Service has and the pool, too, or none", () => {
    const more = { pool: bothPools };
    assert.deepEqual(verdicts([dual("a"), service("b"), service("c", { ipFamilies: ["IPv6"] })], more), [
      "fd00:9:: 10.9.0.1",
      "10.9.0.2",
      "fd00:9::1",
    ]);
    assert.deepEqual(
      verdicts([service("a"), service("b"), dual("c"), service("d", { ipFamilies: ["IPv6"] })], more),
      ["10.9.0.1", "10.9.0.2", "NoAddress: no IPv4 address of the pool is free", "fd00:9::"],
    );
    assert.deepEqual(verdicts([dual("a")]), ["10.9.0.1"], "a pool of IPv4");
    assert.deepEqual(verdicts([dual("a", { ipFamilyPolicy: "RequireDualStack" })]), [
      "NoAddress: the pool has no IPv6 addresses",
    ]);
  });

  it("of each family stay, come and go by themselves, and the one that is asked for is of its family", () => {
    const more = { pool: bothPools };
    const given = carriedOut(input([dual("a", { loadBalancerIP: "fd00:9::5" })], more));
    assert.deepEqual(given.map(said), ["fd00:9::5 10.9.0.1"]);
    assert.deepEqual(planLoadBalancers(input(given, { ...more, nowMs: nowMs + 1 })), []);
    const [first = assert.fail()] = given;
    const single = { ...first, spec: { ...first.spec, ipFamilies: ["IPv4"], loadBalancerIP: "" } };
    assert.deepEqual(verdicts([single], more), ["10.9.0.1"]);
    const asks = (loadBalancerIP: string) => ({ ...first, spec: { ...first.spec, loadBalancerIP } });
    assert.deepEqual(verdicts([asks("10.9.0.2")], more), ["fd00:9::5 10.9.0.2"]);
    assert.deepEqual(verdicts([asks("fd00:8::1")], more), ["NoAddress: fd00:8::1 is no address of the pool"]);
  });

  it("go to Services of the pool's class where the others are somebody else's, and the other way round", () => {
    const classed = service("a", { loadBalancerClass: "pintle.dev/pool" });
    assert.deepEqual(verdicts([classed, service("b")], { by: undefined }), ["10.9.0.1", "nothing"]);
    assert.deepEqual(verdicts([classed], { pool: [] }), ["nothing"]);
    const ofNodes = service("c", { loadBalancerClass: "pintle.dev/nodes" });
    assert.deepEqual(verdicts([ofNodes]), ["PortKept: port 80/TCP is the nodes' own"]);
    const [given = assert.fail()] = carriedOut(input([service("a")]));
    const gone = { ...given, spec: { ...given.spec, type: "ClusterIP" as const } };
    assert.deepEqual(carriedOut(input([gone]))[0]?.status, { loadBalancer: {} });
  });

  it("are never two Services', and come to rest", () => {
    const drafts = fc.array(
      fc.record({ age: fc.nat(9), asks: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }) }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(drafts, drafts, (before, after) => {
        const made = (list: typeof before, prefix: string) =>
          list.map(({ age, asks }, n) =>
            service(`${prefix}${n}`, asks === undefined ? {} : { loadBalancerIP: `10.9.0.${asks}` }, age),
          );
        const first = carriedOut(input(made(before, "a")));
        const all = carriedOut(input([...first.slice(1), ...made(after, "b")]));
        assert.deepEqual(planLoadBalancers(input(all)), []);
        const given = all.flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip));
        assert.equal(new Set(given).size, given.length);
        assert.ok(given.every((ip) => /^10\.9\.0\.[123]$/.test(ip ?? "")));
        const waits = all.some((one) => said(one) === "NoAddress: no address of the pool is free");
        assert.ok(!waits || given.length === 3, "nobody waits while there is one");
      }),
    );
  });
});

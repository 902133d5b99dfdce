import assert from "node:assert/strict";
import { parseIpSpans } from "../../../base/ip-spans.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { type AnnouncementInput, planAnnouncements } from "./plan-announcements.ts";

describe("the addresses that a node may answer at", () => {
  const service = (name: string, address: string, spec: object = {}, more: object = {}) =>
    ({
      metadata: { namespace: "ns", name, uid: name, ...more },
      spec: { type: "LoadBalancer", ...spec },
      status: {
        loadBalancer: { ingress: [{ ip: address }] },
        conditions: [
          { type: "pintle.dev/NodesBalance", status: "True", reason: "PoolAddress", message: address },
        ],
      },
    }) as unknown as Service;
  const node = (name: string, more: object = {}) =>
    ({ metadata: { name, uid: name }, ...more }) as unknown as Node;
  const input = (services: readonly Service[], more: Partial<AnnouncementInput> = {}): AnnouncementInput => ({
    nodeName: "a",
    services,
    slicesOf: () => [],
    nodes: [node("a"), node("b"), node("c")],
    pool: parseIpSpans(["10.9.0.0/24"]).spans,
    ...more,
  });
  const addresses = (given: AnnouncementInput) => planAnnouncements(given).map(({ address }) => address);

  it("are those of its own pool that the controller gave, and nothing else that a status says", () => {
    assert.deepEqual(addresses(input([service("web", "10.9.0.1")])), ["10.9.0.1"]);
    for (const address of ["10.8.0.1", "10.9.1.0", "10.9.0.1 dev eth0", "fd00::1", ""])
      assert.deepEqual(addresses(input([service("web", address)])), [], address);
    const told = service("web", "10.9.0.1");
    const status = { ...told.status, conditions: [] };
    assert.deepEqual(addresses(input([{ ...told, status }])), [], "not ours");
    assert.deepEqual(addresses(input([service("web", "10.9.0.1", { type: "ClusterIP" })])), []);
    const labels = { "service.kubernetes.io/service-proxy-name": "other" };
    assert.deepEqual(addresses(input([service("web", "10.9.0.1", {}, { labels })])), [], "not proxied here");
  });

  it("are one of each family that the controller gave, and follow the endpoints of theirs", () => {
    const web = service("web", "10.9.0.1");
    const status = {
      loadBalancer: { ingress: [{ ip: "10.9.0.1" }, { ip: "fd00:9::1" }, { ip: "fd00:9::2" }] },
      conditions: web.status?.conditions?.map((one) => ({ ...one, message: "10.9.0.1, fd00:9::1" })),
    } as NonNullable<Service["status"]>;
    const pool = parseIpSpans(["10.9.0.0/24", "fd00:9::/64"]).spans;
    assert.deepEqual(addresses(input([{ ...web, status }], { pool })), ["10.9.0.1", "fd00:9::1"]);
    assert.deepEqual(addresses(input([{ ...web, status }])), ["10.9.0.1"], "its own pool has no IPv6");
    const spec = { ...web.spec, externalTrafficPolicy: "Local" } as Service["spec"];
    const endpoints = [{ addresses: ["fd00:1::1"], nodeName: "a", conditions: { ready: true } }];
    const slices = [{ addressType: "IPv6", endpoints }] as unknown as EndpointSlice[];
    assert.deepEqual(addresses(input([{ ...web, spec, status }], { pool, slicesOf: () => slices })), [
      "fd00:9::1",
    ]);
  });

  it("are none of a node that load balancers leave out", () => {
    const label = "node.kubernetes.io/exclude-from-external-load-balancers";
    const out = [
      node("a", { metadata: { name: "a", labels: { [label]: "" } } }),
      node("a", { metadata: { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z" } }),
      node("a", { spec: { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] } }),
    ];
    for (const one of out)
      assert.deepEqual(addresses(input([service("web", "10.9.0.1")], { nodes: [one, node("b")] })), []);
  });

  it("are of nodes with a ready endpoint where external traffic keeps to them", () => {
    const local = service("web", "10.9.0.1", { externalTrafficPolicy: "Local" });
    const on = (nodeName: string, ready = true) => [
      {
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.1.0.1"], nodeName, conditions: { ready } }],
      } as unknown as EndpointSlice,
    ];
    const having = (slices: readonly EndpointSlice[]) =>
      addresses(input([local], { slicesOf: () => slices }));
    assert.deepEqual(having(on("a")), ["10.9.0.1"]);
    assert.deepEqual(having(on("b")), []);
    assert.deepEqual(having(on("a", false)), []);
  });

  it("are shared out: each has one node that goes first, and moves only with it", () => {
    const services = Array.from({ length: 60 }, (_, n) => service(`s${n}`, `10.9.0.${n}`));
    const firsts = (names: readonly string[]) => {
      const nodes = names.map((name) => node(name));
      const found = names.flatMap((nodeName) =>
        planAnnouncements(input(services, { nodeName, nodes }))
          .filter(({ rank }) => rank === 0)
          .map(({ address }) => [address, nodeName] as const),
      );
      assert.equal(found.length, services.length, "one each");
      const byAddress = new Map(found);
      return services.map(({ status }) => byAddress.get(status?.loadBalancer?.ingress?.[0]?.ip ?? ""));
    };
    const three = firsts(["a", "b", "c"]);
    for (const name of ["a", "b", "c"])
      assert.ok(three.filter((one) => one === name).length >= 10, `${name} has its share`);
    const two = firsts(["a", "b"]);
    for (const [at, name] of three.entries()) if (name !== "c") assert.equal(two[at], name);
  });
});

import { strict as assert } from "node:assert";
import fc from "fast-check";
import { contains, overlap, parseIpv4, parseIpv4Range } from "../../../base/ipv4.ts";
import type { Node } from "../../../client/types.ts";
import { ipFamilies } from "../ip-family.ts";
import { ownLinksOf } from "./kernel-routes.ts";
import { overlayFence } from "./overlay-fence.ts";
import { type OwnPlace, planPeers, podNetworkBackends } from "./plan-peers.ts";
import { type KernelRoutes, noRoutes, type RouteChange, routeChange, wantedRoutes } from "./route-changes.ts";

const own: OwnPlace = {
  nodeName: "n1",
  nodeIp: "192.0.2.1",
  podCidr: "10.1.1.0/24",
  clusterCidr: "10.1.0.0/16",
  backend: "auto",
  onLink: ["192.0.2.0/24"],
};
const node = (name: string, address: string, podCIDR: string, createdAt = "2026-01-01T00:00:00Z"): Node =>
  ({
    metadata: { name, creationTimestamp: createdAt },
    spec: { podCIDR, podCIDRs: podCIDR === "" ? undefined : [podCIDR] },
    status: {
      addresses: [
        { type: "Hostname", address: name },
        { type: "InternalIP", address },
      ],
    },
  }) as unknown as Node;

describe("routes to other nodes' pods", () => {
  it("lead through nodes on the same link, and through the overlay to others", () => {
    const near = node("n2", "192.0.2.2", "10.1.2.0/24");
    const far = node("n3", "198.51.100.3", "10.1.3.0/24");
    const overlay = { address: "10.1.3.0", hardwareAddress: "02:50:0a:01:03:00" };
    assert.deepEqual(planPeers([far, node("n1", "192.0.2.1", "10.1.1.0/24"), near], own), {
      peers: [
        { node: "n2", range: "10.1.2.0/24", nodeIp: "192.0.2.2" },
        { node: "n3", range: "10.1.3.0/24", nodeIp: "198.51.100.3", overlay },
      ],
      overlay: { address: "10.1.1.0", hardwareAddress: "02:50:0a:01:01:00" },
      faults: [],
    });
    assert.deepEqual(routeChange(noRoutes, wantedRoutes(planPeers([near, far], own))), {
      bridge: ["fdb replace 02:50:0a:01:03:00 dev pintle-vxlan dst 198.51.100.3 self permanent"],
      ip: [
        "neigh replace 10.1.3.0 lladdr 02:50:0a:01:03:00 dev pintle-vxlan nud permanent",
        "route replace 10.1.2.0/24 via 192.0.2.2 proto 112",
        "route replace 10.1.3.0/24 via 10.1.3.0 dev pintle-vxlan onlink proto 112",
      ],
    });
    assert.equal(planPeers([near], own).overlay, undefined, "no overlay where nobody needs it");
    assert.ok(planPeers([near], { ...own, backend: "vxlan" }).peers[0]?.overlay);
    const { peers, faults } = planPeers([near, far], { ...own, backend: "host-gw" });
    assert.deepEqual(
      peers.map((one) => one.node),
      ["n2"],
    );
    assert.match(faults[0]?.why ?? "", /198\.51\.100\.3 is on none of this node's links/);
    assert.deepEqual(planPeers([near, far], { ...own, backend: "none" }).peers, []);
  });

  it("lead to IPv6 ranges by IPv6 on the same link, and else by the overlay, whose ends are IPv4's", () => {
    const dual: OwnPlace = {
      ...own,
      v6: { nodeIp: "2001:db8::1", podCidr: "fd00:1:0:1::/64", clusterCidr: "fd00:1::/48" },
      onLink: [...own.onLink, "2001:db8::/64"],
    };
    const of6 = (one: Node, range: string, ...addresses: readonly string[]): Node =>
      ({
        ...one,
        spec: { podCIDRs: [one.spec?.podCIDR, range] },
        status: {
          addresses: [
            ...(one.status?.addresses ?? []),
            ...addresses.map((address) => ({ type: "InternalIP", address })),
          ],
        },
      }) as Node;
    const near = of6(node("n2", "192.0.2.2", "10.1.2.0/24"), "fd00:1:0:2::/64", "2001:db8::2");
    const far = of6(node("n3", "198.51.100.3", "10.1.3.0/24"), "fd00:1:0:3::/64", "2001:db8:1::3");
    const only4 = of6(node("n4", "192.0.2.4", "10.1.4.0/24"), "fd00:1:0:4::/64");
    const ways = (nodes: readonly Node[], place = dual) =>
      planPeers(nodes, place)
        .peers.filter(({ range }) => range.includes(":"))
        .map(({ range, nodeIp, overlay }) => [range, nodeIp, overlay?.address, overlay?.hardwareAddress]);
    assert.deepEqual(ways([near, far, only4]), [
      ["fd00:1:0:2::/64", "2001:db8::2", undefined, undefined],
      ["fd00:1:0:3::/64", "198.51.100.3", "fd00:1:0:3::", "02:50:0a:01:03:00"],
      ["fd00:1:0:4::/64", "192.0.2.4", "fd00:1:0:4::", "02:50:0a:01:04:00"],
    ]);
    assert.deepEqual(ways([near], { ...dual, backend: "vxlan" }), [
      ["fd00:1:0:2::/64", "192.0.2.2", "fd00:1:0:2::", "02:50:0a:01:02:00"],
    ]);
    assert.deepEqual(planPeers([far], dual).overlay, {
      address: "10.1.1.0",
      v6Address: "fd00:1:0:1::",
      hardwareAddress: "02:50:0a:01:01:00",
    });
    assert.deepEqual(ways([near, far], own), [], "not where this node has none");
    const faults = (...nodes: readonly Node[]) =>
      planPeers(nodes, { ...dual, backend: "host-gw" }).faults.map(({ why }) => why);
    assert.match(faults(only4)[0] ?? "", /none of its IPv6 addresses is on a link/);
    const claims = (range: string) => of6(node("n5", "192.0.2.5", "10.1.5.0/24"), range, "2001:db8::5");
    for (const [range, why] of [
      ["fd00:1:0:1::/64", /is n1's, too/],
      ["fd00:2::/64", /not of the cluster's fd00:1::\/48/],
      ["::/0", /none of pods/],
      ["fe80::/64", /not of the cluster's/],
      ["fd00:1:0:6::/64 dev lo", /none of pods/],
    ] as const)
      assert.match(faults(claims(range))[0] ?? "", why, range);
    const change = routeChange(noRoutes, wantedRoutes(planPeers([near, far], dual)));
    assert.ok(change.ip.includes("route replace fd00:1:0:2::/64 via 2001:db8::2 proto 112"));
    assert.ok(
      change.ip.includes("route replace fd00:1:0:3::/64 via fd00:1:0:3:: dev pintle-vxlan onlink proto 112"),
    );
  });

  it("do not lead where a Node says what is not so", () => {
    const whyOf = (...nodes: Node[]) => planPeers(nodes, own).faults.map(({ why }) => why);
    assert.deepEqual(whyOf(node("n2", "192.0.2.2", ""), node("n3", "", "10.1.3.0/24")), [], "not yet known");
    for (const [range, why] of [
      ["10.1.1.128/25", /is n1's, too/],
      ["10.1.0.0/16", /is n1's, too/],
      ["10.2.0.0/24", /not of the cluster's/],
      ["0.0.0.0/0", /none of pods/],
      ["10.1.3.7/24", /none of pods/],
      ["10.1.3.0/31", /none of pods/],
      ["10.1.3.0/24; flush", /none of pods/],
    ] as const)
      assert.match(whyOf(node("n2", "192.0.2.2", range))[0] ?? "", why, range);
    for (const address of ["192.0.2.1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "10.1.1.5", "10.1.9.9"])
      assert.match(whyOf(node("n2", address, "10.1.2.0/24"))[0] ?? "", /none of another machine/, address);
    const late = node("a-late", "192.0.2.3", "10.1.2.0/24", "2026-02-01T00:00:00Z");
    const plan = planPeers([late, node("first", "192.0.2.2", "10.1.2.0/24")], own);
    assert.deepEqual(
      plan.peers.map((one) => one.node),
      ["first"],
    );
    assert.deepEqual(plan.faults, [{ node: "a-late", why: "its range 10.1.2.0/24 is first's, too" }]);
  });

  const octet = fc.integer({ min: 0, max: 6 });
  const address = fc.oneof(
    octet.map((n) => `192.0.2.${n}`),
    octet.map((n) => `198.51.100.${n}`),
    fc.constantFrom("127.0.0.1", "10.1.2.3", "x", "fd00::1", "1.2.3.4 dev lo"),
  );
  const range = fc.oneof(
    octet.map((n) => `10.1.${n}.0/24`),
    fc.constantFrom(
      "10.1.0.0/16",
      "10.1.2.128/25",
      "",
      "10.9.0.0/24",
      "fd00::/64",
      "10.1.2.0/24 via 6.6.6.6",
    ),
  );
  const world = fc.uniqueArray(
    fc.record({
      name: octet.map((n) => `n${n}`),
      address,
      range,
      createdAt: octet.map((n) => `2026-01-0${n + 1}T00:00:00Z`),
    }),
    { selector: ({ name }) => name, maxLength: 7 },
  );
  const nodesOf = (rows: { name: string; address: string; range: string; createdAt: string }[]) =>
    rows.map((row) => node(row.name, row.address, row.range, row.createdAt));
  const backend = fc.constantFrom(...podNetworkBackends);

  it("overlap nowhere, keep to the cluster's range and to other machines, and do not hang on the order of Nodes", () => {
    fc.assert(
      fc.property(
        world,
        backend,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (rows, chosen, order) => {
          const plan = planPeers(nodesOf(rows), { ...own, backend: chosen });
          const shuffled = rows.map((row) => ({ row, at: order.next().value })).sort((a, b) => a.at - b.at);
          assert.deepEqual(
            planPeers(nodesOf(shuffled.map(({ row }) => row)), { ...own, backend: chosen }),
            plan,
          );
          const ranges = plan.peers.map((peer) => parseIpv4Range(peer.range));
          const all = parseIpv4Range("10.1.0.0/16");
          for (const [at, one] of ranges.entries()) {
            assert.ok(one && all && contains(all, one.first));
            for (const other of [parseIpv4Range(own.podCidr), ...ranges.slice(at + 1)])
              assert.ok(other && !overlap(one, other));
          }
          for (const { nodeIp, overlay, node: name } of plan.peers) {
            assert.notEqual(name, own.nodeName);
            assert.ok(parseIpv4(nodeIp) !== undefined && nodeIp !== own.nodeIp);
            const isNear = nodeIp.startsWith("192.0.2.");
            if (chosen === "auto") assert.equal(overlay === undefined, isNear);
            if (chosen === "host-gw") assert.ok(isNear && overlay === undefined);
            if (chosen === "vxlan") assert.ok(overlay);
          }
          assert.equal(
            plan.overlay !== undefined,
            plan.peers.some(({ overlay }) => overlay),
          );
          // Every node is reached, said to be in the way, or has not said enough yet.
          for (const { name } of rows)
            assert.ok([...plan.peers, ...plan.faults].filter((one) => one.node === name).length <= 1);
          overlayFence(plan, ipFamilies[4]);
        },
      ),
    );
  });

  it("become what is wanted from whatever there was, and stay untouched then", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(world, backend), { minLength: 1, maxLength: 5 }), (worlds) => {
        let kernel = noRoutes;
        for (const [rows, chosen] of worlds) {
          const wanted = wantedRoutes(planPeers(nodesOf(rows), { ...own, backend: chosen }));
          kernel = applied(kernel, routeChange(kernel, wanted));
          assert.deepEqual(sorted(kernel), sorted(wanted));
          assert.deepEqual(routeChange(kernel, wanted), { bridge: [], ip: [] });
        }
      }),
    );
  });

  /** What a kernel would have then; it refuses to delete what is not there, and a route whose next hop is not known. */
  function applied(before: KernelRoutes, change: RouteChange): KernelRoutes {
    const { routes, neighbours, forwarding } = {
      routes: new Map(before.routes),
      neighbours: new Map(before.neighbours),
      forwarding: new Map(before.forwarding),
    };
    for (const line of [...change.bridge, ...change.ip]) {
      const words = line.split(" ");
      const [kind, verb, key = ""] = words;
      const behind = (word: string) => words[words.indexOf(word) + 1] ?? "";
      const table = kind === "fdb" ? forwarding : kind === "neigh" ? neighbours : routes;
      if (verb === "del") assert.ok(table.delete(key), line);
      else if (kind === "fdb") forwarding.set(key, behind("dst"));
      else if (kind === "neigh") {
        assert.ok(forwarding.has(behind("lladdr")), line);
        neighbours.set(key, behind("lladdr"));
      } else {
        const isOverlaid = words.includes("dev");
        if (isOverlaid) assert.ok(neighbours.has(behind("via")), line);
        routes.set(key, isOverlaid ? `${behind("via")} ${behind("dev")}` : behind("via"));
      }
    }
    return { routes, neighbours, forwarding };
  }
  const sorted = (state: KernelRoutes) => Object.values(state).map((map) => [...map].sort());

  it("go by the node's own links, not by those of its pods or of others", () => {
    const link = (ifname: string, local: string, prefixlen: number) => ({
      ifname,
      mtu: 1500,
      addr_info: [{ local, prefixlen }],
    });
    const json = JSON.stringify([
      link("lo", "127.0.0.1", 8),
      link("pintle-pods", "10.1.1.1", 32),
      link("pintle-vxlan", "10.1.1.0", 24),
      link("eth0", "192.0.2.77", 26),
      link("tun0", "198.51.100.1", 32),
      { ifname: "eth1", mtu: 9000 },
    ]);
    assert.deepEqual(ownLinksOf(json), [
      { name: "eth0", mtu: 1500, addresses: [{ address: "192.0.2.77", range: "192.0.2.64/26" }] },
    ]);
    assert.deepEqual(ownLinksOf("[{}]"), []);
  });
});

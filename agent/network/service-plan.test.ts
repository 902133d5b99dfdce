import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import type { EndpointSlice, Service } from "../../client/types.ts";
import { KernelProxy } from "./kernel-proxy.ts";
import type { LiveRuleset } from "./live-ruleset.ts";
import { emptyRuleset, type Ruleset, rulesetChange } from "./nft-ruleset.ts";
import { NftInputError, nft } from "./nft-text.ts";
import { externalEndpoints, internalEndpoints, planServices } from "./service-plan.ts";
import { serviceRules } from "./service-rules.ts";
import { parseFlows, staleUdpFlows } from "./udp-flows.ts";

const service = (spec: object): Service =>
  ({
    metadata: { namespace: "ns", name: "web" },
    spec: { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"], ports: [{ port: 80 }], ...spec },
  }) as unknown as Service;
const slice = (
  endpoints: readonly object[],
  ports: readonly object[] = [{ name: "", port: 8080 }],
): EndpointSlice =>
  ({
    metadata: { namespace: "ns", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports,
    endpoints,
  }) as unknown as EndpointSlice;
const at = (address: string, conditions: object = { ready: true }, nodeName = "n1") => ({
  addresses: [address],
  conditions,
  nodeName,
});
const node = { nodeName: "n1", zone: undefined, loopbackPods: false };
const addresses = (services: Service[], slices: EndpointSlice[]) =>
  planServices(services, slices, node).ports[0]?.clusterEndpoints.map((endpoint) => endpoint.address);

describe("planServices", () => {
  it("leaves the address alone at which the node answers DNS itself, and nothing else of that Service", () => {
    const dns = {
      clusterIP: "10.96.0.10",
      clusterIPs: ["10.96.0.10"],
      ports: [{ port: 53, protocol: "UDP" }],
    };
    const here = { ...node, dnsAddress: "10.96.0.10" };
    assert.deepEqual(planServices([service(dns)], [], here), { ports: [], problems: [], healthChecks: [] });
    assert.equal(planServices([service(dns)], [], node).ports.length, 1);
    const outside = service({
      ...dns,
      type: "NodePort",
      ports: [{ port: 53, protocol: "UDP", nodePort: 30053 }],
    });
    const { ports } = planServices([outside], [], here);
    assert.deepEqual(
      ports.map(({ clusterIps, nodePort }) => [clusterIps, nodePort]),
      [[[], 30_053]],
    );
  });

  it("lets no Service take that address over by naming it as an external one or a load balancer's", () => {
    const thief = {
      ...service({ type: "LoadBalancer", externalIPs: ["10.96.0.10", "203.0.113.7"] }),
      status: { loadBalancer: { ingress: [{ ip: "10.96.0.10" }] } },
    } as Service;
    const { ports, problems } = planServices([thief], [], { ...node, dnsAddress: "10.96.0.10" });
    assert.deepEqual(
      ports.map(({ externalIps, balancerIps }) => [externalIps, balancerIps]),
      [[["203.0.113.7"], []]],
    );
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        'spec.externalIPs: "10.96.0.10" is the address of the cluster\'s DNS; left out',
        'status.loadBalancer.ingress: "10.96.0.10" is the address of the cluster\'s DNS; left out',
      ],
    );
  });

  it("leads to ready endpoints only", () => {
    assert.deepEqual(addresses([service({})], [slice([at("10.0.0.1"), at("10.0.0.2", { ready: false })])]), [
      "10.0.0.1",
    ]);
  });
  it("falls back to endpoints that still serve while they terminate", () => {
    const leaving = { ready: false, serving: true, terminating: true };
    assert.deepEqual(
      addresses([service({})], [slice([at("10.0.0.1", leaving), at("10.0.0.2", { ready: false })])]),
      ["10.0.0.1"],
    );
    assert.deepEqual(addresses([service({})], [slice([at("10.0.0.1", leaving), at("10.0.0.2")])]), [
      "10.0.0.2",
    ]);
  });
  it("matches ports by name across slices and counts an endpoint once", () => {
    const named = service({
      ports: [
        { name: "http", port: 80 },
        { name: "metrics", port: 9090 },
      ],
    });
    const ports = [
      { name: "metrics", port: 9100 },
      { name: "http", port: 8080 },
    ];
    const plan = planServices(
      [named],
      [slice([at("10.0.0.1")], ports), slice([at("10.0.0.1")], ports)],
      node,
    );
    assert.deepEqual(
      plan.ports.map((port) => [port.id, port.clusterEndpoints.map((endpoint) => endpoint.port)]),
      [
        ["ns/web:http", [8080]],
        ["ns/web:metrics", [9100]],
      ],
    );
  });
  it("keeps to this node where the Service says so", () => {
    const slices = [slice([at("10.0.0.1"), at("10.0.0.2", { ready: true }, "n2")])];
    const [port] = planServices(
      [service({ type: "NodePort", internalTrafficPolicy: "Local" })],
      slices,
      node,
    ).ports;
    assert.ok(port);
    const of = (list: readonly { address: string }[]) => list.map(({ address }) => address);
    assert.deepEqual(of(internalEndpoints(port)), ["10.0.0.1"]);
    assert.deepEqual(
      of(externalEndpoints(port)),
      ["10.0.0.1", "10.0.0.2"],
      "node ports are not the internal policy's",
    );
  });
  it("keeps to endpoints meant for this node, or its zone, where all say whom they are meant for", () => {
    const hinted = (address: string, hints: object, nodeName: string) => ({
      ...at(address, { ready: true }, nodeName),
      hints,
    });
    const zones = (...names: string[]) => names.map((name) => ({ name }));
    const list = [
      hinted("10.0.0.1", { forNodes: zones("n1"), forZones: zones("a") }, "n1"),
      hinted("10.0.0.2", { forNodes: zones("n2"), forZones: zones("a") }, "n2"),
      hinted("10.0.0.3", { forNodes: zones("n3"), forZones: zones("b") }, "n3"),
    ];
    const seen = (endpoints: readonly object[], nodeName: string, zone?: string) =>
      planServices([service({})], [slice(endpoints)], {
        ...node,
        nodeName,
        zone,
      }).ports[0]?.clusterEndpoints.map(({ address }) => address);
    assert.deepEqual(seen(list, "n1", "a"), ["10.0.0.1"]);
    assert.deepEqual(seen(list, "n9", "a"), ["10.0.0.1", "10.0.0.2"], "none on the node: the zone");
    assert.deepEqual(seen(list, "n9", "c"), ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "none in the zone: all");
    assert.deepEqual(seen([...list, at("10.0.0.4")], "n1", "a")?.length, 4, "one says nothing: all");
  });
  it("leaves out headless and external-name Services and other Services' slices", () => {
    assert.deepEqual(
      planServices([service({ clusterIP: "None" }), service({ type: "ExternalName" })], [], node).ports,
      [],
    );
    const other = slice([at("10.0.0.1")]);
    other.metadata.namespace = "elsewhere";
    assert.deepEqual(addresses([service({})], [other]), []);
  });
});

describe("planServices: what is no address", () => {
  const messages = (services: Service[], slices: EndpointSlice[] = []) =>
    planServices(services, slices, node).problems.map(({ message }) => message);

  it("is left out and said, field by field", () => {
    const spec = {
      externalIPs: ["203.0.113.7", "10.0.0.1\nflush ruleset", "2001:db8::1"],
      ports: [{ port: 80, nodePort: 70_000 }],
    };
    assert.deepEqual(messages([service(spec)], [slice([at("10.0.0.x"), at("10.0.0.1")])]), [
      'spec.externalIPs[1]: "10.0.0.1\\nflush ruleset" is not an IP address; left out',
      "spec.ports[0].nodePort: 70000 is not a port; left out",
      'EndpointSlice web-1: endpoints[0].addresses[0]: "10.0.0.x" is not an IP address; left out',
    ]);
    const [port] = planServices([service(spec)], [slice([at("10.0.0.x"), at("10.0.0.1")])], node).ports;
    assert.deepEqual(port?.externalIps, ["203.0.113.7"]);
    assert.deepEqual(
      port?.clusterEndpoints.map(({ address }) => address),
      ["10.0.0.1"],
    );
  });
  it("is left out where it is the node's own loopback, but for pods that live there", () => {
    const slices = [slice([at("127.0.0.1"), at("169.254.169.254"), at("10.0.0.1")])];
    assert.deepEqual(addresses([service({})], slices), ["10.0.0.1"]);
    assert.deepEqual(messages([service({})], slices), [
      'EndpointSlice web-1: endpoints[0].addresses: "127.0.0.1" may not be in the loopback range (127.0.0.0/8); left out',
      'EndpointSlice web-1: endpoints[1].addresses: "169.254.169.254" may not be in the link-local range (169.254.0.0/16); left out',
    ]);
    const loopback = planServices([service({})], slices, { ...node, loopbackPods: true });
    assert.deepEqual(
      loopback.ports[0]?.clusterEndpoints.map(({ address }) => address),
      ["10.0.0.1", "127.0.0.1"],
    );
  });
  it("leaves an address to the older of two, and a cluster IP to its own Service", () => {
    const named = (name: string, creationTimestamp: string, spec: object): Service => {
      const one = service(spec);
      return { ...one, metadata: { ...one.metadata, name, creationTimestamp } };
    };
    const thief = named("thief", "2026-01-01T00:00:00Z", {
      clusterIP: "10.96.0.8",
      clusterIPs: ["10.96.0.8"],
      externalIPs: ["10.96.0.9", "203.0.113.7"],
    });
    const owner = named("owner", "2026-01-02T00:00:00Z", { externalIPs: ["203.0.113.7"] });
    const plan = planServices([owner, thief], [], node);
    assert.deepEqual(
      plan.ports.map(({ id, clusterIps, externalIps }) => [id, clusterIps, externalIps]),
      [
        ["ns/thief:80", ["10.96.0.8"], ["203.0.113.7"]],
        ["ns/owner:80", ["10.96.0.9"], []],
      ],
    );
    assert.deepEqual(
      plan.problems.map(({ message }) => message),
      [
        "10.96.0.9:80/tcp is taken by ns/owner:80; left out",
        "203.0.113.7:80/tcp is taken by ns/thief:80; left out",
      ],
    );
  });
  it("matches slices by protocol as by name, and leaves Services of other proxies alone", () => {
    const dns = service({ ports: [{ port: 53, protocol: "UDP" }] });
    assert.deepEqual(
      addresses([dns], [slice([at("10.0.0.1")], [{ name: "", port: 53, protocol: "TCP" }])]),
      [],
    );
    const other = service({});
    other.metadata.labels = { "service.kubernetes.io/service-proxy-name": "mine" };
    assert.deepEqual(planServices([other], [], node).ports, []);
  });
  it("counts local ready addresses for health checks", () => {
    const balanced = service({
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 31_000,
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 81 },
      ],
    });
    const ports = [
      { name: "a", port: 8080 },
      { name: "b", port: 8081 },
    ];
    const slices = [
      slice([at("10.0.0.1"), at("10.0.0.2", { ready: true }, "n2"), at("10.0.0.3", { ready: false })], ports),
    ];
    assert.deepEqual(
      planServices([balanced], slices, node).healthChecks.map(({ port, localEndpoints }) => [
        port,
        localEndpoints,
      ]),
      [[31_000, 1]],
    );
  });
});

describe("nft text", () => {
  it("takes whole numbers, names, addresses and ranges, and nothing else", () => {
    assert.equal(
      nft`ip daddr ${"10.0.0.1"} tcp dport ${80} goto ${"chain-1"}`.text,
      "ip daddr 10.0.0.1 tcp dport 80 goto chain-1",
    );
    assert.equal(nft`${"10.0.0.0/24"} ${nft`drop`}`.text, "10.0.0.0/24 drop");
    const refused = ["", "a b", "a\nb", "a;b", "{", "@set", '"', "$(x)", "a/b", 1.5, -1, Number.NaN, 2 ** 60];
    for (const atom of refused) assert.throws(() => nft`ip daddr ${atom}`, NftInputError, String(atom));
  });
});

describe("KernelProxy", () => {
  it("leaves out the port that the kernel refuses, says so, and applies the rest", async () => {
    const applied: Ruleset[] = [];
    const refuse = async (ruleset: Ruleset) => {
      if (ruleset.maps["service-ips"]?.elements.some(({ key }) => key.text.startsWith("10.96.0.13 ")))
        throw new Error("no");
      applied.push(ruleset);
    };
    const openApplier = (table: LiveRuleset) => ({ flush: () => refuse(table.whole()), check: refuse });
    const proxy = new KernelProxy(
      { podCidr: "10.0.0.0/24" },
      { openApplier, flows: { clean: async () => undefined }, log: silentLog },
    );
    const names = ["a", "b", "c", "d", "e"];
    const services = names.map((name, n) => {
      const one = service({ clusterIPs: [`10.96.0.${10 + n}`] });
      return { ...one, metadata: { ...one.metadata, name } };
    });
    const slices = names.map((name) => {
      const one = slice([at("10.0.0.1")]);
      return { ...one, metadata: { ...one.metadata, labels: { "kubernetes.io/service-name": name } } };
    });
    const problems = await proxy.update(planServices(services, slices, node));
    assert.deepEqual(
      problems.map(({ message }) => message),
      ["ns/d:80: no; left out"],
    );
    assert.deepEqual(
      applied.at(-1)?.maps["service-ips"]?.elements.map(({ key }) => key.text),
      ["10.96.0.10 . tcp . 80", "10.96.0.11 . tcp . 80", "10.96.0.12 . tcp . 80", "10.96.0.14 . tcp . 80"],
    );
  });
});

describe("UDP flows", () => {
  const listing = [
    "udp      17 29 src=10.0.0.9 dst=10.96.0.9 sport=4000 dport=53 src=10.0.0.1 dst=10.0.0.9 sport=5353 dport=4000 mark=0 use=1",
    "udp      17 29 src=10.0.0.9 dst=10.96.0.9 sport=4001 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.9 sport=5353 dport=4001 mark=0 use=1",
    "udp      17 29 src=10.0.0.9 dst=10.96.0.9 sport=4002 dport=53 [UNREPLIED] src=10.96.0.9 dst=10.0.0.9 sport=53 dport=4002 mark=0 use=1",
    "udp      17 29 src=10.0.0.9 dst=10.0.7.7 sport=4003 dport=53 src=10.0.7.7 dst=10.0.0.9 sport=53 dport=4003 mark=0 use=1",
    "udp      17 29 src=10.9.9.9 dst=10.199.0.11 sport=4004 dport=30053 src=10.0.0.2 dst=10.199.0.11 sport=5353 dport=4004 mark=0 use=1",
    "conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.",
  ].join("\n");
  it("are forgotten where they lead to nobody who serves, and left alone elsewhere", () => {
    const dns = service({ type: "NodePort", ports: [{ port: 53, protocol: "UDP", nodePort: 30_053 }] });
    const slices = [slice([at("10.0.0.1")], [{ name: "", port: 5353, protocol: "UDP" }])];
    const { ports } = planServices([dns], slices, node);
    assert.deepEqual(
      staleUdpFlows(parseFlows("udp", listing), ports).map(({ to, from }) => [to, from]),
      [
        ["10.96.0.9", "10.0.0.2"],
        ["10.96.0.9", "10.96.0.9"],
        ["10.199.0.11", "10.0.0.2"],
      ],
    );
    assert.deepEqual(staleUdpFlows(parseFlows("udp", listing), planServices([dns], [], node).ports), []);
  });
});

describe("rulesetChange", () => {
  const rules = (endpoints: readonly string[]) =>
    serviceRules(
      planServices(
        [
          service({}),
          {
            ...service({ clusterIPs: ["10.96.0.10"] }),
            metadata: { namespace: "ns", name: "other" },
          } as Service,
        ],
        [slice(endpoints.map((address) => at(address)))],
        node,
      ).ports,
      { podCidr: "10.0.0.0/24" },
    );
  it("is empty where nothing differs", () => {
    assert.equal(rulesetChange(nft`ip t`, rules(["10.0.0.1"]), rules(["10.0.0.1"])), "");
  });
  it("touches only the Service that changed", () => {
    const change = rulesetChange(nft`ip t`, rules(["10.0.0.1"]), rules(["10.0.0.1", "10.0.0.2"]));
    assert.doesNotMatch(change, /prerouting|10\.96\.0\.10|no-endpoints/);
    assert.match(
      change,
      /^add element ip t address-1 \{ 10\.96\.0\.9 \. tcp \. 80 : 10\.0\.0\.2 \. 8080 \}$/m,
    );
    assert.match(change, /^add rule ip t one-of-2-address /m);
  });
  it("removes what went, in an order the kernel accepts: uses before chains", () => {
    const change = rulesetChange(nft`ip t`, rules(["10.0.0.1"]), rules([])).split("\n");
    const position = (text: string) => change.findIndex((line) => line.startsWith(text));
    assert.ok(position("delete element ip t service-ips") >= 0);
    assert.ok(position("delete element ip t service-ips") < position("delete chain"));
    assert.ok(position("add element ip t no-endpoints") >= 0);
  });
  it("builds everything from nothing", () => {
    assert.match(rulesetChange(nft`ip t`, emptyRuleset, rules(["10.0.0.1"])), /add map ip t service-ips/);
  });
});

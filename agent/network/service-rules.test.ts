import assert from "node:assert/strict";
import { parseIpSpans } from "../../base/ip-spans.ts";
import type { EndpointSlice, Service } from "../../client/types.ts";
import { ipFamilies } from "./ip-family.ts";
import { planServices } from "./service-plan.ts";
import { type ServiceRulesOptions, serviceRules } from "./service-rules.ts";

describe("rules of Services", () => {
  const balancer = (sources: readonly string[]) =>
    ({
      metadata: { namespace: "ns", name: "web", uid: "web" },
      spec: {
        type: "LoadBalancer",
        clusterIP: "10.96.0.1",
        loadBalancerSourceRanges: sources,
        ports: [{ port: 80, protocol: "TCP", nodePort: 30_080 }],
      },
      status: { loadBalancer: { ingress: [{ ip: "10.9.0.1" }] } },
    }) as unknown as Service;
  const slice = {
    metadata: { namespace: "ns", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: ["10.1.0.1"], nodeName: "a" }],
  } as unknown as EndpointSlice;
  const rulesOf = (options: Partial<ServiceRulesOptions>, sources: readonly string[] = []) => {
    const node = { nodeName: "a", zone: undefined, loopbackPods: false };
    const { ports } = planServices([balancer(sources)], [slice], node);
    const { chains } = serviceRules(ports, { podCidr: "10.1.0.0/24", ...options });
    return (prefix: string) =>
      Object.entries(chains)
        .filter(([name]) => name.startsWith(prefix))
        .flatMap(([, { rules }]) => rules.map(({ text }) => text));
  };
  const nodePortRule = (options: Partial<ServiceRulesOptions>) =>
    rulesOf(options)("services").find((rule) => rule.includes("@node-ports"));

  it("serve node ports at the node's addresses, or those that are named, and at none of a pool", () => {
    const end = "meta l4proto . th dport vmap @node-ports";
    const local = "fib daddr type local ip daddr != 127.0.0.0/8";
    assert.equal(nodePortRule({}), `${local} ${end}`);
    assert.equal(
      nodePortRule({ nodePortRanges: ["10.0.0.1/32", "192.0.2.0/24"] }),
      `${local} ip daddr { 10.0.0.1/32, 192.0.2.0/24 } ${end}`,
    );
    const balancerPool = parseIpSpans(["10.9.0.1-10.9.0.9"]).spans;
    assert.equal(nodePortRule({ balancerPool }), `${local} ip daddr != { 10.9.0.1-10.9.0.9 } ${end}`);
    const refusal = "ct state new meta l4proto { tcp, udp, sctp } ip daddr { 10.9.0.1-10.9.0.9 } goto refuse";
    assert.ok(rulesOf({ balancerPool })("filter-input").includes(refusal));
    const six = rulesOf({ family: ipFamilies[6], balancerPool: parseIpSpans(["fd00::/126"]).spans });
    const refusal6 = "ct state new meta l4proto { tcp, udp, sctp } ip6 daddr { fd00::-fd00::3 } goto refuse";
    assert.ok(six("filter-input").includes(refusal6));
  });

  it("say the same in both families", () => {
    const node = { nodeName: "a", zone: "z", loopbackPods: false };
    const inFamily = (
      version: 4 | 6,
      [ip, ip2, external, source]: readonly [string, string, string, string],
    ) => {
      const spec = {
        ...balancer([source]).spec,
        clusterIP: ip,
        externalIPs: [external],
        externalTrafficPolicy: "Local",
        sessionAffinity: "ClientIP",
      };
      const status = { loadBalancer: { ingress: [{ ip: external }] } };
      const one = { ...balancer([]), spec, status } as unknown as Service;
      const endpoints = [
        { addresses: [ip2], nodeName: "a" },
        { addresses: [external], nodeName: "b" },
      ];
      const slices = [{ ...slice, addressType: `IPv${version}`, endpoints } as unknown as EndpointSlice];
      const { ports } = planServices([one], slices, { ...node, family: version });
      return serviceRules(ports, {
        family: ipFamilies[version],
        podCidr: source,
        clusterCidr: source,
        serviceCidr: source,
        nodePortRanges: [source],
      });
    };
    const four = ["10.96.0.1", "10.1.0.1", "192.0.2.1", "10.1.0.0/24"] as const;
    const six = ["fd00:96::1", "fd00:1::1", "fd00:2::1", "fd00:1::/64"] as const;
    let text = JSON.stringify(inFamily(6, six));
    for (const [from, to] of [
      ["ipv6_addr", "ipv4_addr"],
      ["address6", "address4"],
      ["icmpv6", "icmp"],
      ["ip6 ", "ip "],
      ["::1/128", "127.0.0.0/8"],
      ...six.flatMap(
        (one, at) =>
          [
            [`[${one}]`, four[at] ?? ""],
            [one, four[at] ?? ""],
          ] as const,
      ),
    ] as const)
      text = text.replaceAll(from, to);
    // The chain of an endpoint is named after its place.
    const unnamed = (rules: string) => rules.replaceAll(/endpoint-[0-9a-f]{16}/g, "endpoint-N");
    assert.equal(unnamed(text), unnamed(JSON.stringify(inFamily(4, four))));
    assert.match(text, /10\.1\.0\.1:8080/);
  });

  it("number a Service's endpoints for chains that all share, and know pods of this node that may meet themselves", () => {
    const node = { nodeName: "a", zone: undefined, loopbackPods: false };
    const endpoints = [
      { addresses: ["10.1.0.1"], nodeName: "a" },
      { addresses: ["10.1.0.2"] },
      { addresses: ["10.1.1.1"], nodeName: "b" },
    ];
    const rules = (spec: object) => {
      const one = { ...balancer([]), spec: { ...balancer([]).spec, type: "ClusterIP", ...spec } } as Service;
      const { ports } = planServices([one], [{ ...slice, endpoints } as unknown as EndpointSlice], node);
      return serviceRules(ports, { podCidr: "10.1.0.0/24" });
    };
    const texts = ({ chains }: ReturnType<typeof rules>, prefix: string) =>
      Object.entries(chains)
        .filter(([name]) => name.startsWith(prefix))
        .map(([, chain]) => chain.rules.map(({ text }) => text.replaceAll(/-[0-9a-f]{16}/g, "-X")));
    const { maps } = rules({});
    const entries = (map: string) =>
      maps[map]?.elements.map(({ key, value }) => `${key.text} : ${value.text}`);
    assert.deepEqual(entries("service-ips"), ["10.96.0.1 . tcp . 80 : goto one-of-3-address"]);
    assert.deepEqual(texts(rules({}), "one-of-3-address"), [["numgen random mod 3 vmap @numbers-address"]]);
    const numbers = ["0 : goto address-0", "1 : goto address-1", "2 : goto address-2"];
    assert.deepEqual(entries("numbers-address"), numbers);
    const to = (protocol: string) =>
      `meta l4proto ${protocol} dnat ip to ip daddr . meta l4proto . th dport map @address-2`;
    assert.deepEqual(texts(rules({}), "address-2"), [["tcp", "udp", "sctp"].map(to)]);
    assert.deepEqual(
      [0, 1, 2].map((n) => entries(`address-${n}`)),
      ["10.1.0.1", "10.1.0.2", "10.1.1.1"].map((ip) => [`10.96.0.1 . tcp . 80 : ${ip} . 8080`]),
    );
    assert.deepEqual(texts(rules({}), "endpoint-"), []);
    assert.deepEqual(texts(rules({}), "service-"), []);
    assert.deepEqual(
      rules({}).sets.hairpins?.elements?.map(({ text }) => text),
      ["10.1.0.1 . 10.1.0.1", "10.1.0.2 . 10.1.0.2"],
    );
    const kept = rules({ sessionAffinity: "ClientIP" });
    assert.deepEqual(texts(kept, "endpoint-")[2], [
      "update @endpoint-X-10800s { ip saddr }",
      "meta l4proto tcp dnat to 10.1.1.1:8080",
    ]);
    assert.equal(texts(kept, "service-")[0]?.length, 4, "three that may know the client, and a choice");
  });

  it("keep traffic from outside on the node where that is asked for, and masquerade it where it is not", () => {
    const node = { nodeName: "a", zone: undefined, loopbackPods: false };
    const endpoints = [
      { addresses: ["10.1.0.1"], nodeName: "a" },
      { addresses: ["10.1.1.1"], nodeName: "b" },
    ];
    const rules = (spec: object) => {
      const one = { ...balancer([]), spec: { ...balancer([]).spec, ...spec } } as Service;
      const { ports } = planServices([one], [{ ...slice, endpoints } as unknown as EndpointSlice], node);
      return serviceRules(ports, { podCidr: "10.1.0.0/24" });
    };
    const led = ({ maps, chains }: ReturnType<typeof rules>, map: string) => {
      const target = maps[map]?.elements.at(-1)?.value.text.replace("goto ", "") ?? "";
      return [target, ...(chains[target]?.rules.map(({ text }) => text) ?? [])];
    };
    const mark = "meta mark set meta mark | 0x4000";
    assert.deepEqual(led(rules({}), "service-ips"), [
      "masqueraded-one-of-2-address",
      mark,
      "goto one-of-2-address",
    ]);
    assert.deepEqual(led(rules({ externalTrafficPolicy: "Local" }), "node-ports"), [
      "outside-node-port-2-1",
      "ip saddr 10.1.0.0/24 goto one-of-2-node-port",
      `fib saddr type local ${mark}`,
      "fib saddr type local goto one-of-2-node-port",
      "goto one-of-1-local-node-port",
    ]);
    const local = rules({ internalTrafficPolicy: "Local" }).maps["local-address-0"]?.elements;
    assert.deepEqual(
      local?.map(({ key, value }) => `${key.text} : ${value.text}`),
      ["10.96.0.1 . tcp . 80 : 10.1.0.1 . 8080"],
    );
  });

  it("let a node in from the balancer's address that it has itself, if it is allowed", () => {
    const firewall = (...sources: string[]) => rulesOf({ nodeIp: "10.0.0.1" }, sources)("firewall");
    assert.deepEqual(firewall("10.0.0.0/24"), ["ip saddr != { 10.0.0.0/24, 10.9.0.1 } drop"]);
    assert.deepEqual(firewall("192.0.2.0/24"), ["ip saddr != { 192.0.2.0/24 } drop"]);
    // Ranges of a set may not overlap.
    assert.deepEqual(firewall("10.0.0.0/8"), ["ip saddr != { 10.0.0.0/8 } drop"]);
  });

  it("answer by way of the node whoever comes with a cluster IP from outside the cluster", () => {
    const [first] = rulesOf({ clusterCidr: "10.1.0.0/16" })("services");
    assert.match(first ?? "", /^ip daddr @cluster-ips ip saddr != 10\.1\.0\.0\/16 .* meta mark set /);
    assert.doesNotMatch(rulesOf({})("services").join(), /@cluster-ips/);
  });
});

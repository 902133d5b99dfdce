import assert from "node:assert/strict";
import { canRunNodes, eventually, service, slice, TestNode } from "./testing/test-node.ts";

/** What would break out of a rule if rules were text put together. */
const hostile = [
  "10.0.0.1\nadd table ip stolen",
  "10.0.0.1; add table ip stolen",
  "10.0.0.1 } ; add table ip stolen",
  "10.0.0.1 accept",
  "@cluster-ips",
  "$(touch /tmp/stolen)",
  "0.0.0.0/0",
  "fe80::1%a\nadd table ip stolen",
  "not-an-address",
  "",
];

describe("hostile addresses on a node", function () {
  this.timeout(120_000);
  let node: TestNode;
  let good: string;

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(["good", "bad"]);
    good = await node.attach("good");
    await node.serve("good");
  });
  after(() => node?.stop());

  for (const text of hostile) {
    if (text === "") continue; // an empty hostIP means every address
    it(`hostIP ${JSON.stringify(text)}: the pod is refused by name, and no rule comes of it`, async () => {
      const ports = [{ protocol: "TCP", hostIp: text, hostPort: 8099, containerPort: 8080 } as const];
      const { error, cause } = await node.try("attach", node.attachment("bad", ports));
      assert.match(`${error} ${cause}`, /cannot connect pod ns\/bad/);
      assert.ok(`${cause}`.includes(`hostIP ${JSON.stringify(text)}`), cause);
      assert.doesNotMatch(await node.ruleset(), /stolen/);
      // Another pod's host ports are set as if nothing had been.
      await node.ask("detach", { sandboxId: "bad", uid: "bad" });
      await node.attach("bad", [{ protocol: "TCP", hostPort: 8098, containerPort: 8080 }]);
      assert.match(await node.ruleset(), /tcp dport 8098 dnat to/);
      await node.ask("detach", { sandboxId: "bad", uid: "bad" });
    });
  }

  /** Each makes a Service and its slice, one string in them spoilt. */
  const spoilt: readonly {
    readonly field: string;
    readonly service: (name: string, text: string) => object;
    readonly endpoint?: (text: string) => string;
    /** Strings that say something else here: absent, or fine. */
    readonly fine?: readonly string[];
  }[] = [
    { field: "spec.clusterIPs", service: (name, text) => service(name, text), fine: [""] },
    {
      field: "spec.externalIPs",
      service: (name, text) => service(name, "10.96.0.66", { externalIPs: [text] }),
    },
    { field: "status.loadBalancer.ingress", service: balanced([]), fine: [""] },
    {
      field: "spec.loadBalancerSourceRanges",
      service: (name, text) => balanced([text])(name, "203.0.113.9"),
      fine: ["0.0.0.0/0"],
    },
    {
      field: "endpoints[0].addresses",
      service: (name) => service(name, "10.96.0.66"),
      endpoint: (text) => text,
    },
  ];
  for (const { field, service: spoil, endpoint = () => good, fine = [] } of spoilt)
    it(`${field}: what is no address is left out with an event, and every other Service stands`, async () => {
      for (const [n, text] of hostile.entries()) {
        const name = `bad-${spoilt.findIndex((one) => one.field === field)}-${n}`;
        const ip = `10.96.1.${n + 1}`;
        await node.ask("set", { plural: "services", objects: [spoil(name, text), service("fine", ip)] });
        await node.ask("set", {
          plural: "endpointslices",
          objects: [slice(name, [endpoint(text)]), slice("fine", [good])],
        });
        await eventually(`${JSON.stringify(text)}: the other Service is served`, async () =>
          (await node.ruleset()).includes(`${ip} . tcp . 80`),
        );
        assert.doesNotMatch(await node.ruleset(), /stolen/);
        if (fine.includes(text)) continue;
        await eventually(`${field} ${JSON.stringify(text)} is said`, async () =>
          (await node.events()).some(
            (message) => message.includes(field) && message.includes(`${JSON.stringify(text)} is not`),
          ),
        );
      }
      assert.equal(await node.get(node.node, `http://10.96.1.${hostile.length}/`), "good");
    });

  it("an IPv6 external address is skipped without a word: another node may have it", async () => {
    const before = await node.events();
    const objects = [service("six", "10.96.0.67", { externalIPs: ["2001:db8::1", "203.0.113.7"] })];
    await node.ask("set", { plural: "services", objects });
    await node.ask("set", { plural: "endpointslices", objects: [slice("six", [good])] });
    await eventually("the IPv4 address stands", async () =>
      (await node.ruleset()).includes("203.0.113.7 . tcp . 80"),
    );
    assert.deepEqual(await node.events(), before);
    assert.equal(await node.get(node.node, "http://203.0.113.7/"), "good");
  });

  it("a node's range of pods that takes in ours, or is none of the cluster's, is not routed to it", async () => {
    const other = (name: string, podCIDR: string, address: string) => ({
      metadata: { name },
      spec: { podCIDR },
      status: { addresses: [{ type: "InternalIP", address }] },
    });
    const objects = [
      other("all", "0.0.0.0/0", "10.199.0.66"),
      other("ours", "10.198.1.0/25", "10.199.0.66"),
      other("outside", "10.42.0.0/24", "10.199.0.66"),
      other("words", "10.198.3.0/24 dev lo", "10.199.0.66"),
      other("way", "10.198.4.0/24", "10.199.0.66 dev lo"),
      other("fine", "10.198.2.0/24", TestNode.outsideIp),
    ];
    await node.ask("set", { plural: "nodes", objects });
    const routes = async () => (await node.in(node.node, "ip", ["route"])).stdout;
    await eventually("the good one is routed", async () => (await routes()).includes("10.198.2.0/24 via"));
    assert.doesNotMatch(await routes(), /10\.199\.0\.66|10\.198\.[34]/);
    await node.ask("set", { plural: "nodes", objects: [] });
  });

  it("a pod that is taken over with a host port that cannot be had is made anew; the others are kept", async () => {
    const known = (pod: string, podIp: string, hostIp?: string) => ({
      ...node.attachment(pod, [
        { protocol: "TCP", hostPort: 8090, containerPort: 8080, ...(hostIp !== undefined && { hostIp }) },
      ]),
      podIp,
      gateway: "10.198.1.1",
    });
    const bad = await node.attach("bad");
    await node.restart();
    const lost = await node.ask("restore", [known("bad", bad, hostile[0]), known("good", good)]);
    assert.deepEqual(lost, ["bad"]);
    assert.match(
      await node.ruleset(),
      new RegExp(`tcp dport 8090 dnat to ${good.replaceAll(".", "\\.")}:8080`),
    );
    assert.equal(await node.get(node.outside, `http://${TestNode.ip}:8090/`), "good");
  });

  it("names and port names never come into the rules", async () => {
    const odd = service("fine", "10.96.2.1", {
      ports: [{ name: 'x" ; add table ip stolen', port: 80, protocol: "TCP" }],
    }) as { metadata: { name: string; labels?: object } };
    odd.metadata.name = "x\nadd table ip stolen";
    await node.ask("set", { plural: "services", objects: [odd, service("next", "10.96.2.2")] });
    await eventually("both stand", async () => {
      const ruleset = await node.ruleset();
      return ["10.96.2.1 . tcp", "10.96.2.2 . tcp"].every((key) => ruleset.includes(key));
    });
    assert.doesNotMatch(await node.ruleset(), /stolen/);
  });
});

function balanced(sources: readonly string[]) {
  return (name: string, ip: string) =>
    service(
      name,
      "10.96.0.66",
      { type: "LoadBalancer", loadBalancerSourceRanges: sources },
      { status: { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } } },
    );
}

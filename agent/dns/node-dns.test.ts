import assert from "node:assert/strict";
import { canRunNodes, eventually, service, slice, TestNode } from "../network/testing/test-node.ts";

const dnsAddress = "10.96.0.10";
/** Ends a hang, and measures nothing. */
const hangMs = 60_000;

/** What Node's resolver makes of a question to the cluster's DNS, asked in a network namespace; over TCP where the answer is
 *  too long for a datagram. */
async function ask(node: TestNode, namespace: string, call: string, timeoutMs = hangMs): Promise<string> {
  const program = `const r = new (require("dns").promises.Resolver)({ timeout: ${timeoutMs}, tries: 1 }); r.setServers(["${dnsAddress}"]); r.${call}.then((v) => console.log(JSON.stringify(v)), (e) => console.log(e.code))`;
  return (await node.in(namespace, process.execPath, ["-e", program])).stdout.trim();
}

describe("a node's DNS in its network", function () {
  this.timeout(300_000);
  let node: TestNode;
  let pod: string;
  const web = "web.default.svc.cluster.local";

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(["client", "greedy"]);
    await node.attach("client");
    pod = node.namespaceOf("client");
    await node.ask("set", {
      plural: "services",
      objects: [
        service("web", "10.96.0.77"),
        // Wants what is the DNS' own.
        service("thief", "10.96.0.78", { externalIPs: [dnsAddress], ports: [{ port: 53, protocol: "UDP" }] }),
        service("crowd", "None"),
        // As the API keeps it: nobody stands behind it, and yet it is answered.
        {
          ...service("kube-dns", dnsAddress, {
            ports: [
              { port: 53, protocol: "UDP" },
              { port: 53, protocol: "TCP" },
            ],
          }),
        },
      ],
    });
    const many = Array.from({ length: 200 }, (_, i) => `10.198.2.${i + 1}`);
    await node.ask("set", {
      plural: "endpointslices",
      objects: [
        slice("crowd", many),
        slice("thief", ["10.198.1.99"], { ports: [{ name: "", port: 53, protocol: "UDP" }] }),
      ],
    });
    await eventually("the proxy knows the Services too", async () =>
      (await node.ruleset()).includes("10.96.0.77"),
    );
  });
  after(() => node?.stop());

  it("answers pods, and the node itself, at the address of its Service", async () => {
    assert.equal(await ask(node, pod, `resolve4("${web}")`), '["10.96.0.77"]');
    assert.equal(await ask(node, node.node, `resolve4("${web}")`), '["10.96.0.77"]');
    assert.equal(await ask(node, pod, `reverse("10.96.0.77")`), `["${web}"]`);
    assert.equal(await ask(node, pod, `resolve4("absent.default.svc.cluster.local")`), "ENOTFOUND");
    assert.equal(await ask(node, pod, `resolve6("${web}")`), "ENODATA");
  });

  it("answers over TCP what no datagram holds", async () => {
    const found = JSON.parse(await ask(node, pod, `resolve4("crowd.default.svc.cluster.local")`));
    assert.equal(found.length, 200);
  });

  it("says nothing to machines outside", async () => {
    await node.in(node.outside, "ip", ["route", "replace", `${dnsAddress}/32`, "via", TestNode.ip]);
    assert.equal(await ask(node, node.outside, `resolve4("${web}")`, 1000), "ETIMEOUT");
  });

  it("goes on answering where a pod takes the node's port 53", async () => {
    const ports = [
      { protocol: "UDP", hostPort: 53, containerPort: 53 },
      { protocol: "TCP", hostPort: 53, containerPort: 53 },
    ] as const;
    const atDns = await node.try("attach", node.attachment("greedy", [{ ...ports[0], hostIp: dnsAddress }]));
    assert.match(String(atDns.cause), /hostIP "10\.96\.0\.10" is the address of the cluster's DNS/);
    await node.attach("greedy", ports);
    assert.equal(await ask(node, pod, `resolve4("${web}")`), '["10.96.0.77"]');
    assert.equal(await ask(node, node.node, `resolve4("${web}")`), '["10.96.0.77"]');
  });

  it("answers again after its agent was killed", async () => {
    await node.restart();
    await node.ask("set", { plural: "services", objects: [service("web", "10.96.0.78")] });
    await eventually(
      "the new agent answers",
      async () => (await ask(node, pod, `resolve4("${web}")`)) === '["10.96.0.78"]',
    );
  });
});

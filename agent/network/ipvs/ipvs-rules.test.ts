import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseIpSpans } from "../../../base/ip-spans.ts";
import type { EndpointSlice, Service } from "../../../client/types.ts";
import { ipFamilies } from "../ip-family.ts";
import { emptyRuleset, rulesetChange } from "../nft-ruleset.ts";
import { nft } from "../nft-text.ts";
import { planServices } from "../service-plan.ts";
import type { ServiceRulesOptions } from "../service-rules.ts";
import { canRunNodes, service, slice, TestNode } from "../testing/test-node.ts";
import { ipvsRules } from "./ipvs-rules.ts";

/** There is no IPVS: what rules let through meets the node's own programs instead, where they listen. */
describe("rules beside IPVS, in the kernel", function () {
  this.timeout(120_000);
  let node: TestNode;
  let pod: string;
  const table = nft`ip pintle-beside-ipvs`;
  const options: ServiceRulesOptions = {
    podCidr: "10.198.1.0/24",
    clusterCidr: "10.198.0.0/16",
    serviceCidr: "10.96.0.0/16",
    nodeIp: TestNode.ip,
  };
  const view = { nodeName: "node-1", zone: undefined, loopbackPods: false };
  const rulesOf = (
    services: readonly object[],
    slices: readonly object[],
    more: Partial<ServiceRulesOptions> = {},
  ) =>
    ipvsRules(planServices(services as Service[], slices as EndpointSlice[], view).ports, {
      ...options,
      ...more,
    });

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(["a"]);
    await node.attach("a");
    pod = node.namespaceOf("a");
    const serve = (port: number) =>
      `require("http").createServer((q, r) => r.end(q.socket.remoteAddress)).listen(${port}, "0.0.0.0", () => console.log("up"));`;
    await node.background(node.node, `${serve(80)}${serve(9999)}`);
    // Its own proxy's, which would refuse the same.
    await node.in(node.node, "nft", ["delete", "table", "ip", "pintle-services"]);
    await node.in(node.node, "ip", ["link", "add", "kube-ipvs0", "type", "bridge"]);
    for (const ip of ["10.96.5.1", "10.96.5.2", "203.0.113.9"])
      await node.in(node.node, "ip", ["addr", "add", `${ip}/32`, "dev", "kube-ipvs0"]);
    await node.in(node.node, "ip", ["link", "set", "kube-ipvs0", "up"]);
    const balanced = service(
      "lb",
      "10.96.5.3",
      { type: "LoadBalancer", loadBalancerSourceRanges: ["10.199.0.0/24"] },
      { status: { loadBalancer: { ingress: [{ ip: "203.0.113.9", ipMode: "VIP" }] } } },
    );
    const services = [service("web", "10.96.5.1"), service("empty", "10.96.5.2"), balanced];
    await load(
      rulesetChange(
        table,
        emptyRuleset,
        rulesOf(
          services,
          ["web", "lb"].map((name) => slice(name, ["10.198.1.9"])),
        ),
      ),
    );
    await node.in(node.outside, "ip", ["route", "replace", "203.0.113.0/24", "via", TestNode.ip]);
  });
  after(() => node?.stop());

  async function load(text: string, ...args: string[]): Promise<void> {
    const child = spawn("nsenter", [`--net=/run/netns/${node.node}`, "--", "nft", ...args, "-f", "-"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end(`add table ip pintle-beside-ipvs\n${text}`);
    assert.deepEqual(await once(child, "exit"), [0, null]);
  }

  it("let through what a virtual server serves, and refuse what else listens on the node", async () => {
    assert.match(await node.get(pod, "http://10.96.5.1/"), /^10\.198\.1\./);
    for (const from of [pod, node.node]) {
      assert.equal(await node.get(from, "http://10.96.5.1:9999/"), "refused", from);
      assert.equal(await node.get(from, "http://10.96.5.2/"), "refused", "no endpoints");
    }
    assert.notEqual(await node.get(node.outside, `http://${TestNode.ip}:9999/`), "refused", "the node's own");
  });

  it("keep to a load balancer's sources, and send out nothing to a cluster IP of nobody", async () => {
    assert.notEqual(await node.get(node.outside, "http://203.0.113.9/"), "");
    assert.ok(await node.isDropped(pod, "http://203.0.113.9/"));
    assert.ok(await node.isDropped(pod, "http://10.96.200.200/"));
  });

  it("are the kernel's in every form, in both families", async () => {
    const all = {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      ports: [{ port: 80, protocol: "TCP", nodePort: 30_080 }],
    };
    const pool = parseIpSpans(["203.0.113.1-203.0.113.9"]).spans;
    const four = rulesOf([service("web", "10.96.5.1", all)], [], {
      balancerPool: pool,
      nodePortRanges: ["10.0.0.0/8", "192.0.2.1/32"],
    });
    await load(`add table ip pintle-tried\n${rulesetChange(nft`ip pintle-tried`, emptyRuleset, four)}`, "-c");
    const { ports } = planServices(
      [service("web", "fd00:96::1", all) as Service],
      [slice("web", ["fd00:198::9"]) as EndpointSlice],
      { ...view, family: 6 },
    );
    for (const nodePortRanges of [undefined, []]) {
      const ranges = {
        podCidr: "fd00:198:0:1::/64",
        clusterCidr: "fd00:198::/48",
        serviceCidr: "fd00:96::/112",
      };
      const six = ipvsRules(ports, {
        ...ranges,
        family: ipFamilies[6],
        ...(nodePortRanges && { nodePortRanges }),
      });
      await load(
        `add table ip6 pintle-tried\n${rulesetChange(nft`ip6 pintle-tried`, emptyRuleset, six)}`,
        "-c",
      );
    }
    const bare = ipvsRules(ports, { podCidr: "", family: ipFamilies[6] });
    await load(
      `add table ip6 pintle-tried\n${rulesetChange(nft`ip6 pintle-tried`, emptyRuleset, bare)}`,
      "-c",
    );
  });
});

import assert from "node:assert/strict";
import type { ProxyMode } from "../../network-seam.ts";
import { canRunNodes, eventually, service, slice, TestNode, testedModes } from "../testing/test-node.ts";

describe("Services of both families by iptables", function () {
  this.timeout(180_000);
  let node: TestNode;
  const v4: string[] = [];
  const v6: string[] = [];
  const [clusterIp, clusterIp6] = ["10.96.0.77", "fd00:96::77"];
  const dual = (spec: object = {}) =>
    service("web", clusterIp, {
      type: "NodePort",
      clusterIPs: [clusterIp, clusterIp6],
      ipFamilies: ["IPv4", "IPv6"],
      ports: [{ port: 80, targetPort: 8080, nodePort: 30077, protocol: "TCP" }],
      ...spec,
    });
  const setServices = (...objects: object[]) => node.ask("set", { plural: "services", objects });
  const setSlices = (...objects: object[]) => node.ask("set", { plural: "endpointslices", objects });
  const fromPod = (pod: string, host: string, path = "") =>
    node.get(node.namespaceOf(pod), `http://${host}/${path}`);
  const ownChains = async () => (await node.iptables()).match(/:(KUBE-|PINTLE-)\S+/g) ?? [];

  before(async function () {
    if (!canRunNodes || !testedModes.includes("iptables")) this.skip();
    node = await TestNode.start(["a", "b"], { isDual: true, proxyMode: "iptables" });
    for (const pod of ["a", "b"]) {
      const [podIp, secondIp] = await node.attachBoth(pod);
      v4.push(podIp);
      v6.push(secondIp);
      await node.serve(pod);
    }
  });
  after(() => node?.stop());

  it("are reached from pods, which may meet themselves, from the node and from outside", async () => {
    await setSlices(slice("web", v4), slice("web", v6));
    await setServices(dual());
    const url = `http://[${clusterIp6}]/`;
    await eventually("the Service answers", async () => (await node.get(node.node, url)) !== "");
    for (const host of [clusterIp, `[${clusterIp6}]`])
      assert.deepEqual(await node.differentAnswers(node.namespaceOf("a"), `http://${host}/`, 2), ["a", "b"]);
    for (const host of [TestNode.ip, `[${TestNode.v6.nodeIp}]`])
      assert.deepEqual(await node.differentAnswers(node.outside, `http://${host}:30077/`, 2), ["a", "b"]);
    assert.doesNotMatch(await node.ruleset(), /pintle-services/, "nothing of nftables' own");
  });

  it("have a pod see the node as the sender of what it sends itself", async () => {
    await setSlices(slice("web", v4.slice(0, 1)), slice("web", v6.slice(0, 1)));
    const gateway = "10.198.1.1";
    await eventually("only a answers", async () => (await fromPod("b", clusterIp)) === "a");
    assert.equal(await fromPod("a", clusterIp, "from"), gateway);
    assert.equal(await fromPod("a", `[${clusterIp6}]`, "from"), "fd00:198:0:1::1");
    assert.equal(await fromPod("b", clusterIp, "from"), v4[1], "others under their own address");
  });

  it("refuse what is not served, in each family by itself", async () => {
    assert.equal(await fromPod("b", `[${clusterIp6}]:81`), "refused");
    await setSlices(slice("web", v4.slice(0, 1)));
    await eventually("refused", async () => (await fromPod("b", `[${clusterIp6}]`)) === "refused");
    assert.equal(await node.get(node.outside, `http://[${TestNode.v6.nodeIp}]:30077/`), "refused");
    assert.equal(await fromPod("b", clusterIp), "a");
  });

  it("keep a client of IPv6 with its endpoint where that is asked for", async () => {
    await setSlices(slice("web", v6));
    await setServices(dual({ sessionAffinity: "ClientIP" }));
    await eventually("clients are kept", async () => (await node.iptables()).includes("--seconds 10800 "));
    const answers = await node.differentAnswers(node.namespaceOf("b"), `http://[${clusterIp6}]/`, 1);
    assert.equal(answers.length, 1, answers.join());
  });

  it("write only chains that change, so that other Services' packets are counted on", async () => {
    await setSlices(slice("web", v4), slice("other", v4));
    await setServices(dual(), service("other", "10.96.0.78"));
    await eventually("both answer", async () => (await fromPod("b", "10.96.0.78")) !== "refused");
    const toOther = /\[(\d+):\d+\] -A KUBE-SERVICES -d 10\.96\.0\.78\/32 /;
    const countOf = async () => {
      const { stdout } = await node.in(node.node, "iptables-save", ["-c", "-t", "nat"]);
      return Number(toOther.exec(stdout)?.[1]);
    };
    const before = await countOf();
    assert.ok(before > 0);
    await setSlices(slice("web", v4.slice(0, 1)), slice("other", v4));
    await eventually(
      "one is left",
      async () =>
        (await node.differentAnswers(node.namespaceOf("b"), `http://${clusterIp}/`, 1)).length === 1,
    );
    assert.ok((await countOf()) >= before, "the chain was not written anew");
  });

  it("are no way for names to become rules", async () => {
    const odd = service("x", "10.96.2.1") as { metadata: { name: string } };
    odd.metadata.name = 'x" -j ACCEPT\n-A INPUT -j DROP # ';
    await setServices(odd, service("next", "10.96.2.2"));
    await eventually("both stand", async () => {
      const shown = await node.iptables();
      return ["10.96.2.1/32", "10.96.2.2/32"].every((one) => shown.includes(one));
    });
    assert.doesNotMatch(await node.iptables(), /-A INPUT -j DROP|-j ACCEPT\\n/);
    assert.match(
      await node.iptables(),
      /-d 10\.96\.2\.2\/32 .*--comment "default\/next:80 has no endpoints"/,
    );
  });

  it("leave others' rules alone, and go with their mode, as nftables' own do", async () => {
    const foreign = ["-t", "nat", "-A", "POSTROUTING", "-s", "192.0.2.1/32", "-j", "ACCEPT"];
    await node.in(node.node, "iptables", foreign);
    const served = async (mode: ProxyMode) => {
      await node.restart({ proxyMode: mode });
      await node.ask("restore", []);
      await node.attachBoth("a");
      await setSlices(slice("web", v4));
      await setServices(dual());
      await eventually(`${mode} has it`, async () => (await node.serviceRules()).includes(clusterIp));
    };
    // As by IPVS, and as by a kube-proxy, which is none of ours.
    await node.in(node.node, "ip", ["link", "add", "kube-ipvs0", "type", "bridge"]);
    await served("iptables");
    assert.equal((await ownChains()).filter((one) => one === ":KUBE-SERVICES").length, 4, "none twice");
    const links = async () => (await node.in(node.node, "ip", ["-br", "link"])).stdout;
    assert.match(await links(), /kube-ipvs0/);
    await node.in(node.node, "ip", ["link", "set", "kube-ipvs0", "alias", "pintle"]);
    await served("nftables");
    await eventually("IPVS' link is gone", async () => !(await links()).includes("kube-ipvs0"));
    await eventually("iptables' chains are gone", async () => (await ownChains()).length === 0);
    await served("iptables");
    await eventually(
      "nftables' table is gone",
      async () => !(await node.ruleset()).includes("pintle-services"),
    );
    const jumps = (await node.iptables()).match(/^-A (PREROUTING|OUTPUT) .*KUBE-SERVICES$/gm);
    assert.equal(jumps?.length, 6, jumps?.join("\n"));
    assert.match(await node.iptables(), /-A POSTROUTING -s 192\.0\.2\.1\/32 -j ACCEPT/);
  });
});

import assert from "node:assert/strict";
import { canRunNodes, eventually, service, slice, TestNode } from "./testing/test-node.ts";

describe("a node whose pods have addresses of both families", function () {
  this.timeout(180_000);
  let node: TestNode;
  const v4 = new Map<string, string>();
  const v6 = new Map<string, string>();
  const six = (pod: string) => v6.get(pod) ?? assert.fail(`${pod} has no IPv6 address`);
  const four = (pod: string) => v4.get(pod) ?? assert.fail(`${pod} has no IPv4 address`);
  const clusterIp = "10.96.0.77";
  const clusterIp6 = "fd00:96::77";
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
  const setPolicies = (...objects: object[]) => node.ask("set", { plural: "networkpolicies", objects });

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(["a", "b"], { isDual: true });
    for (const pod of ["a", "b"]) {
      const [podIp, secondIp] = await node.attachBoth(pod);
      v4.set(pod, podIp);
      v6.set(pod, secondIp);
      await node.serve(pod);
    }
    // Both are known, as the API has them: policies ask.
    const objects = ["a", "b"].map((name) => ({
      metadata: { namespace: "ns", name, uid: name, labels: { app: name } },
      spec: { nodeName: "node-1", containers: [] },
    }));
    await node.ask("set", { plural: "pods", objects });
    await node.ask("set", { plural: "namespaces", objects: [{ metadata: { name: "ns", labels: {} } }] });
  });
  after(() => node?.stop());

  it("connects pods with each other and with the node by both, and asks nobody about neighbours", async () => {
    assert.match(four("a"), /^10\.198\.1\.\d+$/);
    assert.match(six("a"), /^fd00:198:0:1::[0-9a-f]+$/);
    assert.notEqual(six("a"), six("b"));
    for (const address of [four("b"), `[${six("b")}]`]) {
      assert.equal(
        await node.get(node.namespaceOf("a"), `http://${address}:8080/`),
        "b",
        `${address}, a pod`,
      );
      assert.equal(await node.get(node.node, `http://${address}:8080/`), "b", `${address}, the node`);
    }
    assert.equal(
      await node.get(node.namespaceOf("a"), `http://[${six("b")}]:8080/from`),
      six("a"),
      "under its own address",
    );
    // Nor was it told of a shorter way, which leads nowhere.
    const known = (await node.in(node.namespaceOf("b"), "ip", ["-6", "neigh", "show", "dev", "eth0"])).stdout;
    assert.deepEqual(known.match(/fd00:\S+/g), ["fd00:198:0:1::1"]);
  });

  it("leads Services' IPv6 addresses and node ports to IPv6 endpoints, and IPv4 ones to IPv4", async () => {
    await setSlices(slice("web", [four("a"), four("b")]), slice("web", [six("a"), six("b")]));
    await setServices(dual());
    const url = `http://[${clusterIp6}]/`;
    await eventually("the Service answers", async () => (await node.get(node.node, url)) !== "");
    assert.deepEqual(
      await node.differentAnswers(node.namespaceOf("a"), url, 2),
      ["a", "b"],
      "a pod reaches its neighbour and itself through the Service",
    );
    const outside = `http://[${TestNode.v6.nodeIp}]:30077/`;
    assert.deepEqual(await node.differentAnswers(node.outside, outside, 2), ["a", "b"], "node port");
    // All of one family leave: the other's goes on.
    await setSlices(slice("web", [four("b")]));
    await eventually("refused", async () => (await node.get(node.node, url)) === "refused");
    await eventually(
      "IPv4 goes on",
      async () => (await node.differentAnswers(node.node, `http://${clusterIp}/`, 1)).join() === "b",
    );
    assert.equal(await node.get(node.outside, outside), "refused", "node port without endpoints");
  });

  it("gives a Service of one family nothing of the other", async () => {
    await setSlices(slice("web", [four("a")]), slice("web", [six("a")]));
    await setServices(
      service("web", clusterIp6, {
        ipFamilies: ["IPv6"],
        type: "NodePort",
        ports: [{ port: 80, nodePort: 30077 }],
      }),
    );
    const url = `http://[${TestNode.v6.nodeIp}]:30077/`;
    await eventually("it answers", async () => (await node.get(node.outside, url)) === "a");
    await eventually("the other is gone", async () => !(await node.ruleset()).includes(`${clusterIp} . tcp`));
    assert.equal(await node.get(node.outside, `http://${TestNode.ip}:30077/`), "refused");
  });

  it("keeps an IPv6 client with its endpoint where that is asked for", async () => {
    await setSlices(slice("web", [six("a"), six("b")]));
    await setServices(dual({ sessionAffinity: "ClientIP" }));
    const url = `http://[${clusterIp6}]/`;
    await eventually("clients are kept", async () => (await node.ruleset()).includes("-10800s"));
    const answers = await node.differentAnswers(node.namespaceOf("a"), url, 2);
    assert.equal(answers.length, 1, answers.join());
  });

  it("lets pods out under the node's own IPv6 address", async () => {
    const program = `require("http").createServer((q, r) => r.end(q.socket.remoteAddress)).listen(8090, "::", () => console.log("up"))`;
    const stop = await node.background(node.outside, program);
    try {
      const seen = await node.get(node.namespaceOf("a"), `http://[${TestNode.outsideIp6}]:8090/`);
      assert.equal(seen, TestNode.v6.nodeIp);
    } finally {
      stop();
    }
  });

  it("serves host ports at both, or at the address that is asked for", async () => {
    const hostPort = (port: number, hostIp?: string) =>
      ({ protocol: "TCP", hostPort: port, containerPort: 8080, ...(hostIp && { hostIp }) }) as const;
    await node.ask("detach", { sandboxId: "b", uid: "b" });
    const refused = await node.try("attach", node.attachment("b", [hostPort(8071, TestNode.v6.dnsAddress)]));
    assert.match(`${refused.cause}`, /hostIP "fd00:96::a" is the address of the cluster's DNS/);
    const [, again] = await node.attachBoth("b", [hostPort(8070), hostPort(8072, TestNode.v6.nodeIp)]);
    v6.set("b", again);
    const get = (host: string, port: number) => node.get(node.outside, `http://${host}:${port}/`);
    assert.equal(await get(TestNode.ip, 8070), "b");
    assert.equal(await get(`[${TestNode.v6.nodeIp}]`, 8070), "b");
    assert.equal(await get(`[${TestNode.v6.nodeIp}]`, 8072), "b");
    assert.equal(await get(TestNode.ip, 8072), "refused");
    const seen = await node.get(node.namespaceOf("b"), `http://[${TestNode.v6.nodeIp}]:8070/from`);
    assert.equal(seen, "fd00:198:0:1::1", "a pod meets itself at its host port: the node in its place");
  });

  it("answers load balancers at the health check port at both addresses, for endpoints of either family", async () => {
    const spec = {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 30_078,
    };
    const here = (address: string) => slice("web", [address]);
    const code = async (host: string) => {
      const program = `require("http").get("http://${host}:30078/", (r) => { console.log(r.statusCode); r.resume(); }).on("error", (e) => console.log(e.code))`;
      return (await node.in(node.outside, process.execPath, ["-e", program])).stdout.trim();
    };
    const codes = async () => [await code(TestNode.ip), await code(`[${TestNode.v6.nodeIp}]`)].join();
    await setServices(dual(spec));
    await setSlices(here(six("a")));
    await eventually("IPv6 alone", async () => (await codes()) === "200,200");
    await setSlices(here(four("a")));
    await eventually("IPv4 alone", async () => (await codes()) === "200,200");
    await setSlices();
    await eventually("none", async () => (await codes()) === "503,503");
    await setServices();
    await eventually("closed", async () => (await codes()) === "ECONNREFUSED,ECONNREFUSED");
  });

  it("answers the cluster's names at its IPv6 address, with IPv6 addresses", async () => {
    await setServices(dual());
    const ask = async (call: string) => {
      const program = `const r = new (require("dns").promises.Resolver)({ timeout: 5000, tries: 2 }); r.setServers(["[${TestNode.v6.dnsAddress}]"]); r.${call}.then((v) => console.log(JSON.stringify(v)), (e) => console.log(e.code))`;
      return (await node.in(node.namespaceOf("a"), process.execPath, ["-e", program])).stdout.trim();
    };
    const name = "web.default.svc.cluster.local";
    await eventually("the name is known", async () =>
      (await ask(`resolve6("${name}")`)).includes(clusterIp6),
    );
    assert.equal(await ask(`resolve6("${name}")`), JSON.stringify([clusterIp6]));
    assert.equal(await ask(`resolve4("${name}")`), JSON.stringify([clusterIp]));
    assert.equal(await ask(`reverse("${clusterIp6}")`), JSON.stringify([name]));
    assert.equal(
      await ask(`resolve6("ns.dns.cluster.local")`),
      JSON.stringify([TestNode.v6.dnsAddress]),
      "where it is itself",
    );
  });

  it("holds network policies in both", async () => {
    const policy = (spec: object) => ({
      metadata: { namespace: "ns", name: "p", uid: "p" },
      spec: { podSelector: { matchLabels: { app: "b" } }, policyTypes: ["Ingress"], ...spec },
    });
    const reaches = async (from: string, host: string) =>
      (await node.get(from, `http://${host}:8080/`, 2_000)) === "b";
    const both = async (from: string) => [
      await reaches(from, four("b")),
      await reaches(from, `[${six("b")}]`),
    ];
    const [podIp] = await node.attachBoth("b");
    v4.set("b", podIp);
    await setPolicies(policy({}));
    await eventually(
      "nobody is let in",
      async () => (await both(node.namespaceOf("a"))).join() === "false,false",
    );
    await setPolicies(policy({ ingress: [{ from: [{ podSelector: { matchLabels: { app: "a" } } }] }] }));
    await eventually(
      "a pod by its labels",
      async () => (await both(node.namespaceOf("a"))).join() === "true,true",
    );
    const block = { cidr: TestNode.v6.clusterCidr, except: [`${six("a")}/128`] };
    await setPolicies(policy({ ingress: [{ from: [{ ipBlock: block }] }] }));
    await eventually(
      "not who is excepted",
      async () => (await both(node.namespaceOf("a"))).join() === "false,false",
    );
    await setPolicies(policy({ ingress: [{ from: [{ ipBlock: { cidr: TestNode.v6.clusterCidr } }] }] }));
    await eventually(
      "a block of one family lets in by that one",
      async () => (await both(node.namespaceOf("a"))).join() === "false,true",
    );
    await setPolicies();
    await eventually("all again", async () => (await both(node.namespaceOf("a"))).join() === "true,true");
  });

  it("takes pods over with both after a restart, and those of before with one", async () => {
    await node.restart();
    const known = [
      { ...node.attachment("a"), podIp: four("a"), secondIp: six("a"), gateway: "10.198.1.1" },
      { ...node.attachment("b"), podIp: four("b"), gateway: "10.198.1.1" },
    ];
    assert.deepEqual(await node.ask("restore", known), []);
    assert.deepEqual(await node.attachBoth("a"), [four("a"), six("a")]);
    assert.equal(await node.get(node.namespaceOf("a"), `http://[${six("b")}]:8080/`), "b");
    const other = [
      { ...node.attachment("a"), podIp: four("a"), secondIp: "fd00:198:0:1::99", gateway: "10.198.1.1" },
    ];
    await node.restart();
    assert.deepEqual(await node.ask("restore", other), ["a"], "an address that is not its own");
  });

  it("leaves nothing of IPv6 behind once the node has it no more", async () => {
    const table = /table ip6 pintle-/;
    const [podIp, secondIp] = await node.attachBoth("a");
    assert.match(await node.ruleset(), table);
    await node.restart({ isDual: false });
    assert.doesNotMatch(await node.ruleset(), table);
    const known = [{ ...node.attachment("a"), podIp, secondIp, gateway: "10.198.1.1" }];
    assert.deepEqual(await node.ask("restore", known), ["a"], "pods that had both are made anew");
    const shown = await node.in(node.node, "ip", [
      "-6",
      "addr",
      "show",
      "dev",
      "pintle-pods",
      "scope",
      "global",
    ]);
    assert.equal(shown.stdout.trim(), "");
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { ProxyMode } from "../network-seam.ts";
import {
  canRunNodes,
  eventually,
  isInstalled,
  service,
  slice,
  TestNode,
  testedModes,
} from "./testing/test-node.ts";

/** A node with a pod `here`; a pod `there` stands for one on another node, as its endpoint says. */
for (const mode of testedModes)
  describe(`traffic policies of Services, by ${mode}`, function () {
    this.timeout(120_000);
    policySuite(mode);
  });

function policySuite(mode: ProxyMode): void {
  let node: TestNode;
  let here: string;
  let there: string;
  let client: string;

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(["here", "there", "client"], { proxyMode: mode });
    here = await node.attach("here");
    there = await node.attach("there");
    await node.attach("client");
    client = node.namespaceOf("client");
    await node.serve("here");
    await node.serve("there");
  });
  after(() => node?.stop());

  let made = 0;
  /** Sets a Service (and what else there is) and waits until its rules are in place. */
  async function set(spec: object, endpoints: object | undefined, more: object = {}): Promise<string> {
    const name = `s${made++}`;
    const ip = `10.96.3.${made}`;
    const marker = `10.96.9.${made}`;
    await node.ask("set", {
      plural: "endpointslices",
      objects: endpoints === undefined ? [] : [{ ...slice(name, [here]), ...endpoints }],
    });
    const objects = [service(name, ip, spec, more), service("marker", marker)];
    await node.ask("set", { plural: "services", objects });
    await eventually("the rules are in place", async () => (await node.serviceRules()).includes(marker));
    return ip;
  }
  const both = () => slice("x", [here], { elsewhere: [there] }) as { endpoints: object[] };
  const away = () => slice("x", [], { elsewhere: [there] }) as { endpoints: object[] };
  const nodePort = (port: number, spec: object = {}) => ({
    type: "NodePort",
    ports: [{ port: 80, protocol: "TCP", nodePort: port }],
    ...spec,
  });
  const at = (port: number, path = "") => `http://${TestNode.ip}:${port}/${path}`;
  const assertAnswers = async (namespace: string, url: string, wanted: readonly string[], why?: string) =>
    assert.deepEqual(await node.differentAnswers(namespace, url, wanted.length), wanted, why);

  it("externalTrafficPolicy: Local keeps to local endpoints and keeps the client's address", async () => {
    const local = { externalTrafficPolicy: "Local", externalIPs: ["203.0.113.7"] };
    const ip = await set(nodePort(30_001, local), { endpoints: both().endpoints });
    await assertAnswers(node.outside, at(30_001), ["here"]);
    assert.equal(await node.get(node.outside, at(30_001, "from")), TestNode.outsideIp);
    await assertAnswers(client, at(30_001), ["here", "there"], "pods are inside: any endpoint");
    await assertAnswers(client, "http://203.0.113.7/", ["here", "there"], "external address, from a pod");
    await assertAnswers(node.node, at(30_001), ["here", "there"], "so is the node itself");
    await assertAnswers(client, `http://${ip}/`, ["here", "there"], "cluster IP: not concerned");
  });

  it("externalTrafficPolicy: Cluster goes everywhere, and answers come back through the node", async () => {
    await set(nodePort(30_002), { endpoints: both().endpoints });
    await assertAnswers(node.outside, at(30_002), ["here", "there"]);
    assert.notEqual(await node.get(node.outside, at(30_002, "from")), TestNode.outsideIp);
  });

  it("externalTrafficPolicy: Local without a local endpoint drops what comes from outside, and serves pods", async () => {
    await set(nodePort(30_003, { externalTrafficPolicy: "Local" }), { endpoints: away().endpoints });
    assert.ok(await node.isDropped(node.outside, at(30_003)), "no answer at all: another node has one");
    assert.equal(await node.get(client, at(30_003)), "there");
  });

  it("internalTrafficPolicy: Local keeps cluster IPs to local endpoints, and leaves node ports alone", async () => {
    const ip = await set(nodePort(30_004, { internalTrafficPolicy: "Local" }), {
      endpoints: both().endpoints,
    });
    await assertAnswers(client, `http://${ip}/`, ["here"]);
    await assertAnswers(node.outside, at(30_004), ["here", "there"]);
    const none = await set(nodePort(30_005, { internalTrafficPolicy: "Local" }), {
      endpoints: away().endpoints,
    });
    assert.ok(await node.isDropped(client, `http://${none}/`), "dropped");
    assert.equal(await node.get(node.outside, at(30_005)), "there");
  });

  it("refuses a cluster IP's unserved port, and all of a Service without endpoints", async () => {
    const ip = await set({}, { endpoints: both().endpoints });
    assert.match(await node.get(client, `http://${ip}/`), /here|there/);
    assert.equal(await node.get(client, `http://${ip}:81/`), "refused", "from a pod");
    assert.equal(await node.get(node.node, `http://${ip}:81/`), "refused", "from the node");
    const empty = await set(nodePort(30_006), undefined);
    assert.equal(await node.get(client, `http://${empty}/`), "refused");
    assert.equal(await node.get(node.outside, at(30_006)), "refused");
  });

  it("does not send out what goes to a cluster IP that no Service has", async () => {
    await set({}, undefined);
    assert.ok(await node.isDropped(client, "http://10.96.200.200/"), "dropped, not answered from outside");
    const guard = {
      nftables: /10\.96\.0\.0\/16 fib daddr type != local drop/,
      iptables: /-A KUBE-CLUSTER-IPS -m addrtype ! --dst-type LOCAL -j DROP/,
      ipvs: /daddr type != local drop/,
    }[mode];
    assert.match(await node.serviceRules(), guard);
  });

  it("serves a load balancer's addresses, to the ranges it allows", async () => {
    const balanced = (sources: readonly string[]) =>
      set(
        { type: "LoadBalancer", loadBalancerSourceRanges: sources },
        { endpoints: both().endpoints },
        { status: { loadBalancer: { ingress: [{ ip: "203.0.113.9", ipMode: "VIP" }] } } },
      );
    await node.in(node.outside, "ip", ["route", "replace", "203.0.113.0/24", "via", TestNode.ip]);
    await balanced(["10.199.0.0/24", "10.199.0.0/16"]);
    await assertAnswers(node.outside, "http://203.0.113.9/", ["here", "there"]);
    await balanced(["192.0.2.0/24"]);
    // Nor does what is not let in come to a program of the node's, should it have the address itself.
    await node.in(node.node, "ip", ["addr", "add", "203.0.113.9/32", "dev", "lo"]);
    const program = `require("http").createServer((q, r) => r.end("node")).listen(80, "203.0.113.9", () => console.log("up"))`;
    const stop = await node.background(node.node, program);
    assert.ok(await node.isDropped(node.outside, "http://203.0.113.9/"), "dropped");
    stop();
    await node.in(node.node, "ip", ["addr", "del", "203.0.113.9/32", "dev", "lo"]);
  });

  it("answers load balancers at the health check port with kube-proxy's words", async () => {
    const local = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 31_999 };
    await set(local, { endpoints: both().endpoints });
    const name = `s${made - 1}`;
    const ask = () => node.get(node.outside, at(31_999, "healthz"));
    await eventually("healthy", async () => (await ask()).includes('"localEndpoints": 1'));
    assert.equal(
      await ask(),
      `{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "${name}"\n\t},\n\t"localEndpoints": 1,\n\t"serviceProxyHealthy": true\n}`,
    );
    await set(local, { endpoints: away().endpoints });
    await eventually("none here", async () => (await ask()).includes('"localEndpoints": 0'));
    const head = `require("http").get("${at(31_999)}", (r) => { console.log(r.statusCode, r.headers["content-type"], r.headers["x-content-type-options"], r.headers["x-load-balancing-endpoint-weight"]); r.resume(); })`;
    const { stdout } = await node.in(node.outside, process.execPath, ["-e", head]);
    assert.equal(stdout.trim(), "503 application/json nosniff 0");
    await set({}, undefined);
    await eventually("closed with its Service", async () => (await ask()) === "refused");
  });

  it("keeps a client with its endpoint, and takes a new time to live", async () => {
    const sticky = (timeoutSeconds: number) => ({
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds } },
    });
    const ip = await set(sticky(100), { endpoints: both().endpoints });
    assert.equal((await node.differentAnswers(client, `http://${ip}/`, 1)).length, 1);
    await node.ask("set", { plural: "services", objects: [service(`s${made - 1}`, ip, sticky(200))] });
    await eventually("the new time", async () =>
      /timeout 3m20s|--seconds 200 /.test(await node.serviceRules()),
    );
    assert.equal((await node.differentAnswers(client, `http://${ip}/`, 1)).length, 1);
  });

  it("forgets UDP flows to an endpoint that left", async function () {
    if (!isInstalled("conntrack")) this.skip();
    const echo = (pod: string) =>
      `const s = require("dgram").createSocket("udp4"); s.on("message", (m, r) => s.send("${pod}", r.port, r.address)); s.bind(5353, () => console.log("up"))`;
    const servers = ["here", "there"].map((pod) =>
      spawn(
        "nsenter",
        [`--net=/run/netns/${node.namespaceOf(pod)}`, "--", process.execPath, "-e", echo(pod)],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      ),
    );
    try {
      await Promise.all(servers.map((server) => once(server.stdout, "data")));
      const ports = [{ name: "", port: 5353, protocol: "UDP" }];
      const spec = { ports: [{ port: 53, protocol: "UDP" }] };
      const [name, ip] = ["udp", "10.96.4.1"];
      const objects = [service(name, ip, spec)];
      await node.ask("set", { plural: "services", objects });
      await node.ask("set", { plural: "endpointslices", objects: [slice(name, [here], { ports })] });
      await eventually("served", async () => {
        const rules = await node.serviceRules();
        return [`${ip} . udp . 53 : ${here} . 5353`, `--to-destination ${here}:5353`].some((one) =>
          rules.includes(one),
        );
      });
      // One client that keeps its port, and with it its flow: it sends until it hears from the other endpoint.
      const program = `const s = require("dgram").createSocket("udp4"); const send = () => s.send("x", 53, "${ip}"); s.on("message", (m) => { const t = String(m); if (t !== s.last) console.log(t); s.last = t; if (t === "there") process.exit(0); }); s.bind(4444, () => { send(); setInterval(send, 20); })`;
      const asking = spawn("nsenter", [`--net=/run/netns/${client}`, "--", process.execPath, "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      servers.push(asking);
      const [first] = await once(asking.stdout, "data");
      assert.equal(String(first).trim(), "here");
      const second = once(asking.stdout, "data");
      await node.ask("set", { plural: "endpointslices", objects: [slice(name, [there], { ports })] });
      assert.equal(String((await second)[0]).trim(), "there");
    } finally {
      for (const server of servers) server.kill("SIGKILL");
    }
  });
}

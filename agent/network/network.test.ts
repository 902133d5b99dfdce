import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bridgeName } from "./pod-bridge.ts";
import { canRunNodes, eventually, isInstalled, service, slice, TestNode } from "./testing/test-node.ts";

describe("pod network and services on a bridge", function () {
  this.timeout(120_000);
  let node: TestNode;
  const web = () =>
    service("web", "10.96.0.77", {
      type: "NodePort",
      ports: [{ port: 80, targetPort: 8080, nodePort: 30077, protocol: "TCP" }],
    });

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(["a", "b"]);
  });
  after(() => node?.stop());

  it("is reached by pods under one address of its link, whoever else comes and goes", async () => {
    const before = bridgeAddress();
    for (const name of ["a", "b"]) {
      await node.attach(name);
      assert.equal(bridgeAddress(), before, `${name} came`);
    }
    await node.restart();
    await node.ask("restore", []);
    assert.equal(bridgeAddress(), before, "both went");
  });

  it("connects pods, and Services lead to them from pods, from the node and from outside", async () => {
    const first = await node.attach("a");
    const second = await node.attach("b");
    assert.match(first, /^10\.198\.1\.\d+$/);
    assert.notEqual(first, second);
    await node.serve("a");
    await node.serve("b");
    assert.equal(await node.get(node.namespaceOf("a"), `http://${second}:8080/`), "b", "pod to pod");

    await node.ask("set", { plural: "endpointslices", objects: [slice("web", [first, second])] });
    await node.ask("set", { plural: "services", objects: [web()] });
    const url = "http://10.96.0.77/";
    await eventually("the Service answers", async () => (await node.get(node.node, url)) !== "");
    assert.deepEqual(
      await node.differentAnswers(node.namespaceOf("a"), url, 2),
      ["a", "b"],
      "a pod reaches its neighbour and itself through the Service",
    );
    assert.deepEqual(
      await node.differentAnswers(node.outside, `http://${TestNode.ip}:30077/`, 2),
      ["a", "b"],
      "node port from outside",
    );
  });

  it("stops sending to an endpoint that left, and refuses at once where none is left", async () => {
    await node.ask("set", {
      plural: "endpointslices",
      objects: [slice("web", [await node.attach("b")])],
    });
    const url = "http://10.96.0.77/";
    await eventually(
      "only the other answers",
      async () => (await node.differentAnswers(node.node, url, 1)).join() === "b",
    );
    await node.ask("set", { plural: "endpointslices", objects: [] });
    await eventually("refused", async () => (await node.get(node.node, url)) === "refused");
  });

  it("leads SCTP to an endpoint", async function () {
    if (!isInstalled("perl")) this.skip();
    const script = fileURLToPath(new URL("./testing/sctp.pl", import.meta.url));
    const sctp = (namespace: string, ...args: string[]) =>
      spawn("nsenter", [`--net=/run/netns/${namespace}`, "--", "perl", script, ...args], {
        stdio: ["ignore", "pipe", "inherit"],
      });
    const [ip, ports] = ["10.96.0.78", [{ name: "", port: 5432, protocol: "SCTP" }]];
    const receiver = sctp(node.namespaceOf("a"), "receive");
    const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
    let sender: ChildProcess | undefined;
    try {
      assert.equal((await lines.next()).value, "up");
      execFileSync("ip", ["-n", node.outside, "route", "replace", `${ip}/32`, "via", TestNode.ip]);
      const objects = [service("sctp", ip, { ports: [{ port: 80, protocol: "SCTP" }] })];
      await node.ask("set", { plural: "services", objects });
      const slices = [slice("sctp", [await node.attach("a")], { ports })];
      await node.ask("set", { plural: "endpointslices", objects: slices });
      // What was sent before would go on as it began.
      const isServed = async () => (await node.ruleset()).includes(`${ip} . sctp . 80 : 10.198.1.`);
      await eventually("served", isServed);
      sender = sctp(node.outside, "send", ip, "80");
      assert.match(
        `${(await lines.next()).value}`,
        /^10\.198\.1\.1 5432$/,
        "by way of the node, to its own port",
      );
    } finally {
      receiver.kill("SIGKILL");
      sender?.kill("SIGKILL");
    }
  });

  it("serves a pod's host port to its neighbours, to the outside and to the pod itself", async () => {
    const first = await node.attach("a");
    await node.ask("detach", { sandboxId: "b", uid: "b" });
    await node.attach("b", [{ protocol: "TCP", hostPort: 8097, containerPort: 8080 }]);
    const senderSeen = (from: string) => node.get(from, `http://${TestNode.ip}:8097/from`);
    assert.equal(await senderSeen(node.namespaceOf("a")), first, "a neighbour");
    assert.equal(await node.get(node.outside, `http://${TestNode.ip}:8097/`), "b", "the outside");
    assert.equal(await senderSeen(node.namespaceOf("b")), "10.198.1.1", "itself: the node in its place");
  });

  it("serves it to the node's own programs at 127.0.0.1, and lets nobody else in there", async () => {
    const url = "http://127.0.0.1:8097/from";
    assert.equal(await node.get(node.node, url), "10.198.1.1", "with an address that it can answer");
    const program = `require("http").createServer((q, r) => r.end("secret")).listen(8093, "127.0.0.1", () => console.log("up"))`;
    const stop = await node.background(node.node, program);
    const pod = node.namespaceOf("a");
    try {
      // Who has no loopback sends its addresses out, to the node; and this one takes answers from there.
      await node.in(pod, "sh", ["-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"]);
      execFileSync("ip", ["-n", pod, "addr", "flush", "dev", "lo"]);
      execFileSync("ip", ["-n", pod, "route", "add", "127.0.0.0/8", "via", "10.198.1.1", "dev", "eth0"]);
      const ask = () => node.get(pod, "http://127.0.0.1:8093/", 2_000);
      assert.notEqual(await ask(), "secret");
      await node.in(node.node, "nft", ["flush", "chain", "ip", "pintle-host-ports", "fence"]);
      assert.equal(await ask(), "secret", "it is the fence that keeps it out");
    } finally {
      stop();
      execFileSync("ip", ["-n", pod, "route", "del", "127.0.0.0/8"]);
      execFileSync("ip", ["-n", pod, "addr", "add", "127.0.0.1/8", "dev", "lo"]);
    }
  });

  it("takes connected pods over after a restart and cleans up what nobody claims", async () => {
    const address = await node.attach("a");
    await node.restart();
    const known = [{ ...node.attachment("a"), podIp: address, gateway: "10.198.1.1" }];
    assert.deepEqual(await node.ask("restore", known), []);
    assert.equal(await node.attach("a"), address);
    assert.equal(await node.get(node.node, `http://${address}:8080/`), "a");
    const links = podLinks();
    assert.equal(links.match(/: pp[0-9a-f]{12}@/g)?.length, 1, links);
    const hostPorts = await node.in(node.node, "nft", ["list", "table", "ip", "pintle-host-ports"]);
    assert.doesNotMatch(hostPorts.stdout, /8097/, "nobody claimed the pod with a host port");
    assert.match(hostPorts.stdout, /chain fence/);
  });

  it("frees everything on detach", async () => {
    await node.ask("detach", { sandboxId: "a", uid: "a" });
    await node.ask("detach", { sandboxId: "a", uid: "a" });
    assert.doesNotMatch(podLinks(), /: pp[0-9a-f]{12}@/);
  });

  const bridgeAddress = (): string => {
    const shown = execFileSync("ip", ["-n", node.node, "-j", "link", "show", bridgeName], {
      encoding: "utf8",
    });
    return JSON.parse(shown)[0].address;
  };
  const podLinks = () =>
    execFileSync("ip", ["-n", node.node, "-o", "link", "show", "type", "veth"], { encoding: "utf8" });
});

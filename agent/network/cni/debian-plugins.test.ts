import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canRunNodes, eventually, isInstalled, service, slice, TestNode } from "../testing/test-node.ts";

const binDir = "/usr/lib/cni";
const types = ["bridge", "host-local", "portmap", "bandwidth", "tuning", "loopback"];
const canRun =
  canRunNodes &&
  isInstalled("iptables") &&
  isInstalled("tc") &&
  types.every((type) => existsSync(join(binDir, type)));

describe("pod network of Debian's CNI plugins (containernetworking-plugins)", function () {
  this.timeout(120_000);
  let dir: string;
  let node: TestNode;
  const addresses = () =>
    readdirSync(join(dir, "leases", "net"))
      .filter((name) => /^[\d.]+$|^[0-9a-f:]+$/.test(name))
      .sort();
  const install = () =>
    writeFileSync(
      join(dir, "net.d", "10-net.conflist"),
      JSON.stringify({
        cniVersion: "1.0.0",
        name: "net",
        plugins: [
          {
            type: "bridge",
            bridge: "cni-test0",
            isGateway: true,
            ipMasq: true,
            hairpinMode: true,
            capabilities: { ipRanges: true },
            ipam: {
              type: "host-local",
              dataDir: join(dir, "leases"),
              ranges: [[{ subnet: "fd00:198:1::/64" }]],
              routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
            },
          },
          { type: "loopback" },
          { type: "tuning", sysctl: { "net.core.somaxconn": "321" } },
          { type: "bandwidth", capabilities: { bandwidth: true } },
          { type: "portmap", capabilities: { portMappings: true }, snat: true },
        ],
      }),
    );

  before(async function () {
    if (!canRun) this.skip();
    dir = mkdtempSync(join(tmpdir(), "pintle-debian-cni-"));
    mkdirSync(join(dir, "net.d"));
    node = await TestNode.start(["a", "b"], { cni: { confDir: join(dir, "net.d"), binDir } });
  });
  after(() => {
    node?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it("connects pods once it is installed, each with addresses of both families", async () => {
    const early = await node.try("attach", node.attachment("a"));
    assert.match(early.error ?? "", /network is not ready: cni config uninitialized/);
    install();
    const attachment = {
      ...node.attachment("a", [{ protocol: "TCP", hostPort: 8081, containerPort: 8080 }]),
      bandwidth: { ingress: "100M", egress: "50M" },
    };
    const a = (await node.ask("attach", attachment)) as { podIp: string; secondIp?: string };
    const b = await node.attach("b");
    assert.match(a.podIp, /^10\.198\.1\.\d+$/, "of the node's range, which the plugin asks for");
    assert.match(a.secondIp ?? "", /^fd00:198:1::[0-9a-f]+$/);
    assert.notEqual(a.podIp, b);
    await node.serve("a");
    await node.serve("b");
    assert.equal(await node.get(node.namespaceOf("a"), `http://${b}:8080/`), "b", "pod to pod");
    assert.equal(await node.get(node.node, `http://${a.podIp}:8080/`), "a", "node to pod");
    assert.equal(await node.get(node.outside, `http://${TestNode.ip}:8081/`), "a", "host port");
    const somaxconn = await node.in(node.namespaceOf("a"), "cat", ["/proc/sys/net/core/somaxconn"]);
    assert.equal(somaxconn.stdout.trim(), "321");
    const { stdout: shaped } = await node.in(node.node, "tc", ["qdisc", "show"]);
    assert.match(shaped, /tbf .* rate 100Mbit/);
    assert.match(shaped, /tbf .* rate 50Mbit/);
  });

  it("has Services that lead to its pods, from a pod to its neighbour and to itself", async () => {
    const endpoints = [await node.attach("a"), await node.attach("b")];
    await node.ask("set", { plural: "endpointslices", objects: [slice("web", endpoints)] });
    await node.ask("set", { plural: "services", objects: [service("web", "10.96.0.77")] });
    const url = "http://10.96.0.77/";
    await eventually("the Service answers", async () => (await node.get(node.node, url)) !== "");
    assert.deepEqual(await node.differentAnswers(node.namespaceOf("a"), url, 2), ["a", "b"]);
  });

  it("is taken over by the next agent; what nobody claims is undone", async () => {
    const podIp = await node.attach("a");
    await node.attach("b");
    assert.equal(addresses().length, 4);
    await node.restart();
    assert.deepEqual(await node.ask("restore", [{ ...node.attachment("a"), podIp, gateway: "" }]), []);
    assert.equal(addresses().length, 2);
    assert.equal(await node.attach("a"), podIp);
    assert.equal(await node.get(node.outside, `http://${TestNode.ip}:8081/`), "a");
  });

  it("is made anew for a pod whose interface somebody took away", async () => {
    const podIp = await node.attach("b");
    await node.in(node.namespaceOf("b"), "ip", ["link", "delete", "eth0"]);
    await node.restart();
    assert.deepEqual(await node.ask("restore", [{ ...node.attachment("b"), podIp, gateway: "" }]), ["b"]);
    assert.deepEqual(addresses(), []);
  });

  it("leaves nothing of a pod that goes, even where its namespace went first", async () => {
    await node.attach("b", [{ protocol: "TCP", hostPort: 8082, containerPort: 8080 }]);
    await node.in(node.node, "ip", ["netns", "delete", node.namespaceOf("b")]);
    await node.ask("detach", { sandboxId: "b", uid: "b" });
    assert.deepEqual(addresses(), []);
    assert.doesNotMatch(await node.ruleset(), /8082/);
  });
});

import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { canRunNodes, eventually } from "../testing/test-node.ts";
import { type TestMachine, TestMachines } from "./testing/test-machines.ts";

type Three = readonly [TestMachine, TestMachine, TestMachine];

/** Whether this kernel makes VXLAN links. */
function canOverlay(): boolean {
  if (!canRunNodes) return false;
  try {
    const make = "ip link add pv0 type vxlan id 1 dstport 0 local 127.0.0.1";
    execFileSync("unshare", ["--net", "--", ...make.split(" ")], { stdio: "ignore" });
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

describe("pod network across machines", function () {
  this.timeout(180_000);
  let net: TestMachines;

  before(async function () {
    if (!canOverlay()) this.skip();
    // The first two share a link, the third is behind a router.
    net = await TestMachines.start([1, 1, 2]);
  });
  after(() => net?.stop());

  it("reaches pods on the same link through their nodes, and others by VXLAN, under their own addresses", async () => {
    const [a, b, c] = net.machines as Three;
    await net.tell(net.machines);
    for (const [from, to] of [
      [a, b],
      [a, c],
      [c, b],
    ] as const)
      await eventually(
        "a pod reaches another machine's",
        async () => (await net.fromPod(from, to)) === `${to.name} ${net.podIpOf(from)}`,
      );
    assert.match(
      net.show(a, "ip", "route", "show", "proto", "112"),
      /10\.198\.2\.0\/24 via 10\.199\.1\.12 dev eth0/,
    );
    assert.match(
      net.show(a, "ip", "route", "show", "proto", "112"),
      /10\.198\.3\.0\/24 via 10\.198\.3\.0 dev pintle-vxlan onlink/,
    );
    assert.equal(await net.fromNode(c, a), "m1 10.198.3.0", "a node reaches others' pods, too");
  });

  it("lets nobody but nodes in by the overlay", async () => {
    const [a, , c] = net.machines as Three;
    // The router is no node, and speaks as the pod on the other machine would.
    for (const words of [
      "link add vx type vxlan id 7468 dstport 8472 local 10.199.1.1 nolearning",
      `addr add ${net.podIpOf(c)}/32 dev vx`,
      "link set vx up",
      "route add 10.198.1.0/24 via 10.198.1.0 dev vx onlink",
      "neigh add 10.198.1.0 lladdr 02:50:0a:c6:01:00 dev vx nud permanent",
    ])
      net.ip("router", words);
    execFileSync("bridge", [
      "-n",
      net.namespaceOf("router"),
      "fdb",
      "add",
      "02:50:0a:c6:01:00",
      "dev",
      "vx",
      "dst",
      "10.199.1.11",
      "self",
    ]);
    const before = dropped();
    const program = `const s = require("dgram").createSocket("udp4"); s.bind(0, "${net.podIpOf(c)}", () => s.send("x", 8080, "${net.podIpOf(a)}", () => process.exit(0)))`;
    execFileSync("nsenter", [
      `--net=/run/netns/${net.namespaceOf("router")}`,
      "--",
      process.execPath,
      "-e",
      program,
    ]);
    await eventually("what it sent was dropped", async () => dropped() > before);
    net.ip("router", "link delete vx");

    function dropped(): number {
      const table = net.show(a, "nft", "list", "table", "ip", "pintle-overlay");
      return Number(/@peers counter packets (\d+)/.exec(table)?.[1]);
    }
  });

  it("follows nodes that change their address, go, and come again", async () => {
    const [a, b, c] = net.machines as Three;
    net.ip(c.name, `addr del ${c.nodeIp}/24 dev eth0`);
    net.ip(c.name, "addr add 10.199.2.99/24 dev eth0");
    net.ip(c.name, "route replace default via 10.199.2.1");
    c.nodeIp = "10.199.2.99";
    await net.run(c);
    await net.tell(net.machines);
    await eventually("the moved one is reached", async () => (await net.fromPod(a, c)).startsWith("m3 "));
    assert.match(net.show(a, "bridge", "fdb", "show", "dev", "pintle-vxlan"), /dst 10\.199\.2\.99/);
    assert.doesNotMatch(net.show(a, "bridge", "fdb", "show", "dev", "pintle-vxlan"), /dst 10\.199\.2\.13/);

    await net.tell([a, b]);
    await eventually(
      "nothing of the third is left",
      async () =>
        !/pintle-vxlan/.test(net.show(a, "ip", "link", "show")) &&
        !/10\.198\.3/.test(net.show(a, "ip", "route", "show")),
    );
    assert.ok((await net.fromPod(a, b)).startsWith("m2 "));

    // An agent that was killed left its routes; the next one, told that a node went meanwhile, removes that one's.
    await net.tell(net.machines);
    await eventually("the third is reached again", async () => (await net.fromPod(a, c)).startsWith("m3 "));
    await net.run(a);
    await net.tell([a, c]);
    await eventually(
      "the second's is gone",
      async () => !/10\.198\.2/.test(net.show(a, "ip", "route", "show")),
    );
  });
});

describe("pod network across machines, in both families", function () {
  this.timeout(180_000);
  let net: TestMachines;

  before(async function () {
    if (!canOverlay()) this.skip();
    net = await TestMachines.start([1, 1, 2], { isDual: true });
  });
  after(() => net?.stop());

  it("reaches IPv6 addresses through nodes on the same link, and by the overlay that IPv4 has", async () => {
    const [a, b, c] = net.machines as Three;
    await net.tell(net.machines);
    for (const [from, to] of [
      [a, b],
      [a, c],
      [c, b],
    ] as const) {
      await eventually(
        `${from.name} reaches ${to.name} by IPv6`,
        async () => (await net.fromPod6(from, to)) === `${to.name} ${net.podIp6Of(from)}`,
      );
      assert.equal(await net.fromPod(from, to), `${to.name} ${net.podIpOf(from)}`, "and by IPv4");
    }
    const routes = net.show(a, "ip", "-6", "route", "show", "proto", "112");
    assert.match(routes, /fd00:198:0:2::\/64 via fd00:199:1::12 dev eth0/);
    assert.match(routes, /fd00:198:0:3::\/64 via fd00:198:0:3:: dev pintle-vxlan/);
    // Nothing is changed again that stands.
    await net.tell([a, b]);
    await eventually(
      "the third's are gone",
      async () => !/0:3::/.test(net.show(a, "ip", "-6", "route", "show")),
    );
  });
});

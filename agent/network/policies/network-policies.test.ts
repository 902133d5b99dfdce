import assert from "node:assert/strict";
import fc from "fast-check";
import { canRunNodes, eventually, service, slice, type Talker, TestNode } from "../testing/test-node.ts";
import { isSideAllowed, type OraclePod } from "./testing/oracle.ts";
import { asPolicy, labels, namespaces, policySpec } from "./testing/worlds.ts";

const ports = [80, 81, 5353];
/** Long enough for an answer on a machine with much else to do; what is dropped takes as long. */
const waitMs = 700;
const pods = ["a", "b", "c"] as const;

/** Real packets between pods in network namespaces of their own, and an outside. */
describe("network policies in the kernel", function () {
  this.timeout(300_000);
  let node: TestNode;
  const talkers = new Map<string, Talker>();
  const addresses = new Map<string, string>();

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start([...pods, "d"]);
    await setPods(Object.fromEntries(pods.map((name) => [name, { app: name }])));
    await routeOutside();
    for (const name of pods) addresses.set(name, await node.attach(name));
    addresses.set("", TestNode.outsideIp).set("node", TestNode.ip);
    for (const name of [...pods, "", "node"]) talkers.set(name, await node.talk(name, ports));
  });
  after(() => node?.stop());
  afterEach(async () => {
    if (node === undefined) return;
    await setPolicies([]);
    await eventually("no table is left", async () => !(await node.ruleset()).includes("pintle-policies"));
  });

  const routeOutside = (...more: readonly string[]) =>
    node.in(node.outside, "ip", ["route", "replace", "10.198.1.0/24", "via", TestNode.ip, ...more]);
  const set = (plural: string, objects: readonly object[]) => node.ask("set", { plural, objects });
  const podObject = (name: string, labels: object, namespace = "ns", more: object = {}) => ({
    metadata: { namespace, name, uid: name, labels },
    spec: {
      nodeName: "node-1",
      containers: [{ name: "c", ports: [{ name: "web", protocol: "TCP", containerPort: 80 }] }],
    },
    status: {},
    ...more,
  });
  const setPods = async (labelsOf: Readonly<Record<string, object>>, more: readonly object[] = []) => {
    await set("namespaces", [{ metadata: { name: "ns", labels: {} } }]);
    await set("pods", [...Object.entries(labelsOf).map(([name, of]) => podObject(name, of)), ...more]);
  };
  const setPolicies = (specs: readonly object[]) =>
    set(
      "networkpolicies",
      specs.map((spec, at) => asPolicy("ns", `p${at}`, spec)),
    );
  const reaches = async (from: string, to: string, port = 80, protocol: "tcp" | "udp" = "tcp") => {
    const reach = [{ ip: addresses.get(to) ?? to, port, protocol }];
    return (await talkers.get(from)?.ask({ reach, waitMs }))?.[0];
  };
  const becomes = (wanted: boolean, from: string, to: string, port = 80) =>
    eventually(
      `${from || "outside"} ${wanted ? "reaches" : "does not reach"} ${to}`,
      async () => (await reaches(from, to, port)) === wanted,
    );

  it("default deny keeps out pods and the outside, and never the node, nor the pod from itself", async () => {
    assert.equal(await reaches("b", "a"), true);
    assert.equal(await reaches("", "a"), true);
    await setPolicies([{ podSelector: { matchLabels: { app: "a" } } }]);
    await becomes(false, "b", "a");
    assert.equal(await reaches("", "a"), false);
    assert.equal(await reaches("node", "a"), true);
    assert.equal(await reaches("a", "a"), true);
    assert.equal(await reaches("a", "b"), true, "its own connections are answered");
    assert.equal(await reaches("b", "c"), true);
    await setPolicies([{ podSelector: { matchLabels: { app: "a" } }, policyTypes: ["Egress"] }]);
    await becomes(false, "a", "b");
    assert.equal(await reaches("b", "a"), true);
    assert.equal(await reaches("a", "node"), true, "a pod's own node is always reached");
    assert.equal(await reaches("a", ""), false);
  });

  it("a pod that sends past the node, straight to its neighbour, reaches nobody", async () => {
    const straight = [`${addresses.get("b")}/32`, "dev", "eth0"];
    assert.equal(await reaches("a", "b"), true);
    await node.in(node.namespaceOf("a"), "ip", ["route", "add", ...straight]);
    assert.equal(await reaches("a", "b"), false);
    await node.in(node.namespaceOf("a"), "ip", ["route", "del", ...straight]);
    assert.equal(await reaches("a", "b"), true);
  });

  it("what stands goes on, what is new is judged", async () => {
    const kept = { ip: addresses.get("a") ?? "", port: 80, protocol: "tcp", keep: true } as const;
    const ask = async () => (await talkers.get("b")?.ask({ reach: [kept], waitMs }))?.[0];
    assert.equal(await ask(), true);
    await setPolicies([{ podSelector: {} }]);
    await becomes(false, "b", "a");
    assert.equal(await ask(), true);
  });

  it("follows labels of pods and namespaces, and pods of other nodes", async () => {
    const from = [{ podSelector: { matchLabels: { friend: "yes" } } }];
    await setPolicies([{ podSelector: { matchLabels: { app: "a" } }, ingress: [{ from }] }]);
    await becomes(false, "b", "a");
    await setPods({ a: { app: "a" }, b: { app: "b", friend: "yes" }, c: { app: "c" } });
    await becomes(true, "b", "a");
    assert.equal(await reaches("c", "a"), false);
    await setPods({ a: { app: "a" }, b: { app: "b" }, c: { app: "c" } });
    await becomes(false, "b", "a");
    // The outside's address is given to a pod of another node.
    const far = podObject("far", { friend: "yes" }, "ns", {
      spec: { nodeName: "node-2", containers: [] },
      status: { podIPs: [{ ip: "10.198.2.9" }] },
    });
    await node.in(node.outside, "ip", ["addr", "add", "10.198.2.9/32", "dev", "lo"]);
    await routeOutside("src", "10.198.2.9");
    await setPods({ a: { app: "a" }, b: { app: "b" }, c: { app: "c" } }, [far]);
    await becomes(true, "", "a");
    await setPods({ a: { app: "a" }, b: { app: "b" }, c: { app: "c" } });
    await becomes(false, "", "a");
    await routeOutside();
  });

  it("judges a Service's connections by who connects, and lets a pod meet itself there", async () => {
    await set("endpointslices", [
      slice("web", [addresses.get("a") ?? ""], { ports: [{ name: "", port: 80, protocol: "TCP" }] }),
    ]);
    await set("services", [service("web", "10.96.0.80")]);
    addresses.set("web", "10.96.0.80");
    await becomes(true, "b", "web");
    const from = [{ podSelector: { matchLabels: { app: "b" } } }];
    await setPolicies([{ podSelector: { matchLabels: { app: "a" } }, ingress: [{ from }] }]);
    await becomes(false, "c", "web");
    assert.equal(await reaches("b", "web"), true);
    assert.equal(await reaches("a", "web"), true, "hairpin");
  });

  it("is in place before a pod is reached or reaches anybody", async () => {
    await setPolicies([{ podSelector: { matchLabels: { app: "d" } }, policyTypes: ["Ingress", "Egress"] }]);
    const { error, cause } = await node.try("attach", node.attachment("d"));
    assert.match(
      `${error} ${cause}`,
      /cannot connect pod ns\/d.*network policies/,
      "its labels are not known",
    );
    await setPods({ a: { app: "a" }, b: { app: "b" }, c: { app: "c" }, d: { app: "d" } });
    const address = await node.attach("d");
    assert.match(await node.ruleset(), new RegExp(`${address.replaceAll(".", "\\.")} : jump`));
    const talker = await node.talk("d", [80]);
    const reach = [{ ip: addresses.get("b") ?? "", port: 80, protocol: "tcp" } as const];
    assert.deepEqual(await talker.ask({ reach, waitMs }), [false]);
    addresses.set("d", address);
    assert.equal(await reaches("b", "d"), false);
    await node.ask("detach", { sandboxId: "d", uid: "d" });
    await eventually(
      "nothing of it is left",
      async () => !(await node.ruleset()).includes(`${address} : jump`),
    );
  });

  it("rules stay while no agent runs, and the next one takes them over", async () => {
    await setPolicies([{ podSelector: { matchLabels: { app: "a" } } }]);
    await becomes(false, "b", "a");
    await node.restart();
    assert.equal(await reaches("b", "a"), false, "nobody knows of policies yet");
    await setPods(Object.fromEntries(pods.map((name) => [name, { app: name }])));
    await setPolicies([{ podSelector: { matchLabels: { app: "b" } } }]);
    const known = pods.map((pod) => ({
      ...node.attachment(pod),
      podIp: addresses.get(pod) ?? "",
      gateway: "10.198.1.1",
    }));
    assert.deepEqual(await node.ask("restore", known), []);
    await becomes(true, "b", "a");
    await becomes(false, "a", "b");
  });

  it("says what cannot be read of a policy, allows nothing by it, and holds to the others", async () => {
    const hostile = "10.0.0.0/8 } ; add table ip stolen";
    await setPolicies([
      {
        podSelector: { matchLabels: { app: "a" } },
        ingress: [{ from: [{ ipBlock: { cidr: hostile } }], ports: [{ port: 'x" ; add table ip stolen' }] }],
      },
      { podSelector: { matchLabels: { app: "b" } } },
    ]);
    await becomes(false, "c", "a");
    await becomes(false, "c", "b");
    assert.doesNotMatch(await node.ruleset(), /stolen/);
    await eventually("it is said", async () =>
      (await node.events()).some((message) => message.includes("cidr") && message.includes("stolen")),
    );
  });

  it("thousands of blocks with exceptions are one set", async () => {
    const from = Array.from({ length: 3_000 }, (_, at) => ({
      ipBlock: { cidr: `11.${at >> 8}.${at & 255}.0/24`, except: [`11.${at >> 8}.${at & 255}.8/29`] },
    }));
    from.push({ ipBlock: { cidr: "10.0.0.0/8", except: [`${addresses.get("c")}/32`] } });
    await setPolicies([{ podSelector: { matchLabels: { app: "a" } }, ingress: [{ from }] }]);
    await becomes(false, "c", "a");
    assert.equal(await reaches("b", "a"), true);
  });

  it("does to real packets what the specification says, by random policies", async () => {
    const cluster = fc.record({
      specs: fc.array(policySpec, { minLength: 1, maxLength: 4 }),
      labels: fc.tuple(labels, labels, labels),
      namespaces,
    });
    const rounds = fc.sample(cluster, { seed: 20261130, numRuns: 12 });
    for (const { specs, labels: labelsOf, namespaces } of rounds) {
      const [a = {}, b = {}, c = {}] = labelsOf;
      await set("namespaces", [{ metadata: { name: "ns", labels: namespaces.x ?? {} } }]);
      await set(
        "pods",
        Object.entries({ a, b, c }).map(([name, of]) => podObject(name, of)),
      );
      await setPolicies(specs);
      const world = {
        policies: specs.map((spec, at) => asPolicy("ns", `p${at}`, spec)),
        namespaces: { ns: namespaces.x ?? {} },
      };
      const party = (name: string): OraclePod | { readonly ip: string } => {
        const ip = addresses.get(name) ?? "";
        if (name === "") return { ip };
        const ports = [{ name: "web", protocol: "TCP", containerPort: 80 }];
        return { ip, namespace: "ns", labels: { a, b, c }[name] ?? {}, ports };
      };
      const targets = [...pods, ""].flatMap((to) =>
        ports.flatMap((port) => (["tcp", "udp"] as const).map((protocol) => ({ to, port, protocol }))),
      );
      const wanted = (from: string) =>
        targets.map(({ to, port, protocol }) => {
          const traffic = { from: party(from), to: party(to), protocol: protocol.toUpperCase(), port };
          return (
            from === to ||
            (isSideAllowed(world, traffic, "Egress") && isSideAllowed(world, traffic, "Ingress"))
          );
        });
      const got = async (from: string) =>
        talkers.get(from)?.ask({
          reach: targets.map(({ to, port, protocol }) => ({ ip: addresses.get(to) ?? "", port, protocol })),
          waitMs,
        });
      // The last change may be on its way: looked at until it is so.
      await eventually(`as specified: ${JSON.stringify({ specs, labelsOf })}`, async () => {
        const all = await Promise.all([...pods, ""].map(got));
        return JSON.stringify(all) === JSON.stringify([...pods, ""].map(wanted));
      });
    }
  });
});

import assert from "node:assert/strict";
import { clusterPolicyGroup, clusterPolicyKinds } from "../../../client/cluster-policies.ts";
import { canRunNodes, eventually, service, slice, type Talker, TestNode } from "../testing/test-node.ts";
import { asClusterPolicy } from "./testing/tier-worlds.ts";
import { asPolicy } from "./testing/worlds.ts";

const ports = [80, 81, 5353];
/** Long enough for an answer on a machine with much else to do; what is dropped takes as long. */
const waitMs = 700;
const pods = ["a", "b", "c"] as const;

/** Real packets between pods, their node and an outside, in both families. */
describe("policies of the whole cluster in the kernel", function () {
  this.timeout(300_000);
  let node: TestNode;
  const talkers = new Map<string, Talker>();
  const addresses = new Map<string, readonly [string, string]>();

  before(async function () {
    if (!canRunNodes) this.skip();
    node = await TestNode.start(pods, { isDual: true });
    await setPods();
    await setNamespaces(["ns"]);
    await set("nodes", [nodeObject("node-1", { edge: "no" }), nodeObject("node-2", { edge: "yes" })]);
    for (const [route, via] of [
      ["10.198.1.0/24", TestNode.ip],
      [TestNode.v6.podCidr, TestNode.v6.nodeIp],
    ] as const)
      await node.in(node.outside, "ip", ["route", "replace", route, "via", via]);
    for (const name of pods) addresses.set(name, await node.attachBoth(name));
    addresses.set("", [TestNode.outsideIp, TestNode.outsideIp6]);
    addresses.set("node", [TestNode.ip, TestNode.v6.nodeIp]);
    for (const name of [...pods, "", "node"]) talkers.set(name, await node.talk(name, ports));
  });
  after(() => node?.stop());
  afterEach(async () => {
    if (node === undefined) return;
    await set("networkpolicies", []);
    await set("customresourcedefinitions", []);
    for (const { plural } of clusterPolicyKinds) await set(plural, []);
    await eventually("no table is left", async () => !(await node.ruleset()).includes("pintle-policies"));
  });

  const set = (plural: string, objects: readonly object[]) => node.ask("set", { plural, objects });
  const setNamespaces = (names: readonly string[]) =>
    set(
      "namespaces",
      names.map((name) => ({ metadata: { name, labels: { "kubernetes.io/metadata.name": name } } })),
    );
  const setPods = () =>
    set(
      "pods",
      pods.map((name) => ({
        metadata: { namespace: "ns", name, uid: name, labels: { app: name } },
        spec: {
          nodeName: "node-1",
          containers: [{ name: "c", ports: [{ name: "web", protocol: "TCP", containerPort: 80 }] }],
        },
        status: {},
      })),
    );
  /** The outside is another node. */
  const nodeObject = (name: string, labels: object) => {
    const ips =
      name === "node-1" ? [TestNode.ip, TestNode.v6.nodeIp] : [TestNode.outsideIp, TestNode.outsideIp6];
    const addresses = ips.map((address) => ({ type: "InternalIP", address }));
    return { metadata: { name, uid: name, labels }, status: { addresses } };
  };
  const define = () =>
    set(
      "customresourcedefinitions",
      clusterPolicyKinds.map(({ plural, versions }) => ({
        metadata: { name: `${plural}.${clusterPolicyGroup}`, uid: plural },
        spec: { versions: versions.map((name) => ({ name, served: true })) },
        status: { conditions: [{ type: "Established", status: "True" }] },
      })),
    );
  const pluralOf = (kind: string) => clusterPolicyKinds.find((one) => one.kind === kind)?.plural ?? "";
  const setPolicies = (kind: string, ...specs: readonly object[]) =>
    set(
      pluralOf(kind),
      specs.map((spec, at) =>
        asClusterPolicy(kind, `p${at}`, { priority: at, subject: everything, ...spec }),
      ),
    );
  const everything = { namespaces: {} };
  const app = (name: string) => ({
    pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: name } } },
  });
  const reaches = async (from: string, to: string, port = 80, family: 4 | 6 = 4) => {
    const ip = addresses.get(to)?.[family === 4 ? 0 : 1] ?? to;
    return (await talkers.get(from)?.ask({ reach: [{ ip, port, protocol: "tcp" }], waitMs }))?.[0];
  };
  const becomes = (wanted: boolean, from: string, to: string, port = 80) =>
    eventually(
      `${from || "outside"} ${wanted ? "reaches" : "does not reach"} ${to}`,
      async () => (await reaches(from, to, port)) === wanted,
    );

  const askName = async (server: string) => {
    const program = `const r = new (require("dns").promises.Resolver)({ timeout: 5000, tries: 2 }); r.setServers(["${server}"]); r.resolve4("no.ns.svc.cluster.local").catch((e) => console.log(e.code))`;
    return (await node.in(node.namespaceOf("a"), process.execPath, ["-e", program])).stdout;
  };

  it("are kept to once their kinds are defined, and no longer than they are", async () => {
    await setPolicies("ClusterNetworkPolicy", {
      tier: "Admin",
      ingress: [{ action: "Deny", from: [app("b")] }],
    });
    assert.equal(await reaches("b", "a"), true);
    await define();
    await becomes(false, "b", "a");
    assert.equal(await reaches("b", "a", 80, 6), false);
    assert.equal(await reaches("c", "a"), true);
    assert.equal(await reaches("", "a"), true);
    await set("customresourcedefinitions", []);
    await becomes(true, "b", "a");
    assert.equal(await reaches("b", "a", 80, 6), true);
  });

  it("decide before network policies, or leave it to them, and are asked last where there is none", async () => {
    await define();
    await set("networkpolicies", [
      asPolicy("ns", "p", {
        podSelector: { matchLabels: { app: "a" } },
        ingress: [{ ports: [{ port: 80 }] }],
      }),
    ]);
    await becomes(false, "c", "a", 81);
    await setPolicies("AdminNetworkPolicy", {
      ingress: [
        { action: "Allow", from: [app("c")], ports: [{ portNumber: { protocol: "TCP", port: 81 } }] },
        { action: "Pass", from: [app("c")] },
        { action: "Deny", from: [everything] },
      ],
    });
    await becomes(true, "c", "a", 81);
    assert.equal(await reaches("c", "a", 80), true, "passed to the network policy");
    assert.equal(await reaches("c", "a", 5353), false, "which does not let it in");
    assert.equal(await reaches("b", "a", 80), false, "denied before it");
    await set(pluralOf("BaselineAdminNetworkPolicy"), [
      asClusterPolicy("BaselineAdminNetworkPolicy", "default", {
        subject: everything,
        ingress: [{ action: "Deny", from: [everything] }],
      }),
    ]);
    await becomes(false, "c", "b", 5353);
    assert.equal(await reaches("c", "a", 80), true, "the baseline is not asked where a network policy is");
    assert.equal(await reaches("c", "b", 81), true, "nor where an earlier tier allows");
  });

  it("name ports, ranges and networks, in the order of their priorities", async () => {
    await define();
    const to = (cidr: string) => ({ networks: [cidr] });
    await setPolicies(
      "ClusterNetworkPolicy",
      {
        tier: "Admin",
        egress: [
          { action: "Accept", to: [app("b")], protocols: [{ destinationNamedPort: "web" }] },
          {
            action: "Deny",
            to: [to("10.198.0.0/16"), to("fd00:198::/48")],
            protocols: [{ tcp: { destinationPort: { range: { start: 80, end: 81 } } } }],
          },
        ],
      },
      { tier: "Admin", egress: [{ action: "Accept", to: [to("0.0.0.0/0"), to("::/0")] }] },
    );
    await becomes(false, "a", "c");
    for (const family of [4, 6] as const) {
      assert.equal(await reaches("a", "c", 81, family), false);
      assert.equal(await reaches("a", "c", 5353, family), true);
      assert.equal(await reaches("a", "b", 80, family), true, "by its name");
      assert.equal(await reaches("a", "", 80, family), true);
    }
  });

  it("keep pods from nodes by their labels, from their own, too, but for its names and neighbours", async () => {
    await define();
    const from = (...nodes: readonly object[]) => ({
      action: "Deny",
      to: nodes.map((one) => ({ nodes: one })),
    });
    await setPolicies("ClusterNetworkPolicy", {
      tier: "Admin",
      egress: [from({ matchLabels: { edge: "yes" } })],
    });
    await becomes(false, "a", "");
    assert.equal(await reaches("a", "node"), true);
    await setPolicies("ClusterNetworkPolicy", { tier: "Admin", egress: [from({}, {})] });
    await becomes(false, "a", "node");
    await set("nodes", []);
    await becomes(true, "a", "node");
    await set("nodes", [nodeObject("node-1", {}), nodeObject("node-2", { edge: "yes" })]);
    const everywhere = [{ networks: ["0.0.0.0/0", "::/0"] }];
    await setPolicies("ClusterNetworkPolicy", {
      tier: "Admin",
      egress: [{ action: "Deny", to: everywhere }],
    });
    await becomes(false, "a", "node");
    assert.equal(await reaches("a", "b"), false);
    assert.equal(await reaches("node", "a"), true, "whoever asks is answered");
    for (const family of [4, 6] as const) {
      assert.equal(await reaches("a", "node", 80, family), false);
      assert.match(await askName(family === 4 ? "10.96.0.10" : `[${TestNode.v6.dnsAddress}]`), /ENOTFOUND/);
    }
    await node.in(node.node, "ip", ["-6", "neigh", "flush", "all"]);
    assert.equal(await reaches("node", "a", 80, 6), true, "the node finds its pods");
    await set("networkpolicies", [asPolicy("ns", "p", { podSelector: {}, policyTypes: ["Egress"] })]);
    const baseline = [{ tier: "Baseline", egress: [{ action: "Deny", to: everywhere }] }];
    await setPolicies("ClusterNetworkPolicy", ...baseline);
    await becomes(true, "a", "node");
    assert.equal(await reaches("a", "b"), false, "no network policy is about one's own node");
  });

  it("keep a pod from itself at a Service's address, as network policies do not", async () => {
    await define();
    await set("endpointslices", [
      slice("web", [addresses.get("a")?.[0] ?? ""], { ports: [{ name: "", port: 80, protocol: "TCP" }] }),
    ]);
    await set("services", [service("web", "10.96.0.80")]);
    await set("networkpolicies", [asPolicy("ns", "p", { podSelector: {} })]);
    await becomes(true, "a", "10.96.0.80");
    await setPolicies("ClusterNetworkPolicy", {
      tier: "Admin",
      subject: app("a"),
      ingress: [{ action: "Deny", from: [app("a")] }],
    });
    await becomes(false, "a", "10.96.0.80");
    assert.equal(await reaches("a", "a"), true, "at its own");
  });

  it("follow the labels of namespaces", async () => {
    await define();
    await set("namespaces", [{ metadata: { name: "ns", labels: { closed: "yes" } } }]);
    await setPolicies("ClusterNetworkPolicy", {
      tier: "Baseline",
      subject: { namespaces: { matchLabels: { closed: "yes" } } },
      ingress: [{ action: "Deny", from: [everything] }],
    });
    await becomes(false, "b", "a");
    await set("namespaces", [{ metadata: { name: "ns", labels: {} } }]);
    await becomes(true, "b", "a");
    await setNamespaces(["ns"]);
  });

  it("say what of them is not known here, and fail closed", async () => {
    await define();
    await setPolicies("ClusterNetworkPolicy", {
      tier: "Admin",
      subject: app("a"),
      egress: [
        { action: "Accept", to: [{ domainNames: ["example.com"] }, app("b")] },
        { action: "Pass", to: [{ moons: '" } ; add table ip stolen' }] },
      ],
    });
    await becomes(false, "a", "b");
    assert.equal(await reaches("b", "a"), true);
    assert.doesNotMatch(await node.ruleset(), /stolen/);
    for (const said of [/domain names are no peers here; the rule accepts nothing/, /moons.*denies all/])
      await eventually("it is said", async () => (await node.events()).some((message) => said.test(message)));
  });
});

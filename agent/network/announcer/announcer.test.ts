import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { announcementLease } from "../../../client/rules/load-balancer.ts";
import { canAnnounce, eventually, type NodeName, TwoNodes } from "./testing/two-nodes.ts";

/** Two nodes that share a link with a client; each node's own program on 8080 is an endpoint. */
describe("addresses of load balancers, announced", function () {
  this.timeout(120_000);
  const address = "10.197.0.105";
  const url = `http://${address}/`;
  const nodes = new TwoNodes();

  const balancer = (spec: object = {}) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web", uid: "web", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.96.0.50",
      ports: [{ port: 80, protocol: "TCP" }],
      ...spec,
    },
    status: {
      loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] },
      conditions: [
        { type: "pintle.dev/NodesBalance", status: "True", reason: "PoolAddress", message: address },
      ],
    },
  });
  const slice = (...on: readonly NodeName[]) => ({
    metadata: { namespace: "default", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: on.map((nodeName) => ({ addresses: [TwoNodes.ipOf(nodeName)], nodeName })),
  });
  const other = (node: NodeName): NodeName => (node === "a" ? "b" : "a");
  const holder = () => {
    const [lease] = nodes.leases.all(resources.leases);
    return lease?.spec?.holderIdentity ?? "";
  };
  const setObjects = (spec: object, ...endpoints: readonly NodeName[]) => {
    nodes.set(
      "nodes",
      ["a", "b"].map((name) => ({ metadata: { name, uid: name } })),
    );
    nodes.set("endpointslices", [slice(...endpoints)]);
    nodes.set("services", [balancer(spec)]);
  };
  const heldBy = async (): Promise<NodeName> => {
    await eventually("a node holds the lease", async () => ["a", "b"].includes(holder()));
    return holder() as NodeName;
  };

  const ownUrl = (node: NodeName) => `http://${TwoNodes.ipOf(node)}:8080/`;
  const isAlone = async (node: NodeName): Promise<boolean> =>
    (await nodes.hasAddress(node, address)) && !(await nodes.hasAddress(other(node), address));

  before(async function () {
    if (!canAnnounce) this.skip();
    await nodes.start();
  });
  after(() => nodes.stop());

  it("are answered at by the one node that holds the lease, and only for what the Service asks for", async () => {
    setObjects({}, "a", "b");
    await eventually("the Service answers", async () => /^[ab]$/.test(await nodes.get(url, 2_000)));
    await eventually("the holder alone has the address, and the client knows", async () => {
      const first = await heldBy();
      return (await isAlone(first)) && (await nodes.neighbour(address)) === first && holder() === first;
    });
    // The nodes' own programs listen there on every address.
    const own = await Promise.all(["a", "b"].map((node) => nodes.get(ownUrl(node as NodeName), 20_000)));
    assert.deepEqual(own, ["a", "b"]);
    await eventually(
      "not at the Service's",
      async () => (await nodes.get(`http://${address}:8080/`, 20_000)) === "ECONNREFUSED",
    );
  });

  it("move when the holder is killed: its kernel forgets the address, and the neighbours hear of it", async () => {
    const first = await heldBy();
    await nodes.kill(first, "SIGKILL");
    const killedMs = performance.now();
    await eventually("the other node holds the lease", async () => holder() === other(first));
    const tookMs = performance.now() - killedMs;
    // The client asks for nothing meanwhile: what it knows, it was told.
    await eventually("the client was told", async () => (await nodes.neighbour(address)) === other(first));
    await eventually(
      "the killed node's kernel let go",
      async () => !(await nodes.hasAddress(first, address)),
    );
    setObjects({}, other(first));
    await eventually("the Service answers", async () => (await nodes.get(url, 2_000)) === other(first));
    if (process.env.PINTLE_TEST_LOG !== undefined) console.log(`taken over after ${Math.round(tookMs)} ms`);
    await nodes.startNode(first);
  });

  it("are given up at once by a node that stops", async () => {
    setObjects({}, "a", "b");
    const first = await heldBy();
    await nodes.endNode(first);
    assert.ok(!(await nodes.hasAddress(first, address)));
    await eventually("the other node holds the lease", async () => holder() === other(first));
    await eventually("it has the address", () => nodes.hasAddress(other(first), address));
    await nodes.startNode(first);
  });

  it("are let go of by a frozen node's kernel", async () => {
    setObjects({}, "a", "b");
    const first = await heldBy();
    await nodes.kill(first, "SIGSTOP");
    await eventually("the other node has the address", () => nodes.hasAddress(other(first), address));
    await eventually("the frozen one has not", async () => !(await nodes.hasAddress(first, address)));
    await nodes.kill(first, "SIGCONT");
    await eventually("one of them has it", async () => isAlone(await heldBy()));
  });

  it("follow the endpoints where external traffic keeps to the node that it comes to", async () => {
    setObjects({ externalTrafficPolicy: "Local" }, "a");
    await eventually("a answers", async () => holder() === "a" && (await nodes.get(url, 2_000)) === "a");
    setObjects({ externalTrafficPolicy: "Local" }, "b");
    await eventually("b answers", async () => holder() === "b" && (await nodes.get(url, 2_000)) === "b");
    setObjects({ externalTrafficPolicy: "Local" });
    await eventually("nobody answers", async () => holder() === "");
    await eventually("nobody has it", async () => !(await nodes.hasAddress("b", address)));
  });
});

/** The same, of IPv6: neighbours are told by NDP. */
describe("addresses of load balancers of both families, announced", function () {
  this.timeout(120_000);
  const addresses = ["10.197.0.106", "fd00:197::106"] as const;
  const nodes = new TwoNodes();
  const other = (node: NodeName): NodeName => (node === "a" ? "b" : "a");

  before(async function () {
    if (!canAnnounce) this.skip();
    await nodes.start();
    const [v4, v6] = addresses;
    nodes.set(
      "nodes",
      ["a", "b"].map((name) => ({ metadata: { name, uid: name } })),
    );
    nodes.set(
      "endpointslices",
      (["IPv4", "IPv6"] as const).map((addressType) => ({
        metadata: {
          namespace: "default",
          name: `web-${addressType}`,
          labels: { "kubernetes.io/service-name": "web" },
        },
        addressType,
        ports: [{ name: "", port: 8080, protocol: "TCP" }],
        endpoints: (["a", "b"] as const).map((nodeName) => ({
          addresses: [addressType === "IPv4" ? TwoNodes.ipOf(nodeName) : TwoNodes.ip6Of(nodeName)],
          nodeName,
        })),
      })),
    );
    nodes.set("services", [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: {
          namespace: "default",
          name: "web",
          uid: "web",
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: {
          type: "LoadBalancer",
          clusterIP: "10.96.0.50",
          clusterIPs: ["10.96.0.50", "fd00:96::50"],
          ipFamilies: ["IPv4", "IPv6"],
          ports: [{ port: 80, protocol: "TCP" }],
        },
        status: {
          loadBalancer: { ingress: [v4, v6].map((ip) => ({ ip, ipMode: "VIP" })) },
          conditions: [
            {
              type: "pintle.dev/NodesBalance",
              status: "True",
              reason: "PoolAddress",
              message: `${v4}, ${v6}`,
            },
          ],
        },
      },
    ]);
  });
  after(() => nodes.stop());

  const holderOf = (address: string) => {
    const leases = nodes.leases.all(resources.leases);
    const found = leases.find(({ metadata }) => metadata.name === announcementLease(address));
    return found?.spec?.holderIdentity ?? "";
  };
  const get = (address: string) =>
    nodes.get(`http://${address.includes(":") ? `[${address}]` : address}/`, 2_000);

  it("are each one node's, which answers and is known for it", async () => {
    for (const address of addresses) {
      await eventually(`${address} answers`, async () => /^[ab]$/.test(await get(address)));
      await eventually(`the holder alone has ${address}, and the client knows`, async () => {
        const first = holderOf(address);
        if (first !== "a" && first !== "b") return false;
        const alone =
          (await nodes.hasAddress(first, address)) && !(await nodes.hasAddress(other(first), address));
        return alone && (await nodes.neighbour(address)) === first;
      });
      await eventually(
        "what no Service asks for is refused there",
        async () =>
          (await nodes.get(`http://${address.includes(":") ? `[${address}]` : address}:8080/`, 20_000)) ===
          "ECONNREFUSED",
      );
    }
  });

  it("move when the node of the IPv6 one is killed, and the neighbours hear of it by NDP", async () => {
    const address = addresses[1];
    const first = holderOf(address) as NodeName;
    await nodes.kill(first, "SIGKILL");
    const killedMs = performance.now();
    await eventually("the other node holds the lease", async () => holderOf(address) === other(first));
    const tookMs = performance.now() - killedMs;
    // The client asks for nothing meanwhile: what it knows, it was told.
    await eventually("the client was told", async () => (await nodes.neighbour(address)) === other(first));
    await eventually(
      "the killed node's kernel let go",
      async () => !(await nodes.hasAddress(first, address)),
    );
    if (process.env.PINTLE_TEST_LOG !== undefined) console.log(`taken over after ${Math.round(tookMs)} ms`);
  });
});

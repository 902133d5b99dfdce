import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { silentLog } from "../../base/os/log.ts";
import type { Service } from "../../client/types.ts";
import { ClientAffinity } from "./client-affinity.ts";
import type { ServicePort } from "./service-plan.ts";
import { UserSpaceProxy } from "./user-space-proxy.ts";

describe("UserSpaceProxy", () => {
  const servers: Server[] = [];
  const proxies: UserSpaceProxy[] = [];
  const newProxy = (lowestPort = 0) => {
    const proxy = new UserSpaceProxy({
      clock: systemClock,
      log: silentLog,
      nodePortHost: "127.0.0.1",
      servesNodePorts: true,
      lowestPort,
      claimAddress: async (address) => {
        if (address === "10.9.9.9") throw new Error("no such device");
        return address.startsWith("127.");
      },
      isAnotherNodes: (address) => address === "127.96.7.9",
    });
    proxies.push(proxy);
    return proxy;
  };
  let listen: number;
  beforeEach(async () => {
    [listen = 0] = await freePorts(1);
  });
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.stop();
    for (const server of servers.splice(0)) server.close();
  });

  async function backend(answer: string): Promise<number> {
    const server = createServer((socket) => socket.end(answer));
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  }
  const port = (backends: readonly number[], more: Partial<ServicePort> = {}): ServicePort => {
    const endpoints = backends.map((number) => ({ address: "127.0.0.1", port: number, isLocal: true }));
    return {
      id: "ns/web:80",
      service: { metadata: { namespace: "ns", name: "web" } } as Service,
      protocol: "tcp",
      clusterIps: ["127.96.7.7"],
      externalIps: [],
      balancerIps: [],
      balancerSources: [],
      port: listen,
      nodePort: undefined,
      affinitySeconds: undefined,
      internalLocal: false,
      externalLocal: false,
      clusterEndpoints: endpoints,
      localEndpoints: endpoints,
      readyEndpoints: endpoints,
      servingEndpoints: endpoints,
      ...more,
    };
  };
  const messages = async (proxy: UserSpaceProxy, ports: readonly ServicePort[]) =>
    (await proxy.update({ ports })).map(({ message }) => message);

  it("passes connections on in turn, and past an endpoint that refuses", async () => {
    const one = await backend("one");
    const two = await backend("two");
    const closed = await backend("gone");
    await new Promise((done) => servers.pop()?.close(done));
    await newProxy().update({ ports: [port([one, closed, two])] });
    const answers = [await ask(listen), await ask(listen), await ask(listen)];
    assert.deepEqual(new Set(answers), new Set(["one", "two"]));
  });

  it("stops listening when the Service goes", async () => {
    const proxy = newProxy();
    await proxy.update({ ports: [port([await backend("one")])] });
    assert.equal(await ask(listen), "one");
    await proxy.update({ ports: [] });
    assert.equal(await ask(listen), "ECONNREFUSED");
  });

  it("answers higher where it may not listen, and says so", async () => {
    const one = await backend("one");
    const clusterIps = ["127.96.7.6"];
    assert.deepEqual(await messages(newProxy(1024), [port([one], { clusterIps, port: 81 })]), [
      "ns/web:80: this node's agent may not listen on port 81, which is below 1024: answered at port 10081",
    ]);
    assert.equal(await ask(10_081, undefined, "127.96.7.6"), "one");
    assert.equal(await ask(81, undefined, "127.96.7.6"), "ECONNREFUSED");
  });

  it("keeps a client with its endpoint where the Service has session affinity", async () => {
    const backends = [await backend("one"), await backend("two"), await backend("three")];
    await newProxy().update({ ports: [port(backends, { affinitySeconds: 60 })] });
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) answers.push(await ask(listen));
    assert.equal(new Set(answers).size, 1, answers.join());
    const other = await ask(listen, "127.0.0.9");
    assert.notEqual(other, answers[0], "the next client goes to the next endpoint");
    assert.equal(await ask(listen), answers[0]);
  });

  it("refuses clients of a Service without endpoints, and of one without local ones where it keeps to these", async () => {
    const proxy = newProxy();
    await proxy.update({ ports: [port([])] });
    assert.equal(await ask(listen), "ECONNREFUSED");
    const away = port([await backend("one")], { internalLocal: true, localEndpoints: [] });
    await proxy.update({ ports: [away] });
    assert.equal(await ask(listen), "ECONNREFUSED");
  });

  it("leaves addresses of other nodes to them", async () => {
    const one = await backend("one");
    const more = { clusterIps: [], externalIps: ["127.96.7.9"], balancerIps: ["127.96.7.9", "127.96.7.8"] };
    assert.deepEqual(await messages(newProxy(), [port([one], more)]), []);
    assert.equal(await ask(listen, undefined, "127.96.7.9"), "ECONNREFUSED");
    assert.equal(await ask(listen, undefined, "127.96.7.8"), "one");
  });

  it("names what it cannot do, and does the rest", async () => {
    const one = await backend("one");
    const [nodePort = 0] = await freePorts(1);
    const said = await messages(newProxy(), [
      port([one], { id: "ns/dns:53", protocol: "udp" }),
      port([one], { id: "ns/out:80", clusterIps: [], externalIps: ["203.0.113.7", "10.9.9.9"] }),
      port([one], { nodePort, externalLocal: true }),
    ]);
    assert.deepEqual(said, [
      "ns/dns:53: UDP needs nftables, which this node does not use; left out",
      "ns/web:80: without nftables externalTrafficPolicy: Local keeps to local endpoints, but not the source address",
      "ns/out:80: this node cannot take the address 203.0.113.7; left out",
      "ns/out:80: this node cannot take the address 10.9.9.9: no such device; left out",
    ]);
    assert.equal(await ask(listen), "one");
    assert.equal(await ask(nodePort, undefined, "127.0.0.1"), "one");
  });
});

describe("ClientAffinity", () => {
  it("forgets a client that was away too long, and the longest unseen when there are too many", () => {
    const affinity = new ClientAffinity({ clientsMax: 2 });
    affinity.connected("s", "a", { endpoint: "1", seconds: 10, nowMs: 0 });
    assert.equal(affinity.endpointOf("s", "a", 9_999), "1");
    assert.equal(affinity.endpointOf("s", "a", 10_000), undefined);
    assert.equal(affinity.endpointOf("other", "a", 0), undefined);
    affinity.connected("s", "b", { endpoint: "2", seconds: 10, nowMs: 1 });
    affinity.connected("s", "a", { endpoint: "1", seconds: 10, nowMs: 2 });
    affinity.connected("s", "c", { endpoint: "3", seconds: 10, nowMs: 3 });
    assert.deepEqual(
      ["a", "b", "c"].map((client) => affinity.endpointOf("s", client, 3)),
      ["1", undefined, "3"],
    );
  });
});

function ask(port: number, from?: string, host = "127.96.7.7"): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ port, host, ...(from !== undefined && { localAddress: from }) });
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    socket.on("close", () => resolve(text));
  });
}

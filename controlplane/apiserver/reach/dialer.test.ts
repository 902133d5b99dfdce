import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpsServer, request as httpsRequest } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import type { AgentServer } from "../../../agent/server/server.ts";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { CacheHub } from "../cache/cache-hub.ts";
import { KindRegistry } from "../registry/kind-registry.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { encodeStored, objectKey } from "../registry/stored-object.ts";
import { kinds as allKinds } from "../resources/table.ts";
import { isAllowedAddress } from "./allowed-address.ts";
import { clusterDialer, type DialerDeps, serviceConnections } from "./dialer.ts";
import { type NodeTls, nodeLink } from "./node-link.ts";
import { startTestNode, testNode } from "./testing.ts";

const podIp = "127.128.7.7";

/** All that a stream says, which may still be spoken to afterwards. */
function heard(stream: Duplex): Promise<string> {
  const pieces: Buffer[] = [];
  stream.on("data", (piece) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("end", () => resolve(Buffer.concat(pieces).toString()));
  });
}

describe("reaching what runs in the cluster", () => {
  let authority: Certificate;
  let client: Certificate;
  let agent: AgentServer;
  let pod: Server;
  let podPort: number;
  let storage: MemoryStorage;
  let deps: DialerDeps;
  const opened: Duplex[] = [];
  const sandbox = (ip: string) =>
    ({
      id: "s",
      pod: { namespace: "a", name: "p", uid: "u" },
      attempt: 0,
      state: "ready",
      createdAtMs: 0,
      podIp: ip,
    }) as const;

  before(async () => {
    authority = await createAuthority({ name: "test-ca" });
    client = await issueCertificate(authority, { commonName: "system:apiserver", usage: "client" });
    agent = await startTestNode(authority, {
      runtime: { listPodSandboxes: () => [sandbox(podIp), sandbox("")] } as never,
    });
    // A pod that answers in capitals once it has heard all.
    pod = createServer({ allowHalfOpen: true }, async (socket) => {
      socket.end((await heard(socket)).toUpperCase());
    });
    await once(pod.listen(0, podIp), "listening");
    podPort = (pod.address() as AddressInfo).port;
  });
  after(async () => {
    await agent.close();
    pod.close();
  });
  const tls = (): NodeTls => ({
    ca: authority.certificatePem,
    cert: client.certificatePem,
    key: client.privateKeyPem,
  });
  beforeEach(async () => {
    storage = new MemoryStorage(systemClock);
    deps = {
      storage,
      hub: new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog }),
      kinds: new KindRegistry(allKinds),
      clock: systemClock,
      random: systemRandom,
      nodes: nodeLink(tls()),
      facts: { loopbackEndpoints: true },
    };
    await put("nodes", testNode("n1", agent.port));
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) one.destroy();
    deps.nodes.agent.destroy();
    await storage.close();
  });

  const put = async (plural: string, object: object, group = "") => {
    const kind = deps.kinds.named(group, plural)?.kind;
    assert.ok(kind);
    const { namespace = "", name } = (object as KubeObject).metadata;
    const key = objectKey(kind, namespace, name);
    await storage.commit({
      compare: [],
      writes: [{ type: "put", key, value: encodeStored(object as KubeObject) }],
    });
  };
  const service = (spec: object = {}) =>
    put("services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "a", name: "web" },
      spec: {
        type: "ClusterIP",
        ports: [
          { name: "h", port: 80 },
          { name: "s", port: 443 },
        ],
        ...spec,
      },
    });
  const slice = (endpoints: readonly object[], port: number, name = "web-1") =>
    put(
      "endpointslices",
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { namespace: "a", name, labels: { "kubernetes.io/service-name": "web" } },
        addressType: "IPv4",
        ports: [{ name: "h", port }],
        endpoints,
      },
      "discovery.k8s.io",
    );
  const podObject = (ip = podIp) =>
    put("pods", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "a", name: "p" },
      spec: { nodeName: "n1" },
      status: { podIP: ip, podIPs: [{ ip }] },
    });
  const ofPod = { addresses: [podIp], targetRef: { kind: "Pod", namespace: "a", name: "p" } };
  const ref = { namespace: "a", name: "web", port: 80 };
  const said = async (to: Promise<Duplex>, words: string) => {
    const stream = await to;
    opened.push(stream);
    stream.end(words);
    return heard(stream);
  };

  it("connects to a ready endpoint of a service through the agent of its pod's node, each direction ending on its own", async () => {
    await service();
    await podObject();
    await slice([{ ...ofPod, addresses: ["127.128.7.8"], conditions: { ready: false } }, ofPod], podPort);
    const dialer = clusterDialer(deps);
    assert.equal(await said(dialer.service(ref), "hello"), "HELLO");
    const long = "x".repeat(3 * 1024 * 1024);
    assert.equal(await said(dialer.service(ref), long), long.toUpperCase());
  });

  it("says in Kubernetes' words why a service cannot be reached", async () => {
    const dialer = clusterDialer(deps);
    const fails = (words: RegExp, port = 80) => assert.rejects(dialer.service({ ...ref, port }), words);
    await fails(/: service "web" not found$/);
    await service();
    await fails(/: no service port 81 found for service "web"$/, 81);
    await fails(/: no endpoints available for service "web"$/);
    await slice([{ ...ofPod, conditions: { ready: false } }], podPort);
    await fails(/: no endpoints available for service "web"$/);
    await slice([ofPod], podPort);
    await fails(/: no endpoints available for service "web"$/, 443);
    await podObject();
    const closed = createServer();
    await once(closed.listen(0, podIp), "listening");
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await slice([ofPod], port);
    await fails(new RegExp(`^Error: dial tcp ${podIp}:${port}: connect: connection refused$`));
    await put("nodes", testNode("n1", port));
    await fails(new RegExp(`^Error: dial tcp 127.0.0.1:${port}: connect: connection refused$`));
    await service({ type: "Strange" });
    await fails(/unsupported service type "Strange"$/);
  });

  it("goes to the name of an ExternalName service, and to endpoints that are no pods, by itself", async () => {
    await service({ type: "ExternalName", externalName: "localhost", ports: undefined });
    const local = createServer({ allowHalfOpen: true }, async (socket) => socket.end(await heard(socket)));
    await once(local.listen(0, "127.0.0.1"), "listening");
    const { port } = local.address() as AddressInfo;
    const dialer = clusterDialer(deps);
    assert.equal(await said(dialer.service({ ...ref, port }), "echo"), "echo");
    await service();
    await slice([{ addresses: ["127.0.0.1"] }], port);
    assert.equal(await said(dialer.service(ref), "echo"), "echo");
    await assert.rejects(
      clusterDialer({ ...deps, facts: { loopbackEndpoints: false } }).service(ref),
      /address not allowed/,
    );
    local.close();
  });

  it("does not let an endpoint lend a pod's name to an address that the pod does not have", async () => {
    await service();
    await podObject("127.128.7.9");
    await slice([ofPod], podPort);
    // It is no pod's, so it is reached from here, and by the rules for that.
    const strict = clusterDialer({ ...deps, facts: { loopbackEndpoints: false } });
    await assert.rejects(strict.service(ref), /address not allowed/);
  });

  it("has the agent connect to addresses of its own pods only, for its own callers only", async () => {
    const dialer = clusterDialer(deps);
    const to = (host: string, port = podPort) => dialer.place({ host, port, node: "n1" });
    for (const host of ["127.0.0.1", "127.128.7.8", "10.1.2.3"])
      await assert.rejects(to(host), new RegExp(`^Error: ${host} is no address of a pod of this node$`));
    for (const [commonName, words] of [
      [undefined, "Unauthorized"],
      ["jane", "Forbidden \\(user=jane, verb=create, resource=nodes, subresource\\(s\\)=\\[proxy\\]\\)"],
    ] as const) {
      const other = commonName && (await issueCertificate(authority, { commonName, usage: "client" }));
      const link = nodeLink({
        ...tls(),
        cert: other?.certificatePem,
        key: other?.privateKeyPem,
      });
      await assert.rejects(
        clusterDialer({ ...deps, nodes: link }).place({ host: podIp, port: podPort, node: "n1" }),
        new RegExp(`^Error: ${words}$`),
      );
    }
  });

  it("lets https.request talk TLS to a service, verified by the service's name", async () => {
    const named = async (name: string) => {
      const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
        commonName: name,
        dnsNames: [name],
        usage: "server",
      });
      const web = createHttpsServer({ cert: certificatePem, key: privateKeyPem }, (_, response) =>
        response.end("hi"),
      );
      await once(web.listen(0, podIp), "listening");
      return web;
    };
    await service();
    await podObject();
    const ask = async (web: Server) => {
      await slice([ofPod], (web.address() as AddressInfo).port);
      const createConnection = serviceConnections(clusterDialer(deps), ref, {
        servername: "web.a.svc",
        ca: authority.certificatePem,
      });
      const asking = httpsRequest({ host: "web.a.svc", path: "/", createConnection }).end();
      const [answer] = await once(asking, "response");
      return text(answer);
    };
    const right = await named("web.a.svc");
    const wrong = await named("other.a.svc");
    assert.equal(await ask(right), "hi");
    await assert.rejects(ask(wrong), /Hostname\/IP does not match/);
    right.close();
    wrong.close();
  });
});

describe("addresses that the API server may be sent to", () => {
  it("are those that mean the same machine to everybody", () => {
    const facts = { loopbackEndpoints: false };
    for (const address of ["10.1.2.3", "8.8.8.8", "192.168.1.1", "fd00::1", "2001:db8::1"])
      assert.equal(isAllowedAddress(address, facts), true, address);
    for (const address of [
      "0.0.0.0",
      "255.255.255.255",
      "127.0.0.1",
      "127.9.9.9",
      "169.254.169.254",
      "224.0.0.1",
      "239.1.1.1",
      "::",
      "::1",
      "fe80::1",
      "febf::1",
      "ff02::1",
      "::ffff:127.0.0.1",
      "::ffff:169.254.169.254",
      "::ffff:a9fe:a9fe",
      "127.0.0.01",
      "2130706433",
      "0x7f.1",
      "localhost",
      "10.1.2.3%eth0",
      "fe80::1%eth0",
      "",
    ])
      assert.equal(isAllowedAddress(address, facts), false, address);
  });

  it("are loopback addresses too where pods are processes, and nothing else beside", () => {
    const facts = { loopbackEndpoints: true };
    assert.equal(isAllowedAddress("127.128.1.2", facts), true);
    for (const address of ["169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "fe80::1"])
      assert.equal(isAllowedAddress(address, facts), false, address);
  });
});

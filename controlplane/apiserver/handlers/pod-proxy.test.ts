import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import { TLSSocket } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import { issueCertificate } from "../../../base/os/pki.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

/** A node's agent that logs what it is asked and answers in kind. */
describe("logs and exec through the API server", () => {
  let server: TestApiserver;
  let agent: Server;
  const asked: string[] = [];
  before(async () => {
    server = await startTestApiserver();
    const certificate = await issueCertificate(server.authority, {
      commonName: "n1",
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    agent = createServer(
      {
        cert: certificate.certificatePem,
        key: certificate.privateKeyPem,
        ca: server.authority.certificatePem,
        requestCert: true,
      },
      (request, response) => {
        assert.ok(request.socket instanceof TLSSocket);
        asked.push(`${request.socket.getPeerCertificate().subject.CN} ${request.url}`);
        response.end("line one\nline two\n");
      },
    );
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v5.channel.k8s.io" });
    agent.on("upgrade", (request, socket, head) => {
      asked.push(`upgrade ${request.url}`);
      sockets.handleUpgrade(request, socket, head, (far) => {
        far.on("message", (data: Buffer) => far.send(Buffer.concat([Buffer.of(1), data.subarray(1)])));
      });
    });
    await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
    const address = agent.address();
    assert.ok(typeof address === "object" && address !== null);
    const node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n1" },
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: address.port } },
      },
    };
    await server.admin.call("POST", "/api/v1/nodes", { body: node });
    await server.admin.call("PUT", "/api/v1/nodes/n1/status", { body: node });
    const containers = [{ name: "c", image: "i" }];
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { nodeName: "n1", containers },
    };
    const two = {
      ...pod,
      metadata: { name: "two" },
      spec: { ...pod.spec, containers: [...containers, { name: "d", image: "i" }] },
    };
    for (const body of [pod, two])
      assert.equal((await server.admin.call("POST", "/api/v1/namespaces/default/pods", { body })).code, 201);
  });
  beforeEach(() => {
    asked.length = 0;
  });
  after(async () => {
    await server.stop();
    agent.closeAllConnections();
    await new Promise((resolve) => agent.close(resolve));
  });

  it("passes logs on, asking with its own certificate", async () => {
    const { code, text } = await server.admin.call(
      "GET",
      "/api/v1/namespaces/default/pods/p/log?tailLines=2&container=c",
    );
    assert.deepEqual([code, text], [200, "line one\nline two\n"]);
    assert.deepEqual(asked, ["system:apiserver /containerLogs/default/p/c?tailLines=2"]);
  });

  it("wants to know which container", async () => {
    const { code, body } = await server.admin.call("GET", "/api/v1/namespaces/default/pods/two/log");
    assert.equal(code, 400);
    assert.equal(body.message, "a container name must be specified for pod two, choose one of: [c d]");
  });

  const exec = async (user: string, groups: string[]) => {
    const file = await server.kubeconfigFor(user, groups);
    const { users } = JSON.parse(await (await import("node:fs/promises")).readFile(file, "utf8"));
    const pem = (name: string) => Buffer.from(users[0].user[name], "base64");
    const url = `${server.url.replace("https", "wss")}/api/v1/namespaces/default/pods/p/exec?command=cat&command=-&stdin=true&stdout=true`;
    return new WebSocket(url, ["v5.channel.k8s.io"], {
      ca: server.authority.certificatePem,
      cert: pem("client-certificate-data"),
      key: pem("client-key-data"),
    });
  };

  it("joins a WebSocket with the agent's", async () => {
    const socket = await exec("admin", ["system:masters"]);
    const echoed = await new Promise<Buffer>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("open", () => socket.send(Buffer.from("\0hello")));
      socket.on("message", (data: Buffer) => resolve(data));
    });
    assert.equal(echoed.toString(), "\x01hello");
    assert.equal(socket.protocol, "v5.channel.k8s.io");
    assert.deepEqual(asked, ["upgrade /exec/default/p/c?command=cat&command=-&stdin=true&stdout=true"]);
    await new Promise((resolve) => {
      socket.on("close", resolve);
      socket.close();
    });
  });

  it("refuses with a Status who may not", async () => {
    const socket = await exec("jane", []);
    const code = await new Promise((resolve) => {
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
      socket.on("error", () => {});
    });
    assert.equal(code, 403);
    assert.deepEqual(asked, []);
    socket.terminate();
  });
});

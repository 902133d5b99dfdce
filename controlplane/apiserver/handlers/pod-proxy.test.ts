import assert from "node:assert/strict";
import { createServer, request as httpsRequest, type Server } from "node:https";
import { TLSSocket } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { authorizeSession } from "./pod-session.ts";

const floodPieces = 256;
const floodPieceBytes = 64 * 1024;
/** What the node says instead of a log, by container. */
const refusals: Readonly<Record<string, { readonly code: number; readonly text: string }>> = {
  waiting: { code: 400, text: 'container "waiting" in pod "many" is waiting to start: ContainerCreating' },
  broken: { code: 500, text: "disk on fire" },
  gone: { code: 404, text: 'pod "many" does not exist' },
};

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
        const refusal = refusals[request.url?.split("/")[4]?.split("?")[0] ?? ""];
        if (refusal === undefined) response.end("line one\nline two\n");
        else response.writeHead(refusal.code).end(refusal.text);
      },
    );
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v5.channel.k8s.io" });
    agent.on("upgrade", (request, socket, head) => {
      asked.push(`upgrade ${request.url}`);
      if (request.headers.upgrade !== "websocket") {
        const text = 'container not found ("c")';
        socket.end(`HTTP/1.1 500 Internal Server Error\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (far) => {
        far.on("message", (data: Buffer) => {
          if (data.subarray(1).toString() !== "flood")
            return void far.send(Buffer.concat([Buffer.of(1), data.subarray(1)]));
          for (let piece = 0; piece < floodPieces; piece++) far.send(Buffer.alloc(floodPieceBytes, 1));
          far.send(Buffer.from("\x03last words"));
          far.close(1000);
        });
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
    const many = {
      ...pod,
      metadata: { name: "many" },
      spec: {
        ...pod.spec,
        containers: ["c", ...Object.keys(refusals)].map((name) => ({ name, image: "i" })),
      },
    };
    const unscheduled = { ...pod, metadata: { name: "unscheduled" }, spec: { containers } };
    for (const body of [pod, two, many, unscheduled])
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

  it("checks whom it reaches for them, unless it is asked not to", async () => {
    const other = await createAuthority({ name: "other" });
    const identity = { commonName: "n1", addresses: ["127.0.0.1"], usage: "server" } as const;
    const [unknown, known] = await Promise.all(
      [other, server.authority].map((by) => issueCertificate(by, identity)),
    );
    const show = (one: typeof known) =>
      one &&
      agent.setSecureContext({
        cert: one.certificatePem,
        key: one.privateKeyPem,
        ca: server.authority.certificatePem,
      });
    const logs = async (more: string) =>
      (await server.admin.call("GET", `/api/v1/namespaces/default/pods/p/log?container=c${more}`)).text;
    const lines = "line one\nline two\n";
    const why = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    const counted = async () => {
      const { text } = await server.admin.call("GET", "/metrics");
      const count = (line: RegExp) => Number(line.exec(text)?.[1] ?? 0);
      return [
        count(/^kube_apiserver_pod_logs_insecure_backend_total\{usage="skip_tls_allowed"\} (\d+)$/m),
        count(/^kube_apiserver_pod_logs_backend_tls_failure_total (\d+)$/m),
      ];
    };
    show(unknown);
    try {
      assert.deepEqual(
        [(await logs("")).includes(why), await logs("&insecureSkipTLSVerifyBackend=true"), await counted()],
        [true, lines, [1, 1]],
      );
    } finally {
      show(known);
    }
    assert.equal(await logs(""), lines);
  });

  it("wants to know which container", async () => {
    const { code, body } = await server.admin.call("GET", "/api/v1/namespaces/default/pods/two/log");
    assert.equal(code, 400);
    assert.equal(body.message, "a container name must be specified for pod two, choose one of: [c d]");
  });

  it("checks what is asked of a log in Kubernetes' words, and asks the node in its own", async () => {
    const ask = async (query: string, pod = "p") => {
      const path = `/api/v1/namespaces/default/pods/${pod}/log?${query}`;
      const { code, body, text } = await server.admin.call("GET", path);
      return code === 200 || code === 204 ? [code, text] : [code, body.reason, body.message];
    };
    const invalid = (text: string) => [422, "Invalid", `PodLogOptions "p" is invalid: ${text}`];
    const bad = (text: string) => [400, "BadRequest", text];
    const layout = '"2006-01-02T15:04:05Z07:00"';
    for (const [query, answer] of [
      ["tailLines=-1", invalid("tailLines: Invalid value: -1: must be greater than or equal to 0")],
      ["limitBytes=0", invalid("limitBytes: Invalid value: 0: must be greater than 0")],
      ["sinceSeconds=0", invalid("sinceSeconds: Invalid value: 0: must be greater than 0")],
      [
        "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
        invalid("[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"),
      ],
      ["stream=Stdout", invalid("stream: Forbidden: may not be specified")],
      ["tailLines=", bad('strconv.ParseInt: parsing "": invalid syntax')],
      ["tailLines", bad('strconv.ParseInt: parsing "": invalid syntax')],
      ["tailLines=&tailLines=3", bad('strconv.ParseInt: parsing "": invalid syntax')],
      ["sinceSeconds=", bad('strconv.ParseInt: parsing "": invalid syntax')],
      ["limitBytes=", bad('strconv.ParseInt: parsing "": invalid syntax')],
      ["stream=", invalid("stream: Forbidden: may not be specified")],
      ["tailLines=x", bad('strconv.ParseInt: parsing "x": invalid syntax')],
      [
        "sinceTime=yesterday",
        bad(`parsing time "yesterday" as ${layout}: cannot parse "yesterday" as "2006"`),
      ],
      ["sinceTime=2026-01-01", bad(`parsing time "2026-01-01" as ${layout}: cannot parse "" as "T"`)],
      ["sinceTime=2026-13-01T00:00:00Z", bad('parsing time "2026-13-01T00:00:00Z": month out of range')],
      ["sinceTime=2026-02-29T00:00:00Z", bad('parsing time "2026-02-29T00:00:00Z": day out of range')],
    ] as const)
      assert.deepEqual(await ask(query), answer, query);
    assert.deepEqual(await ask("tailLines=1", "unscheduled"), [204, ""]);
    assert.deepEqual(asked, []);
    assert.deepEqual(await ask("sinceTime=&previous=0&tailLines=%2B1", "unscheduled"), [204, ""]);
    await ask("timestamps=0&previous=FALSE&follow=yes&tailLines=99999999999&pretty=1");
    assert.deepEqual(asked, [
      "system:apiserver /containerLogs/default/p/c?follow=true&tailLines=99999999999",
    ]);
  });

  it("asks for an upgrade where a session is asked for without one, after what is wrong with the pod", async () => {
    for (const method of ["GET", "POST"])
      for (const verb of ["exec", "attach"]) {
        const ask = async (pod: string, query = "") => {
          const path = `/api/v1/namespaces/default/pods/${pod}/${verb}?stdout=1&command=a${query}`;
          const { code, body } = await server.admin.call(method, path);
          return [code, body.reason, body.message];
        };
        assert.deepEqual(await ask("p"), [400, "BadRequest", "Upgrade request required"]);
        assert.deepEqual(await ask("none"), [404, "NotFound", 'pods "none" not found']);
        const unscheduled = "pod unscheduled does not have a host assigned";
        assert.deepEqual(await ask("unscheduled"), [400, "BadRequest", unscheduled]);
        const wrong = "container x is not valid for pod p";
        assert.deepEqual(await ask("p", "&container=x"), [400, "BadRequest", wrong]);
      }
    assert.deepEqual(asked, []);
  });

  it("says in Go's words that a node cannot be reached, without a reason", async () => {
    // The agent's port, held on one address of this machine, and so open on no other.
    const { port } = agent.address() as { port: number };
    const node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "away" },
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.77" }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    };
    await server.admin.call("POST", "/api/v1/nodes", { body: node });
    await server.admin.call("PUT", "/api/v1/nodes/away/status", { body: node });
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "away" },
      spec: { nodeName: "away", containers: [{ name: "c", image: "i" }] },
    };
    assert.equal(
      (await server.admin.call("POST", "/api/v1/namespaces/default/pods", { body: pod })).code,
      201,
    );
    const refused = `dial tcp 127.0.0.77:${port}: connect: connection refused`;
    const log = await server.admin.call("GET", "/api/v1/namespaces/default/pods/away/log?tailLines=1");
    const url = `https://127.0.0.77:${port}/containerLogs/default/away/c?tailLines=1`;
    assert.deepEqual(log.body, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: `Get "${url}": ${refused}`,
      code: 500,
    });
    const { code, text } = await refusalOf("away/exec?command=a&stdout=true", "websocket");
    assert.deepEqual([code, JSON.parse(text).message], [500, `error dialing backend: ${refused}`]);
    assert.equal("reason" in JSON.parse(text), false);
  });

  it("opens no session to who may only read: asking by GET makes one too", async () => {
    const target = { verb: "get", group: "", version: "v1", plural: "pods", subresource: "exec" } as const;
    const user = { name: "jane", uid: "", groups: [], extra: {} };
    const verbs: string[] = [];
    const may = (allowed: string) =>
      authorizeSession(
        async (_, { verb }) => {
          verbs.push(verb);
          return { allowed: verb === allowed };
        },
        user,
        { ...target, namespace: "n", name: "p", hasTail: false },
      );
    await may("create");
    await assert.rejects(may("get"), /^ApiError: pods "p" is forbidden/);
    assert.deepEqual(verbs, ["create", "create"]);
  });

  it("tells as a Status what the node says instead of a log", async () => {
    const answer = async (container: string) => {
      const path = `/api/v1/namespaces/default/pods/many/log?container=${container}`;
      const { code, body } = await server.admin.call("GET", path);
      return [code, body.reason, body.message];
    };
    assert.deepEqual(await answer("waiting"), [400, "BadRequest", refusals.waiting?.text]);
    assert.deepEqual(await answer("broken"), [500, "InternalError", "Internal error occurred: disk on fire"]);
    assert.deepEqual(await answer("gone"), [
      404,
      "NotFound",
      "the server could not find the requested resource ( pods/log many)",
    ]);
  });

  it("answers an unknown path with plain text, as to a request to upgrade", async () => {
    for (const path of ["/nowhere", "/apis/none.io/v1", "/apis/none.io/v1/nothings"]) {
      const { code, text, headers } = await server.admin.call("GET", path);
      assert.deepEqual([code, text], [404, "404 page not found\n"], path);
      assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    }
  });

  it("answers an unknown resource of a version that is served with a Status", async () => {
    for (const path of ["/api/v1/nothings", "/api/v1/namespaces/default/pods/p/nothing"]) {
      const { code, body } = await server.admin.call("GET", path);
      const message = "the server could not find the requested resource";
      assert.deepEqual([code, body.reason, body.message, body.details], [404, "NotFound", message, {}], path);
    }
  });

  const credentials = async (user: string, groups: string[]) => {
    const file = await server.kubeconfigFor(user, groups);
    const { users } = JSON.parse(await (await import("node:fs/promises")).readFile(file, "utf8"));
    const pem = (name: string) => Buffer.from(users[0].user[name], "base64");
    return {
      ca: server.authority.certificatePem,
      cert: pem("client-certificate-data"),
      key: pem("client-key-data"),
    };
  };
  const podUrl = (rest: string) =>
    `${server.url.replace("https", "wss")}/api/v1/namespaces/default/pods/${rest}`;

  it("sends logs over WebSocket, as bytes or base64", async () => {
    const tls = await credentials("admin", ["system:masters"]);
    for (const protocol of ["", "binary.k8s.io", "base64.binary.k8s.io"]) {
      const socket = new WebSocket(podUrl("p/log?tailLines=2"), protocol === "" ? [] : [protocol], tls);
      let heard = "";
      socket.on("message", (data: Buffer, isBinary) => {
        const isBase64 = protocol.startsWith("base64");
        assert.equal(isBinary, !isBase64);
        heard += isBase64 ? Buffer.from(String(data), "base64") : data;
      });
      await new Promise((resolve, reject) => {
        socket.on("error", reject);
        socket.on("close", resolve);
      });
      assert.deepEqual([socket.protocol, heard], [protocol, "line one\nline two\n"]);
    }
    assert.deepEqual(asked, Array(3).fill("system:apiserver /containerLogs/default/p/c?tailLines=2"));
  });

  /** The answer to a request to upgrade that is refused. */
  const refusalOf = async (rest: string, upgrade: string, method = "GET") => {
    const tls = await credentials("admin", ["system:masters"]);
    const headers = {
      Connection: "Upgrade",
      Upgrade: upgrade,
      ...(upgrade === "websocket" && {
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "v5.channel.k8s.io",
      }),
    };
    return new Promise<{ code: number | undefined; text: string }>((resolve, reject) => {
      const asking = httpsRequest(podUrl(rest).replace("wss", "https"), { ...tls, method, headers });
      asking.on("error", reject);
      asking.on("response", async (response) => {
        let text = "";
        for await (const piece of response) text += piece;
        resolve({ code: response.statusCode, text });
      });
      asking.end();
    });
  };
  it("says what is wrong with a session to clients of every protocol", async () => {
    for (const upgrade of ["websocket", "SPDY/3.1"]) {
      const method = upgrade === "websocket" ? "GET" : "POST";
      for (const [rest, text] of [
        ["unscheduled/exec?command=a&stdout=true", "pod unscheduled does not have a host assigned"],
        ["p/exec?command=a&container=x", "container x is not valid for pod p"],
      ] as const) {
        const { code, text: body } = await refusalOf(rest, upgrade, method);
        assert.deepEqual(
          [code, JSON.parse(body).message, JSON.parse(body).reason],
          [400, text, "BadRequest"],
        );
      }
    }
    assert.deepEqual(asked, []);
    const spdy = await refusalOf("p/exec?command=a&stdout=true", "SPDY/3.1", "POST");
    assert.deepEqual(spdy, { code: 500, text: 'container not found ("c")' });
    assert.deepEqual(
      await refusalOf("many/log?container=waiting", "websocket").then(({ code }) => code),
      403,
    );
  });

  it("delivers the last words of a session to a client that reads slowly", async () => {
    const socket = await exec("admin", ["system:masters"]);
    let heard = 0;
    let last = "";
    socket.on("message", (data: Buffer) => {
      if (data[0] === 3) last = String(data.subarray(1));
      else heard += data.length;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on("open", () => socket.send(Buffer.from("\0flood")));
    const code = await new Promise((resolve) => socket.on("close", resolve));
    assert.deepEqual([heard, last, code], [floodPieces * floodPieceBytes, "last words", 1000]);
  });

  const exec = async (user: string, groups: string[]) => {
    const url = `${server.url.replace("https", "wss")}/api/v1/namespaces/default/pods/p/exec?command=cat&command=-&stdin=true&stdout=true`;
    return new WebSocket(url, ["v5.channel.k8s.io"], await credentials(user, groups));
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

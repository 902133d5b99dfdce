import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { preface } from "../../base/http2/frames.ts";
import { sortConnection } from "../../base/http2/sort-connection.ts";
import { silentLog } from "../../base/os/log.ts";
import { http1Server } from "./http1-server.ts";

describe("HTTP/1.1 on the port that HTTP/2 has as well", () => {
  let listener: Server;
  const asked: string[] = [];
  let http2Connections = 0;
  const sockets: Socket[] = [];
  const http1 = http1Server(
    (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      request.resume().on("end", () => response.end("answer"));
    },
    { headersTimeout: 100, connectionsCheckingInterval: 20 },
  );
  before(async () => {
    listener = createServer((socket) => {
      sockets.push(socket);
      const http2 = () => {
        http2Connections += 1;
      };
      sortConnection(socket, {
        http2,
        http1: (connection) => void http1.emit("connection", connection),
        log: silentLog,
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  });
  beforeEach(() => void asked.splice(0));
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    assert.equal(http2Connections, 0);
  });
  after(() => {
    listener.close();
    http1.close();
  });
  /** What the server says to this, until it closes. */
  const said = async (...parts: readonly (string | Buffer)[]) => {
    const client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
    let text = "";
    client.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
    });
    client.on("error", () => undefined);
    for (const part of parts) client.write(part);
    await once(client, "close");
    return text;
  };
  const statuses = (text: string) => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code);

  it("ends a connection whose client begins a head and does not go on", async () => {
    assert.deepEqual(statuses(await said("GET / HTTP/1.1\r\nHost: a\r\n")), ["408"]);
    assert.deepEqual(asked, []);
  });

  it("has all the time for who has connected and says nothing, and little for who begins", async () => {
    const client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
    const [served] = (await once(listener, "connection")) as [Socket];
    assert.equal(served.timeout ?? 0, 0);
    client.write("PR");
    await once(served, "readable");
    await new Promise(setImmediate);
    assert.ok((served.timeout ?? 0) > 0);
    client.destroy();
  });

  it("does not go over to HTTP/2 within a connection", async () => {
    const text = await said("GET /one HTTP/1.1\r\nHost: a\r\n\r\n", preface);
    assert.equal(statuses(text).at(-1), "400");
    assert.deepEqual(asked, ["GET /one"]);
  });

  it("does not go over to HTTP/2 for who asks it to upgrade", async () => {
    const head =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n";
    assert.deepEqual(statuses(await said(`${head}HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`)), ["200"]);
  });

  const inside = "GET /inside HTTP/1.1\r\nHost: a\r\n\r\n";
  const smuggled: Readonly<Record<string, string>> = {
    "a length and chunks": `Content-Length: ${inside.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inside}`,
    "two lengths": `Content-Length: 0\r\nContent-Length: ${inside.length}\r\n\r\n${inside}`,
    "chunks that are not the last coding": `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inside}`,
    "a line feed alone": `X: a\n\nContent-Length: 0\r\n\r\n${inside}`,
  };
  for (const [what, rest] of Object.entries(smuggled))
    it(`refuses a request with ${what}, and what stands in its body`, async () => {
      const text = await said(`POST /outside HTTP/1.1\r\nHost: a\r\n${rest}`);
      assert.deepEqual(statuses(text).slice(0, 1), ["400"]);
      assert.deepEqual(asked, []);
    });
});

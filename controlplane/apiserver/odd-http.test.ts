import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:tls";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMaps } from "./testing-objects.ts";

const object = '{"metadata":{"generateName":"a-"}}';
const chunked = `${object.length.toString(16)}\r\n${object}\r\n0\r\n\r\n`;
const get = (target: string, headers = "Host: a\r\n") => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body: string) =>
  `POST ${configMaps} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`;
const both = `Content-Length: ${object.length}\r\nTransfer-Encoding: chunked`;

/** What is sent, the code, and what the answer says. Codes are a kube-apiserver's, but where the parser knows less. */
const refused: readonly (readonly [what: string, sent: string, code: number, says: RegExp])[] = [
  ["a body of two lengths", post("Content-Length: 3\r\nContent-Length: 4", object), 400, /Content-Length/],
  ["a body with a length and in chunks", post(both, chunked), 400, /Content-Length|Transfer-Encoding/],
  ["a length that is none", post("Content-Length: -1", object), 400, /Content-Length/],
  [
    "a body that is encoded",
    post("Transfer-Encoding: gzip, chunked", chunked),
    501,
    /^Unsupported transfer enc/,
  ],
  ["a chunk without a length", post("Transfer-Encoding: chunked", "zz\r\n"), 400, /chunk size/],
  [
    "a chunk of many words",
    post("Transfer-Encoding: chunked", `1;a=${"b".repeat(99_999)}`),
    413,
    /Too Large/,
  ],
  ["a folded header", get("/version", "Host: a\r\nX-A: b\r\n c\r\n"), 400, /Bad Request: ./],
  ["a header without a name", get("/version", "Host: a\r\n: b\r\n"), 400, /header token/],
  ["a head of 2 MB", get("/version", `Host: a\r\nX-A: ${"a".repeat(2e6)}\r\n`), 431, /^431 Request Header/],
  ["two hosts", get("/version", "Host: a\r\nHost: b\r\n"), 400, /too many Host headers/],
  ["no host", get("/version", ""), 400, /missing required Host header/],
  ["a version of later days", "GET /version HTTP/3.0\r\nHost: a\r\n\r\n", 505, /HTTP Version Not Supp/],
  ["a target that is no path", get("*"), 404, /^404 page not found/],
  ["a percent sign that escapes nothing", get("/api/v1/namespaces/%zz"), 400, /^400 Bad Request$/],
  ["a tunnel", "CONNECT evil.example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n", 404, /^404 page not found/],
];

describe("what is no request", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
  });
  after(() => api.stop());

  /** All that the server says until it hangs up. */
  const exchange = async (sent: string): Promise<string> => {
    const { port, ca, cert, key } = api.place;
    const socket = connect({ host: "127.0.0.1", port, ca, ...(cert && key && { cert, key }) });
    socket.on("error", () => undefined);
    let said = "";
    socket.on("data", (bytes) => {
      said += bytes;
    });
    await once(socket, "secureConnect");
    socket.write(sent);
    await once(socket, "close");
    return said;
  };

  for (const [what, sent, code, says] of refused)
    it(`is refused with what is wrong: ${what}`, async () => {
      const [head = "", body = ""] = (await exchange(sent)).split("\r\n\r\n");
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${code} `));
      assert.match(head, /\r\nConnection: close/i);
      assert.match(body, says);
    });

  it("is not what is refused for what its body says: the connection serves the next request", async () => {
    const last = get("/version", "Host: a\r\nConnection: close\r\n");
    const said = await exchange(post("Content-Length: 8", "{no JSON") + last);
    assert.match(said, /^HTTP\/1\.1 400 [\s\S]*\nHTTP\/1\.1 200 [\s\S]*"v1\.36/);
  });

  it("is not what wishes for a protocol that it cannot get: it is answered as if it had no wish", async () => {
    const wish = "Host: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
    const last = "Host: a\r\nUpgrade: h2c\r\nConnection: close, Upgrade\r\n";
    const body = `Upgrade: foo\r\nConnection: Upgrade\r\nContent-Length: ${object.length}`;
    const said = await exchange(get("/version", wish) + post(body, object) + get("/nothing", last));
    assert.deepEqual(
      [...said.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, code]) => code),
      ["200", "201", "404"],
    );
  });

  it("is not what names a host: its path is answered", async () => {
    const last = "Host: a\r\nConnection: close\r\n";
    assert.match(
      await exchange(get("https://evil.example.com/version", last)),
      /^HTTP\/1\.1 200 [\s\S]*"v1\.36/,
    );
    assert.match(await exchange(get("http://evil.example.com", last)), /^HTTP\/1\.1 200 [\s\S]*"paths"/);
  });
});

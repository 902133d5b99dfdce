import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { gunzipSync } from "node:zlib";
import { sendParts } from "./send-parts.ts";

const part = Buffer.alloc(10_000, "x");

describe("lists sent in parts", () => {
  let made = 0;
  function* parts(count: number): Generator<Uint8Array> {
    for (made = 0; made < count; made++) yield part;
  }
  let count = 0;
  let sent: Promise<void> = Promise.resolve();
  const server = createServer((asked, response) => {
    const abort = new AbortController();
    response.on("close", () => abort.abort());
    const answer = { code: 200, contentType: "application/json", parts: parts(count) };
    sent = sendParts(asked, response, answer, abort.signal);
    sent.catch(() => {});
  });
  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => server.close());

  const get = async (headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const bound = server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    const asked = request({ port: bound.port, host: "127.0.0.1", headers, agent: false }).end();
    const [answer] = await once(asked, "response");
    return answer;
  };
  const read = async (answer: IncomingMessage) => {
    const pieces: Buffer[] = [];
    for await (const piece of answer) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  it("a short one goes whole, with its length", async () => {
    count = 3;
    const answer = await get();
    assert.equal(answer.headers["content-length"], "30000");
    assert.equal((await read(answer)).length, 30_000);
  });

  it("a long one comes whole, compressed for those who can read that", async () => {
    count = 500;
    assert.equal((await read(await get())).length, 5_000_000);
    const packed = await get({ "accept-encoding": "gzip" });
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.equal(gunzipSync(await read(packed)).length, 5_000_000);
  });

  it("is made no faster than its reader reads, and no further once he has gone", async () => {
    count = 100_000;
    const answer = await get();
    answer.once("data", () => answer.pause());
    await new Promise((resolve) => answer.once("pause", resolve));
    answer.destroy();
    await assert.rejects(sent);
    assert.ok(made < count / 2, `${made} parts of ${count} were made`);
  });
});

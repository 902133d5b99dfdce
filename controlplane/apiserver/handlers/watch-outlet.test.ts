import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { chunked } from "./watch-framing.ts";
import { outletOf } from "./watch-outlet.ts";

const frames = ["{}\n", `${"ü".repeat(3000)}\n`].map((frame) => Buffer.from(frame));
const told = frames.join("");

describe("where a watch's frames go", () => {
  it("is the connection itself where the answer is in HTTP/1.1's chunks: all get the same bytes, in one piece", async () => {
    const shared = frames.map(chunked.wrap);
    const bodies = await answered(["1.1", "1.1"], (response) => {
      const outlet = outletOf(response);
      assert.equal(outlet.framing, chunked);
      const { socket } = response;
      assert.ok(socket);
      const { write } = socket;
      const pieces: unknown[] = [];
      socket.write = ((...given: Parameters<typeof write>) => {
        pieces.push(given[0]);
        return write.apply(socket, given);
      }) as typeof write;
      for (const frame of shared) outlet.write(frame);
      socket.write = write;
      assert.ok(pieces.every((piece, at) => piece === shared[at]) && pieces.length === shared.length);
      outlet.end();
    });
    assert.deepEqual(bodies, [told, told]);
  });

  it("is the answer where there are no chunks: HTTP/1.0 ends with the connection", async () => {
    const bodies = await answered(["1.0"], (response) => write(response));
    assert.deepEqual(bodies, [told]);
  });

  it("is the answer as long as another one's end is waited for on the connection", async () => {
    const server = createServer();
    const socket = await connected(server);
    const responses: ServerResponse[] = [];
    const both = new Promise<void>((resolve) => {
      server.on("request", (_, response) => {
        responses.push(response);
        if (responses.length === 2) resolve();
      });
    });
    socket.write(`${head("1.1", "keep-alive")}${head("1.1", "close")}`);
    await both;
    const [first, second] = responses;
    assert.ok(first && second);
    second.writeHead(200).flushHeaders();
    write(second);
    first.end("first");
    const all = await text(socket);
    assert.ok(all.indexOf("first") < all.indexOf(told.slice(0, 2)) && unchunked(all) === told);
    server.close();
  });

  it("ends with what it is given, whatever has been written", async () => {
    const bodies = await answered(["1.1", "1.0"], (response) => {
      const outlet = outletOf(response);
      const [first, last] = frames.map((frame) => outlet.framing.wrap(frame));
      assert.ok(first);
      outlet.write(first);
      outlet.end(last);
    });
    assert.deepEqual(bodies, [told, told]);
  });

  it("takes nothing for a client that is gone, and says so", async () => {
    const server = createServer();
    const socket = await connected(server);
    socket.on("error", () => {});
    socket.write(head("1.1", "close"));
    const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
    response.writeHead(200).flushHeaders();
    const outlet = outletOf(response);
    const closed = once(response, "close");
    socket.destroy();
    await closed;
    assert.equal(outlet.write(outlet.framing.wrap(Buffer.from("{}\n"))), false);
    assert.equal(outlet.isClosed, true);
    outlet.end();
    server.close();
  });

  it("counts a frame by its own length, framed or not", () => {
    for (const frame of [...frames, Buffer.alloc(0), Buffer.alloc(16)])
      assert.equal(chunked.frameBytes(chunked.wrap(frame)), frame.length);
  });
});

function write(response: ServerResponse): void {
  const outlet = outletOf(response);
  for (const frame of frames) outlet.write(outlet.framing.wrap(frame));
  outlet.end();
}

const head = (version: string, connection: string) =>
  `GET / HTTP/${version}\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;

async function connected(server: ReturnType<typeof createServer>): Promise<Socket> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  return connect(bound.port, "127.0.0.1");
}

/** What a client reads of an answer in each version, without chunks. */
async function answered(
  versions: readonly string[],
  answer: (response: ServerResponse) => void,
): Promise<string[]> {
  const bodies: string[] = [];
  for (const version of versions) {
    const server = createServer((_, response) => {
      response.writeHead(200);
      response.flushHeaders();
      answer(response);
    });
    const socket = await connected(server);
    socket.write(head(version, "close"));
    bodies.push(unchunked(await text(socket)));
    server.close();
  }
  return bodies;
}

/** The body of the last answer. */
function unchunked(all: string): string {
  const from = all.lastIndexOf("HTTP/1.1 200");
  const end = all.indexOf("\r\n\r\n", from);
  const body = Buffer.from(all.slice(end + 4));
  if (!/transfer-encoding: chunked/i.test(all.slice(from, end))) return body.toString();
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    assert.ok(size >= 0, "a chunk's length");
    if (size === 0) return Buffer.concat(parts).toString();
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    assert.equal(body.toString("latin1", lineEnd + 2 + size, lineEnd + 4 + size), "\r\n");
    at = lineEnd + 4 + size;
  }
}

import { strict as assert } from "node:assert";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import type { Container } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { runProbe } from "./run-probe.ts";

/** An answer of the health protocol, in its frame. */
const framed = (status: number) => Buffer.from([0, 0, 0, 0, 2, 8, status]);

describe("a grpc probe", () => {
  let server: Http2Server | Server | undefined;
  const open = async <T extends Http2Server | Server>(one: T): Promise<number> => {
    server = one;
    await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", () => resolve()));
    return (one.address() as AddressInfo).port;
  };
  afterEach(() => void server?.close());

  const asked: { path: string; body: string }[] = [];
  const serving = (answer: (stream: ServerHttp2Stream) => void) => {
    const one = createServer();
    asked.length = 0;
    one.on("stream", (stream, headers) => {
      const parts: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        asked.push({ path: String(headers[":path"]), body: Buffer.concat(parts).toString("hex") });
        answer(stream);
      });
    });
    return open(one);
  };
  const answering = (body: Buffer | undefined, trailers: Record<string, string>) =>
    serving((stream) => {
      if (body === undefined) {
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", ...trailers },
          { endStream: true },
        );
        return;
      }
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end(body);
    });
  const probe = (grpc: { port: number; service?: string }, timeoutMs = 100_000) => {
    const target = { containerId: "id", container: { name: "c" } as Container, podIp: "127.0.0.1" };
    return runProbe({ grpc }, target, { timeoutMs }, {} as Runtime);
  };

  it("succeeds where the service says that it serves", async () => {
    const port = await answering(framed(1), { "grpc-status": "0" });
    assert.deepEqual(await probe({ port, service: "db" }), { ok: true, message: "service healthy" });
    assert.deepEqual(asked, [{ path: "/grpc.health.v1.Health/Check", body: "00000000040a026462" }]);
  });

  it("fails where it says anything else", async () => {
    const port = await answering(framed(2), { "grpc-status": "0" });
    const message = 'service unhealthy (responded with "NOT_SERVING")';
    assert.deepEqual(await probe({ port }), { ok: false, message });
    assert.deepEqual(asked[0]?.body, "0000000000");
  });

  it("names a server that does not know the protocol", async () => {
    const port = await answering(undefined, { "grpc-status": "12", "grpc-message": "unknown service" });
    const message =
      "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service";
    assert.deepEqual(await probe({ port }), { ok: false, message });
  });

  it("fails with the status that it is given", async () => {
    const port = await answering(undefined, { "grpc-status": "5", "grpc-message": "unknown" });
    const message = "error: health rpc probe failed: rpc error: code = 5 desc = unknown";
    assert.deepEqual(await probe({ port }), { ok: false, message });
  });

  it("fails in time where no answer comes", async () => {
    const port = await serving(() => undefined);
    const message = "timeout: health rpc did not complete within 3s";
    assert.deepEqual(await probe({ port }, 3_000), { ok: false, message });
  });

  it("fails in time where nobody speaks HTTP/2", async () => {
    const port = await open(createTcpServer((socket) => socket.on("error", () => undefined).resume()));
    const { ok, message } = await probe({ port }, 300);
    assert.equal(ok, false);
    assert.match(message, /^timeout: failed to connect service "127\.0\.0\.1:\d+" within 0\.3s/);
  });

  it("fails where nobody listens", async () => {
    const port = await open(createTcpServer());
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    const { ok, message } = await probe({ port });
    assert.equal(ok, false);
    assert.match(message, /^error: failed to connect service at "127\.0\.0\.1:\d+": .*ECONNREFUSED/);
  });
});

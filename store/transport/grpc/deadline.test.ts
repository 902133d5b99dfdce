import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { grpcStatus } from "../../../base/grpc/status.ts";
import type { Call } from "../../rpc/handler.ts";
import { type Served, serve } from "../fixtures/serve.ts";
import { lateAnswerMs, parseTimeoutMs } from "./timeout.ts";

/** A gRPC message without content. */
const emptyMessage = Buffer.alloc(5);

describe("a call's deadline", () => {
  let served: Served;
  let session: ClientHttp2Session;
  let seen: Call[] = [];
  before(async () => {
    served = await serve({
      unary: {
        "/test.Test/Never": (_request, call) => {
          seen.push(call);
          return new Promise(() => undefined);
        },
      },
      streams: {
        "/test.Test/Stream": () => ({
          message: () => undefined,
          halfClose: () => undefined,
          drained: () => undefined,
          closed: () => undefined,
        }),
      },
    });
    session = connect(`http://127.0.0.1:${served.port}`);
  });
  after(async () => {
    session.close();
    await served.stop();
  });
  beforeEach(() => {
    seen = [];
  });

  /** Calls with this `grpc-timeout`; when and with what the server ended it. */
  const ended = (path: string, timeout: string) =>
    new Promise<{ readonly afterMs: number; readonly status: unknown }>((resolve, reject) => {
      const headers = { "content-type": "application/grpc", te: "trailers", "grpc-timeout": timeout };
      const startMs = performance.now();
      const request = session.request({ ":method": "POST", ":path": path, ...headers });
      let status: unknown;
      const answer = (answered: Record<string, unknown>) => {
        status ??= answered["grpc-status"];
      };
      request.on("response", answer);
      request.on("trailers", answer);
      request.on("error", reject);
      request.on("close", () => resolve({ afterMs: performance.now() - startMs, status }));
      request.resume();
      request.end(emptyMessage);
    });

  for (const path of ["/test.Test/Never", "/test.Test/Stream"])
    it(`is never answered before it passed by the client's clock: ${path}`, async () => {
      const timeouts = [
        "1n",
        "100u",
        "900u",
        "999u",
        "1001u",
        "1500u",
        "1999u",
        "2m",
        "10999u",
        "20m",
        "30100u",
      ];
      for (let round = 0; round < 5; round++)
        for (const { timeout, outcome } of await Promise.all(
          timeouts.map(async (timeout) => ({ timeout, outcome: await ended(path, timeout) })),
        )) {
          const timeoutMs = parseTimeoutMs(timeout) ?? 0;
          assert.equal(outcome.status, String(grpcStatus.DEADLINE_EXCEEDED), timeout);
          assert.ok(outcome.afterMs > timeoutMs + 20, `${timeout}: answered after ${outcome.afterMs} ms`);
        }
    });

  it("is told to the handler, whose signal aborts when the client has gone", async () => {
    const headers = { "content-type": "application/grpc", te: "trailers", "grpc-timeout": "1H" };
    const request = session.request({ ":method": "POST", ":path": "/test.Test/Never", ...headers });
    request.on("error", () => undefined);
    request.end(emptyMessage);
    while (seen.length === 0) await new Promise(setImmediate);
    const { deadlineMs = 0, signal } = seen[0] as Call;
    assert.ok(Math.abs(deadlineMs - performance.now() - 3_600_000) < 60_000);
    const aborted = new Promise((resolve) => signal?.addEventListener("abort", resolve));
    assert.equal(signal?.aborted, false);
    request.close(8 /* CANCEL */);
    await aborted;
  });

  it("is answered later the longer it is, as clocks run apart", () => {
    assert.ok(lateAnswerMs(3_600_000) >= 3_600_000 + 3_600);
    assert.ok(lateAnswerMs(0.9) >= 50);
  });

  it("is read in every unit, and refused when malformed", async () => {
    const read = ["1H", "2M", "3S", "4m", "500u", "1n", "99999999S"].map(parseTimeoutMs);
    assert.deepEqual(read, [3_600_000, 120_000, 3_000, 4, 0.5, 1e-6, 99_999_999_000]);
    for (const wrong of ["", "1", "S", "1x", "123456789S", "-1S", "1.5S", " 1S"])
      assert.equal(parseTimeoutMs(wrong), undefined, wrong);
    assert.equal((await ended("/test.Test/Never", "soon")).status, String(grpcStatus.INTERNAL));
  });
});

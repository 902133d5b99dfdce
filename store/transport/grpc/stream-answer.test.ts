import assert from "node:assert/strict";
import { MessageReader, prefixBytes } from "../../../base/grpc/message-reader.ts";
import { frameTypes, uint32 } from "../../../base/http2/frames.ts";
import {
  call,
  grpcData,
  isType,
  RawClient,
  request,
  windowUpdate,
} from "../../../base/http2/testing/raw-client.ts";
import type { Outgoing } from "../../rpc/handler.ts";
import { serve } from "../fixtures/serve.ts";

const path = "/test.Test/Stream";
const nothing = new Uint8Array(0);
const initialWindow = (bytes: number) => Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]);
const sizes = [0, 1, 12, 13, 4_090, 4_096, 16_370, 16_384, 40_000] as const;
const pairs = sizes.flatMap((head) => sizes.map((rest) => [head, rest] as const));

describe("messages of two parts", () => {
  for (const [title, windowBytes] of [
    ["a window that takes them all", 1 << 24],
    ["a window that is opened bit by bit", 6_000],
  ] as const)
    it(`arrive as one message each, through ${title}`, async () => {
      let out: Outgoing | undefined;
      const handler = (given: Outgoing) => {
        out = given;
        return {
          message: () => {
            for (const [at, [head, rest]] of pairs.entries()) sendPair(given, at, head, rest);
          },
          halfClose: () => undefined,
          drained: () => undefined,
          closed: () => undefined,
        };
      };
      const served = await serve({ streams: { [path]: handler } });
      const client = new RawClient(served.port);
      try {
        client.begin(initialWindow(windowBytes));
        client.send(windowUpdate(0, 1 << 24));
        client.send(request(1, call(path), { end: false }), grpcData(1, nothing, false));
        const reader = new MessageReader({ bytesMost: 1 << 20, encoding: "identity" });
        const messages: Uint8Array[] = [];
        while (messages.length < pairs.length) {
          const { payload } = await client.next(isType(frameTypes.DATA, 1));
          client.send(windowUpdate(1, payload.length));
          reader.push(payload);
          for (let one = reader.next(); one !== undefined; one = reader.next()) messages.push(one);
        }
        for (const [at, [head, rest]] of pairs.entries())
          assert.ok(
            Buffer.concat(parts(at, head, rest)).equals(messages[at] as Uint8Array),
            `${head} + ${rest}`,
          );
      } finally {
        out?.end();
        client.socket.destroy();
        await served.stop();
      }
    });

  it("are one frame where they fit one, and leave together", async () => {
    const handler = (out: Outgoing) => ({
      message: () => {
        for (let i = 0; i < 3; i++) sendPair(out, i, 30, 300);
      },
      halfClose: () => undefined,
      drained: () => undefined,
      closed: () => undefined,
    });
    const served = await serve({ streams: { [path]: handler } });
    const client = new RawClient(served.port);
    client.begin();
    client.send(request(1, call(path), { end: false }), grpcData(1, nothing, false));
    for (let i = 0; i < 3; i++) {
      const { payload } = await client.next(isType(frameTypes.DATA, 1));
      assert.ok(Buffer.concat(parts(i, 30, 300)).equals(payload.subarray(prefixBytes)));
    }
    client.socket.destroy();
    await served.stop();
  });
});

function sendPair(out: Outgoing, at: number, headBytes: number, restBytes: number): void {
  const [head, rest] = parts(at, headBytes, restBytes);
  out.sendParts(head, rest);
}

const parts = (at: number, head: number, rest: number) =>
  [Buffer.alloc(head, 2 * at), Buffer.alloc(rest, 2 * at + 1)] as const;

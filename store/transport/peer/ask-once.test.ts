import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { ManualClock } from "../../driver/fixtures/rig.ts";
import { askOnce } from "./ask-once.ts";
import { dialLimits } from "./dial.ts";
import { FrameReader, frame, frameKinds, smallFrameBytesMax } from "./frame.ts";

const nothing = new Uint8Array(0);

describe("a question on a connection of its own", () => {
  let server: Server;
  let clock: ManualClock;
  const sockets = new Set<Socket>();
  /** What the member does with each frame that it gets. */
  let take: (socket: Socket, kind: number) => void;

  beforeEach(async () => {
    clock = new ManualClock();
    server = createServer((socket) => {
      sockets.add(socket);
      const reader = new FrameReader(smallFrameBytesMax);
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        for (const { kind } of reader.push(bytes)) take(socket, kind);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = (withinMs?: number) => {
    const { port } = server.address() as { port: number };
    const options = {
      clusterId: 1n,
      from: 2n,
      to: 3n,
      purpose: "messages",
      serverVersion: "t",
      peerUrls: [],
      tls: undefined,
      clock,
    } as const;
    const question = { kind: "hashKv", id: 5n, ...(withinMs !== undefined && { withinMs }) };
    return askOnce(`http://127.0.0.1:${port}`, options, question);
  };

  for (const [withinMs, limitMs] of [
    [undefined, 3_000],
    [20_000, 20_000],
  ] as const)
    it(`has its time (${limitMs} ms) though other frames keep coming`, async () => {
      take = (socket, kind) => {
        if (kind === frameKinds.hello) socket.write(frame(frameKinds.welcome, nothing));
        if (kind !== frameKinds.question) return;
        socket.write(frame(frameKinds.pong, nothing));
        clock.jump(limitMs - 1);
        socket.write(frame(frameKinds.pong, nothing));
        setImmediate(() => clock.jump(1));
      };
      await assert.rejects(ask(withinMs), /no answer from http/);
    });

  it("ends where the member never finishes its welcome", async () => {
    take = (socket) => {
      const welcome = frame(frameKinds.welcome, nothing);
      socket.write(welcome.subarray(0, 1));
      clock.jump(dialLimits.dialWithinMs - 1);
      socket.write(welcome.subarray(1, 2));
      setImmediate(() => clock.jump(1));
    };
    await assert.rejects(ask(20_000), /no answer from http/);
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { deferred } from "../../base/deferred.ts";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import type { Runtime, RuntimeContainer } from "../runtime/seam.ts";
import { attachSession } from "./attach.ts";
import { channelProtocols } from "./channel-protocol.ts";
import { serveSession } from "./remote-command.ts";
import { serveSpdyCommand } from "./spdy-command.ts";
import { spdyPair } from "./testing/spdy-client.ts";

const pieceBytes = 64 * 1024;
/** What the buffers of a connection, its ends in this process included, may hold at the most. */
const heldBytesMax = 24 * 1024 * 1024;

/** A process that says more than anybody holds, as fast as it is read, until it is killed. */
function endless() {
  let saidBytes = 0;
  const exited = deferred<number>();
  const piece = Buffer.alloc(pieceBytes, "x");
  const stdout = new Readable({
    read() {
      // A turn later, as of a pipe: else what reads all at once would never end.
      setImmediate(() => {
        saidBytes += pieceBytes;
        this.push(saidBytes > 4 * heldBytesMax ? null : piece);
      });
    },
  });
  const session = {
    stdin: new PassThrough(),
    stdout,
    stderr: undefined,
    resize: () => undefined,
    exited: exited.promise,
    kill: () => exited.resolve(137),
  };
  return { session, heldUp: () => heldUp(() => saidBytes) };
}

/** Resolves when a count of bytes rises no more, or has become far too large. */
async function heldUp(bytesNow: () => number): Promise<number> {
  let before = -1;
  for (let turns = 0; turns < 1000 && before < 2 * heldBytesMax; turns++) {
    if (bytesNow() !== before) turns = 0;
    before = bytesNow();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return before;
}

/** A clock whose timers go off by hand. */
function handClock(): Clock & { readonly timers: Set<() => void> } {
  const timers = new Set<() => void>();
  const after = (_delayMs: number, fire: () => void) => {
    timers.add(fire);
    return () => timers.delete(fire);
  };
  return { monotonicMs: () => 0, wallMs: () => 0, after, timers };
}

describe("sessions whose client does not read", () => {
  const wanted = { stdin: true, stdout: true, stderr: false, tty: false };

  for (const name of ["v5.channel.k8s.io", "v4.base64.channel.k8s.io"])
    it(`hold up the process, and end some time after it, in ${name}`, async () => {
      const protocol = channelProtocols.find((one) => one.name === name);
      assert.ok(protocol);
      const ran = endless();
      const clock = handClock();
      const served = deferred<void>();
      const server = createServer();
      const sockets = new WebSocketServer({ noServer: true });
      server.on("upgrade", (request, socket, head) =>
        sockets.handleUpgrade(request, socket, head, (one) => {
          serveSession({ socket: one, protocol }, ran.session, wanted, clock).then(
            served.resolve,
            served.reject,
          );
        }),
      );
      await once(server.listen(0, "127.0.0.1"), "listening");
      const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
      client.on("error", () => undefined);
      await once(client, "open");
      client.pause();
      assert.ok((await ran.heldUp()) < heldBytesMax);
      assert.equal(clock.timers.size, 0, "a process that runs may be held up as long as anybody likes");
      ran.session.kill();
      while (clock.timers.size === 0) await new Promise((resolve) => setImmediate(resolve));
      for (const fire of clock.timers) fire();
      await served.promise;
      client.terminate();
      server.close();
    });

  it("hold up the process in SPDY", async () => {
    const { near, client } = await spdyPair();
    const ran = endless();
    const served = serveSpdyCommand(near, {
      protocol: "v4.channel.k8s.io",
      wanted,
      clock: systemClock,
      start: async () => ran.session,
    });
    for (const [at, streamtype] of ["error", "stdin", "stdout"].entries())
      client.open(at * 2 + 1, { streamtype });
    await client.until(() => client.said(5).length > 0);
    client.socket.pause();
    assert.ok((await ran.heldUp()) < heldBytesMax);
    client.socket.destroy();
    await served;
  });

  it("read no more of a container's log than they hand on, where they are attached to it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-unread-"));
    const logPath = join(folder, "0.log");
    const line = `2026-01-01T00:00:00Z stdout F ${"x".repeat(1000)}\n`;
    await writeFile(logPath, line.repeat(16 * 1024));
    const container = { id: "c", state: { phase: "exited", exitCode: 3 } } as RuntimeContainer;
    const runtime = {
      attach: async () => ({
        logPath,
        stdin: undefined,
        closeStdin: () => undefined,
        resize: () => undefined,
      }),
      containerStatus: () => container,
      subscribe: () => () => undefined,
    } as unknown as Runtime;
    const { stdout, exited, kill } = await attachSession(runtime, container, false, false);
    const output = stdout as PassThrough;
    await once(output, "readable");
    assert.ok((await heldUp(() => output.readableLength + output.writableLength)) < pieceBytes * 2);
    let bytes = 0;
    for await (const piece of output) bytes += (piece as Buffer).length;
    assert.deepEqual([bytes, await exited], [16 * 1024 * 1001, 3]);
    kill();
    await rm(folder, { recursive: true });
  });
});

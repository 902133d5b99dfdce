import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { message } from "../../raft/message.ts";
import { acceptPeer, type IncomingHandlers, incomingLimits } from "./incoming-link.ts";
import { encodeMessage } from "./message-codec.ts";
import { sendSnapshot } from "./snapshot-sender.ts";

const snapshotSilenceMs = 400;
const pieceBytes = 300_000;
const meta = { index: 5, term: 1, conf: { voters: [1n, 2n], learners: [] } };
const said = { ...message(1n, { type: "snapshot", to: 2n, term: 1 }), snapshot: meta };

describe("a snapshot that comes in", () => {
  /** Member 1 sends member 2 so many pieces, and perhaps no end. */
  const sent = async (
    onSnapshot: (chunks: AsyncIterable<Uint8Array>, silent: Promise<unknown>) => Promise<void>,
    pieces: AsyncIterable<Uint8Array>,
  ) => {
    const none = () => assert.fail("nothing else is asked");
    const accept = (socket: Socket) => {
      const handlers: IncomingHandlers = {
        onMessage: none,
        // The socket has been silent for as long as is borne, and again for as long.
        onSnapshot: (_message, chunks) =>
          onSnapshot(
            chunks,
            new Promise((resolve) => void systemClock.after(4 * snapshotSilenceMs, () => resolve(0))),
          ),
        onQuestion: none,
        isRemoved: () => false,
        onHello: () => undefined,
        onReceived: () => undefined,
        onReceiveFailure: () => undefined,
      };
      acceptPeer(socket, { clusterId: 7n, memberId: 2n }, handlers, silentLog, {
        ...incomingLimits,
        snapshotSilenceMs,
      });
    };
    const server = createServer(accept).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const options = { clusterId: 7n, from: 1n, to: 2n, serverVersion: "t", peerUrls: [], tls: undefined };
    try {
      await sendSnapshot(
        [`http://127.0.0.1:${port}`],
        { ...options, clock: systemClock },
        encodeMessage(said),
        pieces,
        { onSent: () => undefined },
      );
    } finally {
      server.close();
    }
  };
  const pieces = async function* (count: number) {
    for (let i = 0; i < count; i++) yield Buffer.alloc(pieceBytes);
  };

  it("may take long to install after all of it has come", async () => {
    await sent(async (chunks, silent) => {
      for await (const _ of chunks);
      await silent;
    }, pieces(3));
  });

  it("may wait for long while this member itself does not read on", async () => {
    let got = 0;
    await sent(async (chunks, silent) => {
      await silent;
      for await (const { length } of chunks) got += length;
    }, pieces(100));
    assert.equal(got, 100 * pieceBytes);
  });

  it("has failed when nothing more comes of it", async () => {
    const stuck = async function* () {
      yield Buffer.alloc(pieceBytes);
      await new Promise(() => undefined);
    };
    const ended = new Promise<unknown>((resolve) => {
      void sent(async (chunks) => {
        try {
          for await (const _ of chunks);
        } catch (error) {
          resolve(error);
          throw error;
        }
      }, stuck()).catch(() => undefined);
    });
    assert.match(String(await ended), /closed the connection/);
  });
});

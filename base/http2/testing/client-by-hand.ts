import { ManualClock, settle } from "../../../client/testing/manual-clock.ts";
import { ClientConnection, type ClientLimits } from "../client-connection.ts";
import type { ClientStream, StreamLoss } from "../client-stream.ts";
import { duplexPair } from "../duplex-pair.ts";
import type { Header } from "../header.ts";
import { headerBlock } from "../header-block.ts";
import { RawServer } from "./raw-client.ts";

const limits: ClientLimits = {
  streamWindowBytes: 65_535,
  connectionWindowBytes: 65_535,
  headerListBytesMost: 16 * 1024,
  requestsMost: 1_000,
  silence: { silentMostMs: 10_000, answerWithinMs: 5_000 },
};

/** What became of a request. */
export interface Asked {
  readonly stream: ClientStream;
  readonly blocks: (readonly Header[])[];
  body: string;
  end: "open" | "whole" | StreamLoss;
}

/** A client within the process and a server by hand at the other end of its connection. */
export class ClientByHand {
  readonly server: RawServer;
  readonly connection: ClientConnection;
  isReady = false;
  readonly leaving: string[] = [];

  constructor() {
    const [ours, theirs] = duplexPair();
    this.server = new RawServer(theirs);
    this.connection = new ClientConnection(ours, {
      limits,
      clock: new ManualClock(),
      onReady: () => {
        this.isReady = true;
      },
      onLeaving: (reason) => void this.leaving.push(reason),
    });
  }

  /** The server's SETTINGS are said, and taken. */
  async begin(settings?: Uint8Array): Promise<void> {
    this.server.begin(settings);
    while (!this.isReady) await settle();
  }

  ask(body?: Uint8Array): Asked {
    const head = [
      { name: ":method", value: "POST" },
      { name: ":scheme", value: "http" },
      { name: ":path", value: "/" },
      { name: ":authority", value: "test" },
    ];
    const blocks: (readonly Header[])[] = [];
    let asked: Asked | undefined;
    const stream = this.connection.request(headerBlock(head), {
      headers: (headers) => void blocks.push(headers),
      data: (bytes) => {
        if (asked === undefined) return;
        asked.body += bytes.toString("latin1");
        asked.stream.consumed(bytes.length);
      },
      end: () => {
        if (asked !== undefined) asked.end = "whole";
      },
      gone: (loss) => {
        if (asked !== undefined) asked.end = loss;
      },
    });
    asked = { stream, blocks, body: "", end: "open" };
    stream.finish(body);
    return asked;
  }

  stop(): void {
    this.connection.close("the test is over");
    this.server.socket.destroy();
  }
}

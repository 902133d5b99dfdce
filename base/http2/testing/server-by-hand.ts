import type { Clock } from "../../os/clock.ts";
import { systemClock } from "../../os/clock.ts";
import { silentLog } from "../../os/log.ts";
import { duplexPair } from "../duplex-pair.ts";
import { frame, frameTypes } from "../frames.ts";
import type { Header } from "../header.ts";
import { headerBlock } from "../header-block.ts";
import { Http2Server } from "../http2-server.ts";
import type { Http2Limits } from "../limits.ts";
import type { Http2Stream } from "../stream.ts";
import { isType, RawClient, type RawFrame } from "./raw-client.ts";

/** A request as the server's application saw it. */
export interface SeenRequest {
  readonly stream: Http2Stream;
  readonly headers: readonly Header[];
  body: string;
  end: "open" | "whole" | "gone";
}

const limits: Http2Limits = {
  streamsMost: 10,
  streamWindowBytes: 65_535,
  connectionWindowBytes: 65_535,
  headerListBytesMost: 16 * 1024,
};
const okBlock = headerBlock([{ name: ":status", value: "200" }]);
const endBlock = headerBlock([{ name: "x-end", value: "1" }]);

/** A server within the process and a client by hand at the other end of its connection. The path says how a request is answered:
 *  `/` with its own body once that is whole, `/whole` likewise and,
 *  if it may leave, in one go with trailers, `/large` with 100,000 bytes at once, `/early` with nothing at once, `/hold` and
 *  `/stuck` never; the body of `/stuck` is left unread. */
export class ServerByHand {
  readonly client: RawClient;
  readonly requests: SeenRequest[] = [];
  readonly server: Http2Server;
  #asked = 0;

  constructor(
    options: {
      readonly limits?: Partial<Http2Limits>;
      readonly clock?: Pick<Clock, "monotonicMs" | "after">;
    } = {},
  ) {
    this.server = new Http2Server({
      limits: { ...limits, ...options.limits },
      clock: options.clock ?? systemClock,
      log: silentLog,
      route: (headers) => (stream) => this.#serve(stream, headers),
    });
    this.client = this.connect();
  }

  /** One more client. */
  connect(): RawClient {
    const [ours, theirs] = duplexPair();
    this.server.accept(ours);
    const client = new RawClient(theirs);
    theirs.on("end", () => theirs.end());
    return client;
  }

  /** All frames that came until the server had dealt with what it was sent until now. */
  async settled(client = this.client): Promise<readonly RawFrame[]> {
    const payload = Buffer.alloc(8, 0x70 + (this.#asked++ % 10));
    client.send(frame(frameTypes.PING, 0, 0, payload));
    await client.next((seen) => isType(frameTypes.PING)(seen) && seen.payload.equals(payload));
    return client.frames.splice(0);
  }

  /** What the server says at the end of its connection, once that is closed. */
  async goneAway(client = this.client): Promise<{ readonly lastStreamId: number; readonly code: number }> {
    const { payload } = await client.next(isType(frameTypes.GOAWAY));
    await client.closed();
    return { lastStreamId: payload.readUInt32BE(0), code: payload.readUInt32BE(4) };
  }

  /** The code with which the server ended a stream. */
  async resetCode(streamId: number, client = this.client): Promise<number> {
    const { payload } = await client.next(isType(frameTypes.RST_STREAM, streamId));
    return payload.readUInt32BE(0);
  }

  async stop(): Promise<void> {
    this.client.socket.destroy();
    await this.server.stop();
  }

  #serve(stream: Http2Stream, headers: readonly Header[]) {
    const seen: SeenRequest = { stream, headers, body: "", end: "open" };
    this.requests.push(seen);
    const path = headers.find(({ name }) => name === ":path")?.value;
    if (path === "/early") stream.respondOnly(okBlock);
    if (path === "/large") {
      stream.respond(okBlock);
      stream.write(Buffer.alloc(100_000, 7));
      stream.finish();
    }
    return {
      data: (bytes: Buffer) => {
        seen.body += bytes.toString("latin1");
        if (path !== "/stuck") stream.consumed(bytes.length);
      },
      end: () => {
        seen.end = "whole";
        if (path === "/whole" && answerAtOnce(stream, Buffer.from(seen.body, "latin1"))) return;
        if (path !== "/" && path !== "/whole") return;
        stream.respond(okBlock);
        stream.write(Buffer.from(seen.body, "latin1"));
        stream.finish();
      },
      drained: () => undefined,
      gone: () => {
        seen.end = "gone";
      },
    };
  }
}

const answerAtOnce = (stream: Http2Stream, body: Buffer) =>
  stream.answer({ begin: okBlock, prefix: Buffer.alloc(0), body, end: endBlock });

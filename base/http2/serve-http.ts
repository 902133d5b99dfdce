import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { assert } from "../assert.ts";
import type { Clock } from "../os/clock.ts";
import type { Header } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import type { HttpResponse } from "./http-response.ts";
import { ServerRequest } from "./server-request.ts";
import { ServerResponse } from "./server-response.ts";
import type { Http2Stream, Route, StreamEvents } from "./stream.ts";

/** Answers a request, by whichever protocol it came. Resolves when nothing is done for it any more; never rejects. */
export type HttpHandler = (request: IncomingMessage, response: HttpResponse) => Promise<void>;

const goOn = headerBlock([{ name: ":status", value: "100" }]);

/** Serves streams by a handler that knows requests and answers as Node's servers of HTTP/1.1 have them. */
export function serveHttp(handler: HttpHandler, clock: Pick<Clock, "wallMs">): Route {
  const date = dates(clock);
  return (headers) => (stream) => {
    const { socket } = stream;
    assert(socket instanceof Socket, "HTTP is served on sockets");
    const exchange = new Exchange(stream, headers, { socket, date });
    stream.takeSlot();
    void handler(exchange.request, exchange.response).finally(() => stream.freeSlot());
    return exchange;
  };
}

class Exchange implements StreamEvents {
  readonly request: ServerRequest;
  readonly response: ServerResponse;

  constructor(
    stream: Http2Stream,
    headers: readonly Header[],
    { socket, date }: { readonly socket: Socket; readonly date: () => string },
  ) {
    this.request = new ServerRequest(stream, headers, socket);
    const { method = "GET" } = this.request;
    this.response = new ServerResponse(stream, {
      method,
      socket,
      date,
      goAway: () => stream.endConnection(),
    });
    // The handler may answer before it returns.
    stream.events = this;
    if (this.request.headers.expect?.toLowerCase() === "100-continue") stream.respond(goOn);
  }

  data(bytes: Buffer): void {
    this.request.arrive(bytes);
  }

  end(): void {
    this.request.arriveEnd();
  }

  drained(): void {
    this.response.drained();
  }

  sent(): void {
    this.response.sent();
    // Nobody has to send the rest of a request that is answered.
    this.request.abort();
  }

  gone(): void {
    this.request.abort();
    this.response.destroy();
  }
}

/** The time as HTTP writes it, made once a second. */
function dates(clock: Pick<Clock, "wallMs">): () => string {
  let second = Number.NaN;
  let text = "";
  return () => {
    const now = Math.floor(clock.wallMs() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}

import type { createServer } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Log } from "../../base/os/log.ts";
import { acceptMended } from "./mend-authority.ts";

/** What an HTTP/2 connection begins with (RFC 9113, section 3.4); four bytes tell it from any HTTP/1.1 method. */
const prefaceStart = "PRI ";
/** A connection that sends nothing for so long is closed. */
const firstBytesWithinMs = 10_000;

export interface Protocols {
  /** Takes over a connection that speaks HTTP/2; absent where only HTTP/1.1 is served. */
  readonly http2?: (connection: Duplex) => void;
  readonly http1: ReturnType<typeof createServer>;
  readonly log: Log;
}

/** Hands a connection to HTTP/2 or HTTP/1.1 by its first bytes, which are put back. */
export function sortConnection(socket: Socket, protocols: Protocols): void {
  const onTimeout = () => socket.destroy();
  socket.setTimeout(firstBytesWithinMs, onTimeout);
  socket.on("error", (error) => protocols.log.debug("client connection failed", { error }));
  socket.once("readable", () => {
    const first: Buffer | null = socket.read();
    if (first === null) return; // closed before it said anything
    socket.setTimeout(0);
    socket.removeListener("timeout", onTimeout);
    socket.unshift(first);
    if (first.toString("latin1", 0, prefaceStart.length) !== prefaceStart)
      protocols.http1.emit("connection", socket);
    else if (protocols.http2 !== undefined) acceptMended(socket, protocols.http2);
    else socket.destroy();
  });
}

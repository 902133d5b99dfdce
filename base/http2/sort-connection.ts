import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Log } from "../os/log.ts";

/** What an HTTP/2 connection begins with (RFC 9113, section 3.4); four bytes tell it from any HTTP/1.1 method. */
const prefaceStart = Buffer.from("PRI ");
/** A connection that begins to say what it speaks, and does not go on within so long, is closed. One that says nothing stays, as
 *  with etcd: tonic's clients connect ahead, and begin with the first request. */
const restWithinMs = 10_000;

export interface Protocols {
  /** Takes over a connection that speaks HTTP/2. */
  readonly http2: (connection: Duplex) => void;
  readonly http1: (connection: Socket) => void;
  readonly log: Log;
  /** How long it may say nothing at all; absent: as long as it likes. */
  readonly silentMsMost?: number;
}

/** Hands a connection to HTTP/2 or HTTP/1.1: by what was agreed on with TLS, else by its first bytes, which are put back. */
export function sortConnection(socket: Socket, protocols: Protocols): void {
  if (socket instanceof TLSSocket && socket.alpnProtocol === "h2") {
    protocols.http2(socket);
    return;
  }
  const onTimeout = () => socket.destroy();
  const onError = (error: Error) => protocols.log.debug("client connection failed", { error });
  let first: Buffer = Buffer.alloc(0);
  const onReadable = () => {
    for (let more: Buffer | null = socket.read(); more !== null; more = socket.read())
      first = Buffer.concat([first, more]);
    const here = Math.min(first.length, prefaceStart.length);
    const isHttp2 = first.subarray(0, here).equals(prefaceStart.subarray(0, here));
    if (isHttp2 && here < prefaceStart.length) {
      if (here > 0) socket.setTimeout(restWithinMs);
      return; // not to be told yet
    }
    socket.setTimeout(0);
    socket.removeListener("timeout", onTimeout);
    socket.removeListener("readable", onReadable);
    socket.unshift(first);
    if (isHttp2) protocols.http2(socket);
    else protocols.http1(socket);
  };
  socket.on("error", onError);
  socket.on("timeout", onTimeout);
  if (protocols.silentMsMost !== undefined) socket.setTimeout(protocols.silentMsMost);
  socket.on("readable", onReadable);
}

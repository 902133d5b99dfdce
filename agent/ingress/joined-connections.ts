import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { lowerNames } from "./readable-answer.ts";
import { namedByConnection } from "./upstream-headers.ts";

/** Connections that speak another protocol from now on, as WebSocket's. */

interface End {
  readonly socket: Duplex;
  /** What came behind its head. */
  readonly first: Buffer;
}

/** Passes bytes both ways until either side ends, or neither says anything for so long. */
export function joinConnections(a: End, b: End, idleMs: number): void {
  const endBoth = () => {
    a.socket.destroy();
    b.socket.destroy();
  };
  for (const { socket } of [a, b]) {
    socket.on("error", endBoth);
    socket.on("close", endBoth);
    if (socket instanceof Socket) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
    }
  }
  if (b.socket instanceof Socket) b.socket.setTimeout(idleMs, endBoth);
  if (a.first.length > 0) b.socket.write(a.first);
  if (b.first.length > 0) a.socket.write(b.first);
  a.socket.pipe(b.socket);
  b.socket.pipe(a.socket);
}

/** The head of an answer that agrees to the protocol; undefined where it agrees to another one. */
export function switchingHead(
  { rawHeaders, headers }: IncomingMessage,
  protocol: string,
): string | undefined {
  if (headers.upgrade?.toLowerCase() !== protocol.toLowerCase()) return undefined;
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  const left = namedByConnection(lowerNames(rawHeaders));
  const ofConnection = new Set([
    "connection",
    "upgrade",
    "keep-alive",
    "transfer-encoding",
    "content-length",
  ]);
  const kept = pairs.filter(
    ([name]) => !ofConnection.has(name.toLowerCase()) && !left?.has(name.toLowerCase()),
  );
  const lines = ["HTTP/1.1 101 Switching Protocols", `Upgrade: ${protocol}`, "Connection: Upgrade"];
  return `${[...lines, ...kept.map(([name, value]) => `${name}: ${value}`)].join("\r\n")}\r\n\r\n`;
}

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/** Serves requests that wish for another protocol as if they did not: the head is read once more, without the wish, before what
 *  the client sent behind it. (Node lets go of the connection of whoever wishes for one.) */
export class WithoutUpgrade {
  readonly #server: Server;
  /** The last one of each connection. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();

  constructor(server: Server) {
    this.#server = server;
    server.prependListener("request", ({ socket }, response) => void this.#answers.set(socket, response));
  }

  serve(request: IncomingMessage, socket: TLSSocket, head: Buffer): void {
    const again = () => {
      if (socket.destroyed) return;
      // The server sets it anew once it has answered.
      socket.setTimeout(0);
      socket.unshift(Buffer.concat([Buffer.from(headText(request), "latin1"), head]));
      this.#server.emit("secureConnection", socket);
    };
    // Answers leave in the order of their requests.
    const before = this.#answers.get(socket);
    if (before === undefined || before.closed) again();
    else before.once("close", again);
  }
}

function headText({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    const isOfConnection = name.toLowerCase() === "connection";
    const kept = isOfConnection ? withoutToken(value, "upgrade") : value;
    if (name.toLowerCase() !== "upgrade" && !(isOfConnection && kept === "")) lines.push(`${name}: ${kept}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

const withoutToken = (list: string, token: string) =>
  list
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one.toLowerCase() !== token)
    .join(", ");

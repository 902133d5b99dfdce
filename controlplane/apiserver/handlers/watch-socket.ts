import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { ApiError } from "../api-error.ts";
import { mediaTypes } from "./negotiate.ts";
import type { UpgradeRequest } from "./pod-stream.ts";
import type { Watching } from "./watch.ts";
import { type Framing, socketBytes, socketText } from "./watch-framing.ts";
import type { WatchOutlet } from "./watch-outlet.ts";

/** Nothing is expected of a watcher but that it goes. */
const frameBytesMax = 4096;

const server = new WebSocketServer({
  noServer: true,
  maxPayload: frameBytesMax,
  perMessageDeflate: false,
  handleProtocols: ([only]) => only ?? false,
});

/** A watch in the messages of a WebSocket, one for each change: text for JSON, bytes for protobuf. Resolves when it is over. */
export async function serveWatchSocket(
  { request, socket, head }: UpgradeRequest,
  watching: Watching,
): Promise<void> {
  const client = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, socket, head, resolve),
  );
  client.on("error", () => client.terminate());
  const framing = watching.contentType === mediaTypes.json ? socketText : socketBytes;
  await watching.tell(new SocketOutlet(client, socket, framing));
}

/** Fails where the request is no handshake of a WebSocket for a watch, as golang.org/x/net does: pages of the web say where they
 *  come from, and one protocol may be named, which is then the one. */
export function checkHandshake({ headers }: IncomingMessage): void {
  if (!headers["sec-websocket-key"]) throw refused(400, "mismatch challenge/response");
  if (headers["sec-websocket-version"] !== "13") throw refused(400, "missing or bad WebSocket Version");
  if (!/^([a-z][a-z0-9+.-]*:|\/)/i.test(headers.origin ?? "")) throw refused(403, "");
  if (headers["sec-websocket-protocol"]?.includes(",")) throw refused(400, "");
}

const refused = (code: number, text: string) => new ApiError(code, "", text, undefined, {}, text);

class SocketOutlet implements WatchOutlet {
  readonly framing: Framing;
  readonly #client: WebSocket;
  readonly #socket: Duplex;

  constructor(client: WebSocket, socket: Duplex, framing: Framing) {
    this.#client = client;
    this.#socket = socket;
    this.framing = framing;
  }

  get isClosed(): boolean {
    return this.#client.readyState !== this.#client.OPEN;
  }

  write(framed: Buffer): boolean {
    return !this.isClosed && this.#socket.write(framed);
  }

  end(framed?: Buffer): void {
    if (framed !== undefined && framed.length > 0) this.write(framed);
    this.#client.close(1000);
  }

  onDrain(tell: () => void): () => void {
    this.#socket.on("drain", tell);
    return () => this.#socket.off("drain", tell);
  }

  onClose(tell: () => void): () => void {
    this.#client.on("close", tell);
    return () => this.#client.off("close", tell);
  }
}

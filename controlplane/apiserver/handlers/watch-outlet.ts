import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import { chunked, type Framing, unframed } from "./watch-framing.ts";

/** Where a watch's frames go: an answer whose head is sent. */
export interface WatchOutlet {
  /** What is written must be framed so. */
  readonly framing: Framing;
  readonly isClosed: boolean;
  /** False: the client has yet to read; `onDrain` tells when it has. */
  write(framed: Buffer): boolean;
  /** Ends the answer, after what is given. */
  end(framed?: Buffer): void;
  /** What is returned ends the telling. */
  onDrain(tell: () => void): () => void;
  /** The same of its end, whoever ends it. */
  onClose(tell: () => void): () => void;
}

/** Watchers of one event get the same chunks of HTTP/1.1, which go onto their connections in one piece each: node's answer would
 *  make four of every frame for every watcher. What has another protocol, no chunks (HTTP/1.0) or no connection yet, since an
 *  answer before it has not ended, is left to node. */
export function outletOf(response: HttpResponse): WatchOutlet {
  const socket = response instanceof ServerResponse && response.chunkedEncoding ? response.socket : null;
  return socket === null ? new AnswerOutlet(response) : new ConnectionOutlet(response, socket);
}

class AnswerOutlet implements WatchOutlet {
  readonly framing = unframed;
  readonly #response: HttpResponse;

  constructor(response: HttpResponse) {
    this.#response = response;
  }

  get isClosed(): boolean {
    return this.#response.destroyed;
  }

  write(framed: Buffer): boolean {
    return this.#response.write(framed);
  }

  end(framed?: Buffer): void {
    if (framed === undefined) this.#response.end();
    else this.#response.end(framed);
  }

  onDrain(tell: () => void): () => void {
    this.#response.on("drain", tell);
    return () => this.#response.off("drain", tell);
  }

  onClose(tell: () => void): () => void {
    return whenClosed(this.#response, tell);
  }
}

class ConnectionOutlet implements WatchOutlet {
  readonly framing = chunked;
  readonly #response: HttpResponse;
  readonly #socket: Socket;

  constructor(response: HttpResponse, socket: Socket) {
    this.#response = response;
    this.#socket = socket;
  }

  get isClosed(): boolean {
    return this.#response.destroyed;
  }

  write(framed: Buffer): boolean {
    // Whose client has hung up is closed soon.
    return this.#socket.writable && this.#socket.write(framed);
  }

  end(framed?: Buffer): void {
    if (framed !== undefined) this.write(framed);
    this.#response.end();
  }

  onDrain(tell: () => void): () => void {
    this.#socket.on("drain", tell);
    return () => this.#socket.off("drain", tell);
  }

  onClose(tell: () => void): () => void {
    return whenClosed(this.#response, tell);
  }
}

function whenClosed(response: HttpResponse, tell: () => void): () => void {
  response.on("close", tell);
  return () => response.off("close", tell);
}

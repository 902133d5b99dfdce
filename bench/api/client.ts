import { connect, type TLSSocket } from "node:tls";
import type { ApiAccess } from "./peers.ts";

export interface ClientAnswer {
  readonly code: number;
  readonly bodyBytes: number;
}

/** One kept connection with one request at a time, on the socket's bytes: the generator must cost less than what it measures.
 *  Bodies are counted and dropped. */
export class ApiClient {
  readonly #socket: TLSSocket;
  #text: Buffer = Buffer.alloc(0);
  #state: { readonly code: number; left: number; readonly isChunked: boolean; bodyBytes: number } | undefined;
  #resolve: ((answer: ClientAnswer) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", (error) => this.#reject?.(error));
    socket.on("close", () => this.#reject?.(new Error("the connection was closed")));
  }

  static open({ port, caPem: ca, certificatePem: cert, keyPem: key }: ApiAccess): Promise<ApiClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ca, cert, key, servername: "localhost" });
      socket.setNoDelay(true);
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        socket.off("error", reject);
        resolve(new ApiClient(socket));
      });
    });
  }

  call(request: Buffer): Promise<ClientAnswer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request);
    });
  }

  /** Sends a request whose answer does not end; `onBytes` gets what comes after its head. */
  stream(request: Buffer, onBytes: (bytes: Buffer) => void): void {
    this.#socket.removeAllListeners("data");
    this.#socket.on("data", onBytes);
    this.#socket.write(request);
  }

  close(): void {
    this.#reject = undefined;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#text = this.#text.length === 0 ? bytes : Buffer.concat([this.#text, bytes]);
    this.#state ??= this.#head();
    const state = this.#state;
    if (state === undefined || !(state.isChunked ? this.#chunks(state) : this.#plain(state))) return;
    this.#state = undefined;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.({ code: state.code, bodyBytes: state.bodyBytes });
  }

  #head() {
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.#text.toString("latin1", 0, end).toLowerCase();
    this.#text = this.#text.subarray(end + 4);
    return {
      code: Number(head.slice(9, 12)),
      left: Number(/\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0),
      isChunked: head.includes("\ntransfer-encoding: chunked"),
      bodyBytes: 0,
    };
  }

  #plain(state: { left: number; bodyBytes: number }): boolean {
    const taken = Math.min(state.left, this.#text.length);
    state.left -= taken;
    state.bodyBytes += taken;
    this.#text = this.#text.subarray(taken);
    return state.left === 0;
  }

  /** `left` is what is left of a chunk with the line's end after it. */
  #chunks(state: { left: number; bodyBytes: number }): boolean {
    for (;;) {
      if (state.left > 0) {
        const taken = Math.min(state.left, this.#text.length);
        state.left -= taken;
        this.#text = this.#text.subarray(taken);
        if (state.left > 0) return false;
      }
      const end = this.#text.indexOf("\r\n");
      if (end < 0) return false;
      const size = Number.parseInt(this.#text.toString("latin1", 0, end), 16);
      if (size === 0 && this.#text.length < end + 4) return false;
      this.#text = this.#text.subarray(size === 0 ? end + 4 : end + 2);
      if (size === 0) return true;
      state.bodyBytes += size;
      state.left = size + 2;
    }
  }
}

export function requestBytes(method: string, path: string, body?: object): Buffer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    "Accept: application/json",
    ...(body === undefined
      ? []
      : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(text)}`]),
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${text}`);
}

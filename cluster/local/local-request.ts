import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { RequestHeaders } from "../../client/http/request.ts";

export interface LocalRequestParts {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: RequestHeaders;
  readonly body: string | Uint8Array | undefined;
  /** One that is connected to nothing: handlers look at who is at the other end. */
  readonly socket: Socket;
}

/** A request that comes from this process, as Node's servers of HTTP/1.1 hand them out: all of it has arrived. */
export class LocalRequest extends IncomingMessage {
  constructor({ method, path, headers, body, socket }: LocalRequestParts) {
    super(socket);
    this.httpVersion = "1.1";
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
    this.method = method;
    this.url = path;
    this.headers.host = "localhost";
    for (const [name, value] of Object.entries(headers)) {
      const values = typeof value === "object" ? value.map(String) : [String(value)];
      for (const one of values) this.rawHeaders.push(name, one);
      this.headers[name.toLowerCase()] = values.join(", ");
    }
    // Whoever reads it may have left when its end is told.
    this.on("error", () => undefined);
    this.complete = true;
    if (body !== undefined) this.push(typeof body === "string" ? Buffer.from(body) : Buffer.from(body));
    this.push(null);
  }

  override _read(): void {}

  /** The socket serves all requests; Node's own would end with its request. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    process.nextTick(done, error);
  }
}

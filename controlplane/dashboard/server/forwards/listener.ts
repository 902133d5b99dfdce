import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { headText } from "../forward.ts";
import { cookieOf, forwardCookie, headersFromPod, headersToPod } from "./headers.ts";

/** The path of a link; no pod sees it. */
export const enterPath = "/.pintle/enter";

const triesMost = 5;

export interface ListenerOptions {
  /** Of the browser's address: a name of its own under `localhost`, which browsers lead to this machine. */
  readonly label: string;
  readonly scheme: "http" | "https";
}

/** What the listener asks whoever owns it. */
export interface ListenerOwner {
  /** The cookie's value for a code of a link, once. */
  redeem(code: string): string | undefined;
  isCookie(value: string): boolean;
  /** A connection to the pod's port. */
  connect(): Promise<Duplex>;
  /** Somebody asked for something. */
  used(): void;
}

/** A port of this machine that leads to a pod's. Its address is an origin of its own: what the pod says has nothing of the
 *  dashboard's. Only a browser that came by a link is answered. */
export class ForwardListener {
  readonly origin: string;
  readonly #host: string;
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Duplex>();
  readonly #options: ListenerOptions;
  readonly #owner: ListenerOwner;

  private constructor(
    servers: readonly Server[],
    port: number,
    options: ListenerOptions,
    owner: ListenerOwner,
  ) {
    this.#servers = servers;
    this.#options = options;
    this.#owner = owner;
    this.#host = `${options.label}.localhost:${port}`;
    this.origin = `http://${this.#host}`;
    for (const server of servers) {
      server.headersTimeout = 15_000;
      server.requestTimeout = 0;
      server.on("request", (request, response) => void this.#request(request, response));
      server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
      server.on("clientError", (_error, socket) => socket.destroy());
    }
  }

  /** Listens on both loopback addresses, so that nobody else gets what a browser sends to the other. */
  static async open(options: ListenerOptions, owner: ListenerOwner): Promise<ForwardListener> {
    for (let tries = 1; ; tries++) {
      const first = await listen("127.0.0.1", 0);
      const { port } = first.address() as AddressInfo;
      try {
        const second = await listen("::1", port);
        return new ForwardListener([first, second], port, options, owner);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT")
          return new ForwardListener([first], port, options, owner);
        first.close();
        if (tries >= triesMost) throw error;
      }
    }
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const socket of this.#sockets) socket.destroy();
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (code: number, text: string) =>
      response
        .writeHead(code, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" })
        .end(text);
    if (request.headers.host?.toLowerCase() !== this.#host)
      return void say(403, "This is another's address.\n");
    const [path, query] = (request.url ?? "/").split("?", 2);
    if (path === enterPath) return this.#enter(new URLSearchParams(query), request, response);
    if (!this.#isOurs(request))
      return void say(
        403,
        "Come by the button in Pintle's dashboard: this address is for the browser that did.\n",
      );
    this.#owner.used();
    try {
      const stream = await this.#connect();
      stream.on("error", () => undefined);
      // Whoever has left hears nothing any more.
      if (response.destroyed) return void stream.destroy();
      response.once("close", () => stream.destroy());
      const outgoing = httpRequest({
        createConnection: () => stream,
        method: request.method,
        path: request.url,
        headers: headersToPod(request.headers, false),
        setHost: false,
      });
      outgoing.once("response", (answer) => {
        const { statusCode = 0 } = answer;
        if (statusCode < 200) {
          stream.destroy();
          return void say(502, `The pod's answer has no code of HTTP: ${statusCode}\n`);
        }
        response.writeHead(statusCode, headersFromPod(answer.headers, false));
        answer.once("error", () => response.destroy());
        answer.pipe(response);
      });
      outgoing.once("error", (error) => {
        if (response.headersSent) response.destroy();
        else say(502, `The pod does not answer: ${error.message}\n`);
      });
      request.pipe(outgoing);
    } catch (error) {
      say(502, `The pod cannot be reached: ${error instanceof Error ? error.message : error}\n`);
    }
  }

  /** A link is good once: the browser gets a cookie, and goes on to the pod's own page. */
  #enter(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    const cookie = request.method === "GET" ? this.#owner.redeem(query.get("code") ?? "") : undefined;
    if (cookie === undefined) {
      response
        .writeHead(403, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" })
        .end("This link was used or is too old: the dashboard opens another.\n");
      return;
    }
    response
      .writeHead(303, {
        location: "/",
        // Strict ones do not come along when another site's page leads here, as the dashboard's does.
        "set-cookie": `${forwardCookie}=${cookie}; Path=/; HttpOnly; SameSite=Lax`,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
      })
      .end();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const { origin, host } = request.headers;
    const isOwn = host?.toLowerCase() === this.#host && origin === this.origin && this.#isOurs(request);
    if (!isOwn) return void socket.end(headText("403 Forbidden", { connection: "close" }));
    this.#owner.used();
    try {
      const stream = await this.#connect();
      stream.on("error", () => socket.destroy());
      if (socket.destroyed) return void stream.destroy();
      socket.once("close", () => stream.destroy());
      const outgoing = httpRequest({
        createConnection: () => stream,
        method: request.method,
        path: request.url,
        headers: headersToPod(request.headers, true),
        setHost: false,
      });
      outgoing.once("upgrade", (answer, far: Duplex, farHead) => {
        socket.write(headText("101 Switching Protocols", headersFromPod(answer.headers, true)));
        if (farHead.length > 0) socket.write(farHead);
        if (head.length > 0) far.write(head);
        far.once("close", () => socket.destroy());
        socket.pipe(far);
        far.pipe(socket);
      });
      outgoing.once("response", (answer) => {
        socket.end(headText(`${answer.statusCode} Refused`, { connection: "close" }));
        stream.destroy();
      });
      outgoing.once("error", () => socket.destroy());
      outgoing.end();
    } catch {
      socket.end(headText("502 Bad Gateway", { connection: "close" }));
    }
  }

  /** Other sites' pages make a browser send the cookie with what they load, but a navigation's. */
  #isOurs({ headers, method }: IncomingMessage): boolean {
    const site = headers["sec-fetch-site"];
    const isNavigation = headers["sec-fetch-mode"] === "navigate" && method === "GET";
    if (site !== undefined && site !== "same-origin" && site !== "none" && !isNavigation) return false;
    const cookie = cookieOf(headers.cookie);
    return cookie !== undefined && this.#owner.isCookie(cookie);
  }

  async #connect(): Promise<Duplex> {
    const stream = await this.#owner.connect();
    if (this.#options.scheme === "http") return stream;
    // The way to the pod is the cluster's own; who the pod says it is nobody could know.
    return tlsConnect({ socket: stream, rejectUnauthorized: false });
  }
}

function listen(host: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

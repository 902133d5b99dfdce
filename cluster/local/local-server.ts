import { createServer } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { duplexPair } from "../../base/http2/duplex-pair.ts";
import type { HttpHandler } from "../../base/http2/serve-http.ts";
import { ownClearImmediate, ownSetImmediate } from "../../base/os/own-timers.ts";
import { ConnectionError } from "../../client/api-error.ts";
import type { HttpRequest, RequestHeaders } from "../../client/http/request.ts";
import { sentLocallyBy } from "../../controlplane/apiserver/authentication/local-sender.ts";
import type { User } from "../../controlplane/apiserver/filters/authentication.ts";
import type { RunningApiserver } from "../../controlplane/apiserver/start.ts";
import { LocalRequest } from "./local-request.ts";
import { LocalResponse } from "./local-response.ts";

/** Who asks, in this process. */
export interface Caller {
  readonly user: User;
  /** Whatever calls itself so: `scheduler`, `node-1`, `test`. */
  readonly name: string;
  /** What it and its replicas are called together; its name unless given. */
  readonly group?: string;
}

/** So many requests may be handed over in one turn of the event loop. Then the next ones wait for its next turn, since they need no
 *  connection: timers, sockets and the test's own time limit must have theirs beside a loop that asks and asks. */
const requestsATurnMost = 64;

/** An answer under way. */
export interface Exchange {
  readonly caller: Caller;
  readonly request: HttpRequest;
  readonly response: LocalResponse;
}

/** The API server of this process, as those see it who call it: there, or gone. */
export class LocalServer {
  /** Undefined while it is down. */
  #handler: HttpHandler | undefined;
  #upgrade: RunningApiserver["upgrade"] | undefined;
  readonly #connections = new Set<Duplex>();
  readonly #open = new Set<Exchange>();
  readonly #socket = new Socket();
  #passed = 0;
  #askedInTurn = 0;
  #nextTurn: Promise<void> = Promise.resolve();
  #beginTurn = () => {};

  /** How much has passed: whoever sees it stand still for a while knows that nobody is at work. */
  get passed(): number {
    return this.#passed;
  }

  /** Something passed another way. */
  pass(): void {
    this.#passed++;
  }

  /** Resolves when another request may be handed over; undefined: at once. */
  turnOfLoop(): Promise<void> | undefined {
    if (this.#handler === undefined) return undefined; // nobody answers: it fails at once
    if (this.#askedInTurn++ === 0)
      this.#nextTurn = new Promise((resolve) => {
        this.#beginTurn = () => {
          ownClearImmediate(waiting);
          this.#askedInTurn = 0;
          resolve();
        };
        const waiting = ownSetImmediate(this.#beginTurn);
      });
    if (this.#askedInTurn <= requestsATurnMost) return undefined;
    this.#passed++;
    return this.#nextTurn;
  }

  /** What is being answered, watches included. */
  get open(): Iterable<Exchange> {
    return this.#open;
  }

  /** From now on requests go there. */
  up({ handle, upgrade }: Pick<RunningApiserver, "handle" | "upgrade">): void {
    this.#handler = handle;
    this.#upgrade = upgrade;
  }

  /** A connection for one request that leaves HTTP. Throws ConnectionError where nobody would answer. */
  connect({ user }: Caller): Duplex {
    const upgrade = this.#upgrade;
    if (upgrade === undefined) throw new ConnectionError("the API server is down", { neverSent: true });
    const [near, far] = duplexPair();
    this.#connections.add(far);
    far.on("error", () => far.destroy());
    far.on("close", () => this.#connections.delete(far));
    const server = createServer((_request, response) => response.writeHead(400).end());
    server.on("upgrade", (request, socket, head) => {
      sentLocallyBy(request, user);
      upgrade(request, socket, head);
    });
    server.emit("connection", far);
    return near;
  }

  /** Whatever is under way breaks, and nothing is answered any more. */
  down(): void {
    this.#handler = undefined;
    this.#upgrade = undefined;
    this.#beginTurn();
    for (const far of [...this.#connections]) far.destroy();
    for (const { response } of [...this.#open]) response.destroy(new Error("the API server is gone"));
  }

  /** Hands a request over. Its caller need not show who asks. Throws ConnectionError where nobody would answer. */
  ask(caller: Caller, request: HttpRequest, headers: RequestHeaders): LocalResponse {
    const { method, path, body } = request;
    this.#passed++;
    const handler = this.#handler;
    if (handler === undefined)
      throw new ConnectionError(`${method} ${path}: the API server is down`, { neverSent: true });
    const arriving = new LocalRequest({ method, path, headers, body, socket: this.#socket });
    const response = new LocalResponse(method, this.#socket, () => this.#passed++);
    sentLocallyBy(arriving, caller.user);
    const exchange = { caller, request, response };
    this.#open.add(exchange);
    response.on("close", () => {
      this.#open.delete(exchange);
      arriving.destroy();
    });
    void handler(arriving, response);
    return response;
  }
}

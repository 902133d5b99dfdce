import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import { ownClearTimeout, ownSetTimeout } from "../../base/os/own-timers.ts";
import { ConnectionError } from "../api-error.ts";
import type { RestConfig } from "../kubeconfig.ts";
import {
  type BodyLimits,
  cutOff,
  type HttpAnswer,
  type HttpRequest,
  type HttpWay,
  type RequestHeaders,
  TimeoutError,
  tooLarge,
  transportLimits,
} from "./request.ts";
import { tlsOptions } from "./tls-options.ts";

/** To one server by HTTP/1.1, over connections that are kept. */
export class Http1Way implements HttpWay {
  readonly #server: URL;
  readonly #short: http.Agent;
  readonly #lasting: http.Agent;
  /** Open connections, so that all can be given up together. */
  readonly #sockets = new Set<Socket>();

  constructor(server: URL, config: RestConfig) {
    this.#server = server;
    this.#short = agentOf(server, config, transportLimits.socketsPerServerMost);
    this.#lasting = agentOf(server, config, transportLimits.lastingPerServerMost);
  }

  send(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      const secure = server.protocol === "https:";
      const outgoing = (secure ? https : http).request(
        new URL(server.pathname.replace(/\/$/, "") + request.path, server),
        {
          method: request.method,
          headers: headers as http.OutgoingHttpHeaders,
          agent: request.lasting ? this.#lasting : this.#short,
          ...(request.signal && { signal: request.signal }),
        },
      );
      let neverSent = true;
      const fail = (cause: unknown) =>
        new ConnectionError(`${request.method} ${request.path}: no answer from ${server.host}`, {
          neverSent,
          cause,
        });
      const within = (ms: number, what: string) =>
        ownSetTimeout(() => outgoing.destroy(fail(new TimeoutError(what))), ms);
      let giveUp = within(request.timeoutMs, "timed out while waiting for a connection to be free");
      const connected = () => {
        neverSent = false;
        ownClearTimeout(giveUp);
        giveUp = within(request.timeoutMs, "timed out");
      };
      outgoing.once("socket", (socket) => {
        // A request that has waited for its turn is not said to reuse the connection that it gets.
        const isOpen = this.#sockets.has(socket) || outgoing.reusedSocket;
        this.#track(socket);
        if (isOpen) return connected();
        ownClearTimeout(giveUp);
        giveUp = within(transportLimits.connectMs, "timed out while connecting");
        socket.once(secure ? "secureConnect" : "connect", connected);
      });
      outgoing.once("response", (answer) => {
        ownClearTimeout(giveUp);
        resolve(new Http1Answer(answer));
      });
      outgoing.on("error", (cause) => {
        ownClearTimeout(giveUp);
        if (request.signal?.aborted) reject(request.signal.reason);
        else reject(cause instanceof ConnectionError ? cause : fail(cause));
      });
      outgoing.end(request.body);
    });
  }

  giveUp(): void {
    for (const socket of this.#sockets) socket.destroy(new TimeoutError("gave the server up"));
  }

  close(): void {
    this.#short.destroy();
    this.#lasting.destroy();
  }

  #track(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

function agentOf({ protocol }: URL, config: RestConfig, maxSockets: number): http.Agent {
  const pool = {
    keepAlive: true,
    keepAliveMsecs: transportLimits.keepAliveProbeMs,
    timeout: transportLimits.idleSocketMs,
    maxSockets,
  };
  return protocol === "https:" ? new https.Agent({ ...pool, ...tlsOptions(config) }) : new http.Agent(pool);
}

class Http1Answer implements HttpAnswer {
  readonly #message: http.IncomingMessage;

  constructor(message: http.IncomingMessage) {
    this.#message = message;
  }

  get statusCode(): number {
    return this.#message.statusCode ?? 0;
  }

  get retryAfter(): string | undefined {
    return this.#message.headers["retry-after"];
  }

  get warning(): string | undefined {
    const found = this.#message.headersDistinct.warning ?? [];
    return found.length === 0 ? undefined : found.join(", ");
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#message[Symbol.asyncIterator]();
  }

  async text(limits: BodyLimits): Promise<string> {
    const answer = this.#message;
    const chunks: Buffer[] = [];
    let lengthBytes = 0;
    const giveUp = ownSetTimeout(
      () => answer.destroy(new Error("timed out inside the answer")),
      limits.timeoutMs,
    );
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        lengthBytes += chunk.length;
        if (lengthBytes > limits.lengthBytesMost) throw tooLarge(limits.lengthBytesMost);
        chunks.push(chunk);
      }
    } catch (cause) {
      if (cause instanceof RangeError) throw cause;
      throw cutOff(cause);
    } finally {
      ownClearTimeout(giveUp);
      answer.destroy();
    }
    return Buffer.concat(chunks, lengthBytes).toString("utf8");
  }

  destroy(): void {
    this.#message.destroy();
  }
}

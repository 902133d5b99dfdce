import {
  type ClientRequest,
  Agent as HttpAgent,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../../base/os/clock.ts";
import type { Endpoint } from "./route.ts";
import type {
  Upstream,
  UpstreamEvents,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamHead,
} from "./upstream.ts";

/** Shorter than servers keep idle connections as a rule (Node's: 5 s), so that seldom one closes under a request. */
const idleMs = 4_000;
const idlePerEndpointMost = 64;
const connectionsPerEndpointMost = 1_024;
const headBytesMost = 64 * 1024;

/** Endpoints that speak HTTP/1.1; connections are kept for the next request. */
export class Http1Upstream implements Upstream {
  readonly #clock: Pick<Clock, "after">;
  readonly #isTls: boolean;
  readonly #agent: HttpAgent;

  constructor(clock: Pick<Clock, "after">, options: { readonly isTls: boolean }) {
    this.#clock = clock;
    this.#isTls = options.isTls;
    const pool = {
      keepAlive: true,
      timeout: idleMs,
      maxSockets: connectionsPerEndpointMost,
      maxFreeSockets: idlePerEndpointMost,
      scheduling: "lifo",
      noDelay: true,
    } as const;
    // Pods have no names that a certificate could be for.
    this.#agent = options.isTls
      ? new HttpsAgent({ ...pool, rejectUnauthorized: false })
      : new HttpAgent(pool);
  }

  send({ address, port }: Endpoint, head: UpstreamHead, events: UpstreamEvents): UpstreamExchange {
    const { settings, upgrade } = head;
    const options: RequestOptions & { readonly servername?: string } = {
      host: address,
      port,
      method: head.method,
      path: head.path,
      headers: [...head.headers, ...framing(head)] as never,
      setHost: false,
      agent: upgrade === undefined ? this.#agent : false,
      timeout: settings.readTimeoutMs,
      maxHeaderSize: headBytesMost,
      ...(this.#isTls && { servername: settings.tlsName ?? "", rejectUnauthorized: false }),
    };
    const request = this.#isTls ? requestHttps(options) : requestHttp(options);
    return this.#follow(request, head, events);
  }

  close(): void {
    this.#agent.destroy();
  }

  #follow(
    request: ClientRequest,
    { hasBody, settings, upgrade }: UpstreamHead,
    events: UpstreamEvents,
  ): UpstreamExchange {
    let isConnected = false;
    let isAnswered = false;
    let isOver = false;
    let timedOut: UpstreamFailure["kind"] | undefined;
    let cancelTimer = () => {};
    const connected = () => {
      cancelTimer();
      isConnected = true;
      events.connected();
    };
    request.once("socket", (socket: Socket) => {
      if (!socket.connecting) return connected();
      cancelTimer = this.#clock.after(settings.connectTimeoutMs, () => {
        timedOut = "connectTimeout";
        request.destroy(new Error(`no connection within ${settings.connectTimeoutMs} ms`));
      });
      socket.once(this.#isTls ? "secureConnect" : "connect", connected);
    });
    request.on("timeout", () => {
      timedOut ??= "timeout";
      request.destroy(new Error(`silent for ${settings.readTimeoutMs} ms`));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      cancelTimer();
      if (isOver) return;
      isOver = true;
      const kind =
        timedOut ?? (!isConnected ? "connect" : error.code?.startsWith("HPE_") ? "invalid" : "broken");
      events.failed({ kind, error, wasReused: request.reusedSocket });
    });
    // As for one that speaks a protocol that nobody asked for.
    request.on("close", () => {
      if (isOver || isAnswered) return;
      isOver = true;
      events.failed({ kind: "invalid", error: new Error("there was no answer"), wasReused: false });
    });
    request.on("response", (response) => {
      if (isOver) return;
      isAnswered = true;
      events.answered({
        status: response.statusCode ?? 502,
        headers: response.rawHeaders,
        body: response,
        trailers: () => response.rawTrailers,
      });
    });
    if (upgrade !== undefined)
      request.on("upgrade", (response, socket, first) => {
        isAnswered = true;
        events.upgraded?.(response, socket, first);
      });
    request.on("drain", () => events.drained());
    if (!hasBody) request.end();
    return {
      write: (bytes) => request.write(bytes),
      end: () => request.end(),
      destroy: () => {
        isOver = true;
        cancelTimer();
        request.destroy();
      },
    };
  }
}

/** How the endpoint knows where the body ends, and what becomes of the connection. */
function framing({ hasBody, bodyBytes, method, upgrade }: UpstreamHead): readonly string[] {
  const connection =
    upgrade === undefined ? ["connection", "keep-alive"] : ["connection", "Upgrade", "upgrade", upgrade];
  if (hasBody)
    return bodyBytes === undefined
      ? [...connection, "transfer-encoding", "chunked"]
      : [...connection, "content-length", String(bodyBytes)];
  return ["POST", "PUT", "PATCH"].includes(method) ? [...connection, "content-length", "0"] : connection;
}

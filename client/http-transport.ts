import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../base/os/clock.ts";
import { trusting } from "../base/os/trust.ts";
import { ConnectionError } from "./api-error.ts";
import { identityHeaders } from "./identity-headers.ts";
import type { RestConfig } from "./kubeconfig.ts";
import type { RequestMetrics } from "./request-metrics.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sending it twice does no harm: another server may be tried although the first may have acted. */
  readonly idempotent: boolean;
  /** Its answer goes on for as long as somebody listens. */
  readonly lasting?: true;
  /** Until the answer's headers; the body is the caller's to bound. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export const transportLimits = {
  connectMs: 5_000,
  /** Longer than most loops' periods, since a TLS handshake costs more than a request. Shorter than our servers' 120 s,
   *  so that we never write into a closing connection; a server that announces less (Keep-Alive) is held to that. */
  idleSocketMs: 90_000,
  keepAliveProbeMs: 15_000,
  /** Connections for requests that are answered at once: more requests than these wait their turn, since a TLS handshake costs
   *  the server more than several requests. */
  socketsPerServerMost: 32,
  /** Connections for answers that last. */
  lastingPerServerMost: 256,
} as const;

interface Counted {
  readonly clock: Clock;
  /** Absent: nobody counts. */
  readonly metrics?: RequestMetrics;
}

class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** HTTP(S) to several equal servers over kept-alive connections. Stays with the last good one; when it cannot be
 *  reached the next is tried, each at most once a request. */
export class HttpTransport {
  readonly #config: RestConfig;
  readonly #servers: readonly URL[];
  readonly #short: Agents;
  readonly #lasting: Agents;
  /** Open connections by server, so that all can be given up together. */
  readonly #sockets = new Map<string, Set<Socket>>();
  readonly #counted: Counted;
  #preferred = 0;

  constructor(config: RestConfig, counted: Counted) {
    this.#config = config;
    this.#counted = counted;
    this.#servers = config.servers.map((server) => new URL(server));
    this.#short = agentsOf(config, transportLimits.socketsPerServerMost);
    this.#lasting = agentsOf(config, transportLimits.lastingPerServerMost);
  }

  /** The server that the next request goes to first. */
  get server(): URL {
    const url = this.#servers[this.#preferred];
    if (url === undefined) throw new TypeError("no API server is configured");
    return url;
  }

  /** Resolves with the answer, whatever its status. Rejects with ConnectionError, or the signal's reason. */
  async send(request: HttpRequest): Promise<http.IncomingMessage> {
    for (let tried = 1; ; tried++) {
      const at = this.#preferred;
      const server = this.server;
      try {
        return await this.#countedTo(server, request);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        if (this.#servers.length > 1 && error.cause instanceof TimeoutError) this.#giveUp(server);
        this.#avoid(at);
        const again = error.neverSent || request.idempotent;
        if (!again || tried >= this.#servers.length) throw error;
      }
    }
  }

  /** Closes idle and busy connections; requests under way fail. */
  close(): void {
    for (const { plain, secure } of [this.#short, this.#lasting]) {
      plain.destroy();
      secure.destroy();
    }
  }

  /** A server that no longer answers may have gone without closing its connections: the watches on them must not wait
   *  for the kernel to notice. */
  #giveUp(server: URL): void {
    for (const socket of this.#sockets.get(server.host) ?? [])
      socket.destroy(new TimeoutError("gave the server up"));
  }

  #track(server: URL, socket: Socket): void {
    const sockets = this.#sockets.get(server.host) ?? new Set<Socket>();
    this.#sockets.set(server.host, sockets);
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  }

  /** Prefers the server after `at`, unless another request moved on already. */
  #avoid(at: number): void {
    if (this.#preferred === at) this.#preferred = (at + 1) % this.#servers.length;
  }

  async #countedTo(server: URL, request: HttpRequest): Promise<http.IncomingMessage> {
    const { clock, metrics } = this.#counted;
    const startedMs = clock.monotonicMs();
    let code: number | undefined;
    try {
      const answer = await this.#sendTo(server, request);
      code = answer.statusCode;
      return answer;
    } finally {
      const { method } = request;
      metrics?.answered({ method, host: server.host, code, tookMs: clock.monotonicMs() - startedMs });
    }
  }

  #sendTo(server: URL, request: HttpRequest): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      const secure = server.protocol === "https:";
      const agents = request.lasting ? this.#lasting : this.#short;
      const headers: Record<string, string | number> = { ...request.headers };
      if (request.body !== undefined) headers["content-length"] = Buffer.byteLength(request.body);
      Object.assign(headers, identityHeaders(this.#config));
      const outgoing = (secure ? https : http).request(
        new URL(server.pathname.replace(/\/$/, "") + request.path, server),
        {
          method: request.method,
          headers,
          agent: secure ? agents.secure : agents.plain,
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
        setTimeout(() => outgoing.destroy(fail(new TimeoutError(what))), ms);
      let giveUp = within(request.timeoutMs, "timed out while waiting for a connection to be free");
      const connected = () => {
        neverSent = false;
        clearTimeout(giveUp);
        giveUp = within(request.timeoutMs, "timed out");
      };
      outgoing.once("socket", (socket) => {
        this.#track(server, socket);
        if (outgoing.reusedSocket) return connected();
        clearTimeout(giveUp);
        giveUp = within(transportLimits.connectMs, "timed out while connecting");
        socket.once(secure ? "secureConnect" : "connect", connected);
      });
      outgoing.once("response", (answer) => {
        clearTimeout(giveUp);
        resolve(answer);
      });
      outgoing.on("error", (cause) => {
        clearTimeout(giveUp);
        if (request.signal?.aborted) reject(request.signal.reason);
        else reject(cause instanceof ConnectionError ? cause : fail(cause));
      });
      outgoing.end(request.body);
    });
  }
}

interface Agents {
  readonly plain: http.Agent;
  readonly secure: https.Agent;
}

function agentsOf(config: RestConfig, maxSockets: number): Agents {
  const pool = {
    keepAlive: true,
    keepAliveMsecs: transportLimits.keepAliveProbeMs,
    timeout: transportLimits.idleSocketMs,
    maxSockets,
  };
  return { plain: new http.Agent(pool), secure: new https.Agent({ ...pool, ...tlsOptions(config) }) };
}

/** Options for a TLS connection as this user. */
export function tlsOptions(config: RestConfig): https.AgentOptions {
  return {
    ...(config.caPem !== undefined && trusting(config.caPem)),
    ...(config.certificatePem !== undefined && { cert: config.certificatePem }),
    ...(config.privateKeyPem !== undefined && { key: config.privateKeyPem }),
    ...(config.serverName !== undefined && { servername: config.serverName }),
    ...(config.insecureSkipVerify && { rejectUnauthorized: false }),
  };
}

/** The whole body as text. More than `lengthBytesMost` is refused; a cut or late body rejects with ConnectionError. */
export async function readBody(
  answer: http.IncomingMessage,
  limits: { readonly lengthBytesMost: number; readonly timeoutMs: number },
): Promise<string> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  const giveUp = setTimeout(() => answer.destroy(new Error("timed out inside the answer")), limits.timeoutMs);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      lengthBytes += chunk.length;
      if (lengthBytes > limits.lengthBytesMost)
        throw new RangeError(`the server's answer is larger than ${limits.lengthBytesMost} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new ConnectionError("the answer was cut off", { neverSent: false, cause });
  } finally {
    clearTimeout(giveUp);
    answer.destroy();
  }
  return Buffer.concat(chunks, lengthBytes).toString("utf8");
}

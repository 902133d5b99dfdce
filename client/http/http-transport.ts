import type { Clock } from "../../base/os/clock.ts";
import { ownClearTimeout, ownSetTimeout } from "../../base/os/own-timers.ts";
import { ConnectionError } from "../api-error.ts";
import { identityHeaders } from "../identity-headers.ts";
import type { RestConfig } from "../kubeconfig.ts";
import type { RequestMetrics } from "../request-metrics.ts";
import { Http1Way } from "./http1-way.ts";
import { Http2Way, NoHttp2Error } from "./http2-way.ts";
import { type HttpAnswer, type HttpRequest, type HttpWay, TimeoutError, transportLimits } from "./request.ts";

interface Counted {
  readonly clock: Clock;
  /** Carries all requests, instead of connections of its own. */
  readonly way?: HttpWay;
  /** Absent: nobody counts. */
  readonly metrics?: RequestMetrics;
}

interface Server {
  readonly url: URL;
  /** Undefined: it is known not to speak it. */
  http2: HttpWay | undefined;
  readonly http1: HttpWay;
}

const waysOf = ({ http2, http1 }: Server): readonly HttpWay[] =>
  http2 === undefined ? [http1] : [http2, http1];

function serversOf(config: RestConfig, { clock, way }: Counted): readonly Server[] {
  return config.servers.map((server) => {
    const url = new URL(server);
    if (way !== undefined) return { url, http2: undefined, http1: way };
    const http2 = url.protocol === "https:" ? new Http2Way(url, config, clock) : undefined;
    return { url, http2, http1: new Http1Way(url, config) };
  });
}

/** Only what each request says differs, such as a token. */
function isSameConnection(one: RestConfig, other: RestConfig): boolean {
  const fields = ["caPem", "certificatePem", "privateKeyPem", "serverName", "insecureSkipVerify"] as const;
  return (
    one.servers.join(" ") === other.servers.join(" ") && fields.every((field) => one[field] === other[field])
  );
}

function closeAll(servers: readonly Server[]): void {
  for (const server of servers) for (const way of waysOf(server)) way.close();
}

/** HTTP(S) to several equal servers over connections that are kept: HTTP/2 where a server speaks it over TLS, else HTTP/1.1.
 *  Stays with the last good one; when it cannot be reached the next is tried, each at most once a request. */
export class HttpTransport {
  #config: RestConfig;
  #servers: readonly Server[];
  readonly #counted: Counted;
  #preferred = 0;
  /** Connections of earlier credentials, with what ends them. */
  readonly #retired = new Map<NodeJS.Timeout, readonly Server[]>();

  constructor(config: RestConfig, counted: Counted) {
    this.#config = config;
    this.#counted = counted;
    this.#servers = serversOf(config, counted);
  }

  /** From now on requests go to these servers as this user, over new connections where connections are another matter than before.
   *  What is under way may end on its own then; what lasts longer is cut off. */
  renew(config: RestConfig): void {
    if (isSameConnection(this.#config, config)) {
      this.#config = config;
      return;
    }
    const before = this.#servers;
    const preferred = this.server.href;
    this.#config = config;
    this.#servers = serversOf(config, this.#counted);
    this.#preferred = Math.max(
      0,
      this.#servers.findIndex(({ url }) => url.href === preferred),
    );
    const timer = ownSetTimeout(() => {
      this.#retired.delete(timer);
      closeAll(before);
    }, transportLimits.retiredMs);
    timer.unref();
    this.#retired.set(timer, before);
  }

  /** The server that the next request goes to first. */
  get server(): URL {
    return this.#first.url;
  }

  /** Resolves with the answer, whatever its status. Rejects with ConnectionError, or the signal's reason. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    for (let tried = 1; ; tried++) {
      const at = this.#preferred;
      const server = this.#first;
      try {
        return await this.#countedTo(server, request);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        // A server that no longer answers may have gone without closing its connections: the watches on them must not wait for
        // the kernel to notice.
        if (this.#servers.length > 1 && error.cause instanceof TimeoutError)
          for (const way of waysOf(server)) way.giveUp();
        this.#avoid(at);
        const again = error.neverSent || request.idempotent;
        if (!again || tried >= this.#servers.length) throw error;
      }
    }
  }

  /** Closes idle and busy connections; requests under way fail. */
  close(): void {
    closeAll(this.#servers);
    for (const [timer, servers] of this.#retired) {
      ownClearTimeout(timer);
      closeAll(servers);
    }
    this.#retired.clear();
  }

  get #first(): Server {
    const server = this.#servers[this.#preferred];
    if (server === undefined) throw new TypeError("no API server is configured");
    return server;
  }

  /** Prefers the server after `at`, unless another request moved on already. */
  #avoid(at: number): void {
    if (this.#preferred === at) this.#preferred = (at + 1) % this.#servers.length;
  }

  async #countedTo(server: Server, request: HttpRequest): Promise<HttpAnswer> {
    const { clock, metrics } = this.#counted;
    const startedMs = clock.monotonicMs();
    let code: number | undefined;
    try {
      const answer = await this.#sendTo(server, request);
      code = answer.statusCode;
      return answer;
    } finally {
      const { method } = request;
      metrics?.answered({ method, host: server.url.host, code, tookMs: clock.monotonicMs() - startedMs });
    }
  }

  async #sendTo(server: Server, request: HttpRequest): Promise<HttpAnswer> {
    const headers = {
      ...request.headers,
      ...(request.body !== undefined && { "content-length": Buffer.byteLength(request.body) }),
      ...identityHeaders(this.#config),
    };
    try {
      return await (server.http2 ?? server.http1).send(request, headers);
    } catch (error) {
      if (!(error instanceof ConnectionError && error.cause instanceof NoHttp2Error)) throw error;
      server.http2 = undefined;
      return server.http1.send(request, headers);
    }
  }
}

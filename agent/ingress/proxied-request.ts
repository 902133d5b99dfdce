import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpResponse } from "../../base/http2/http-response.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import type { AnswerHead } from "./answer-parser.ts";
import { AnswerWriter } from "./answer-writer.ts";
import type { ClientRequest } from "./client-request.ts";
import { corsHeaders } from "./cors.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { joinConnections, switchingHead } from "./joined-connections.ts";
import { MirroredRequest } from "./mirrored-request.ts";
import { answerSelf } from "./own-answer.ts";
import { rewrittenPath } from "./path-rewrite.ts";
import { Pump } from "./pump.ts";
import { retriesFailure, retriesStatus } from "./retry-rule.ts";
import type { BackendProtocol, Endpoint, Forward, ForwardSettings } from "./route.ts";
import type { RouteMatch } from "./routing-table.ts";
import { StickyClient } from "./sticky-client.ts";
import type { UpgradeEvents, Upstream, UpstreamExchange, UpstreamFailure, UpstreamHead } from "./upstream.ts";
import { downstreamHeaders, downstreamTrailers, upstreamHeaders } from "./upstream-headers.ts";
import { requestUpgrade } from "./upstream-upgrade.ts";

const noneTried: ReadonlySet<Endpoint> = new Set();

export interface ProxyParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly pool: EndpointPool;
  readonly upstreams: Readonly<Record<BackendProtocol, Upstream>>;
  /** Why a request got no answer of its backend. */
  readonly onFailure: (route: string, endpoint: Endpoint | undefined, why: string) => void;
}

/** What a client that wants to speak another protocol has sent so far. */
export interface UpgradeWish {
  readonly protocol: string;
  readonly socket: Duplex;
  readonly first: Buffer;
}

export interface ProxiedParts {
  readonly request: IncomingMessage;
  readonly response: HttpResponse;
  readonly read: ClientRequest;
  readonly match: RouteMatch;
  readonly forward: Forward;
  readonly upgrade: UpgradeWish | undefined;
  /** The client waits to hear that its body is wanted. */
  readonly sayContinue: () => void;
}

/** One request on its way to an endpoint, and its answer. What either side sends is taken as fast as the other takes it.
 *  Invariant: no byte of a body is read before an endpoint is connected, so until then any endpoint will do. */
export class ProxiedRequest implements UpgradeEvents {
  readonly #given: ProxiedParts;
  readonly #parts: ProxyParts;
  readonly #tried = new Set<Endpoint>();
  readonly #startedMs: number;
  #tries = 0;
  #backend = "";
  #sticky: StickyClient | undefined;
  #headers: readonly string[] = [];
  #endpoint: Endpoint | undefined;
  #exchange: UpstreamExchange | undefined;
  #body: Pump | undefined;
  #answer: AnswerWriter | undefined;
  #mirrors: readonly MirroredRequest[] = [];
  #bodyBytes = 0;
  /** With what is otherwise for the backend that was chosen. */
  #settings: ForwardSettings;
  #cancelRequest: () => void = () => undefined;
  #cancelAttempt: () => void = () => undefined;
  /** The answer is given, whole or not. */
  #isOver = false;

  constructor(given: ProxiedParts, parts: ProxyParts) {
    this.#given = given;
    this.#parts = parts;
    this.#settings = given.forward.settings;
    this.#startedMs = parts.clock.monotonicMs();
  }

  start(): void {
    const { read, forward, response } = this.#given;
    const { settings, backends } = forward;
    const { pool } = this.#parts;
    response.on("close", () => this.#end());
    if ((read.bodyBytes ?? 0) > (settings.bodyBytesMost ?? Number.POSITIVE_INFINITY)) {
      this.#refuseBody();
      return;
    }
    if (settings.affinity !== undefined)
      this.#sticky = new StickyClient(settings.affinity, read, {
        backends,
        pool,
        nowMs: this.#parts.clock.wallMs(),
      });
    const chosen = this.#sticky?.before?.backend ?? pool.choose(backends);
    if (chosen?.backend === undefined) {
      this.#fail(500, "the route leads to no backend that there is");
      return;
    }
    this.#backend = chosen.backend;
    this.#settings = { ...settings, ...chosen.own };
    if (settings.requestTimeoutMs !== undefined)
      this.#cancelRequest = this.#parts.clock.after(settings.requestTimeoutMs, () =>
        this.#late("the request"),
      );
    this.#headers = upstreamHeaders(read, this.#settings);
    if (settings.mirrors.length > 0 && this.#given.upgrade === undefined) this.#mirrors = this.#mirrored();
    this.#attempt(this.#sticky?.endpoint);
  }

  /** The copies that are sent of it. */
  #mirrored(): readonly MirroredRequest[] {
    const { random, pool, upstreams, onFailure } = this.#parts;
    const { id } = this.#given.match.route;
    const head = this.#head();
    return this.#settings.mirrors.flatMap(({ backend, protocol, trust, share }) => {
      if (random.uint32() / 2 ** 32 >= share) return [];
      const endpoint = pool.next(backend, noneTried);
      if (endpoint === undefined) return [];
      const failed = (why: string) => onFailure(id, endpoint, why);
      try {
        const settings = { ...head.settings, protocol, trust };
        return [new MirroredRequest(upstreams[protocol], { endpoint, head: { ...head, settings } }, failed)];
      } catch (error) {
        failed(`the mirror: ${(error as Error).message}`);
        return [];
      }
    });
  }

  #head(): UpstreamHead {
    const { read, match } = this.#given;
    const settings = this.#settings;
    const { rawPath, query } = read.target;
    return {
      method: read.method,
      path:
        settings.rewrite === undefined
          ? `${rawPath}${query}`
          : rewrittenPath(settings.rewrite, read.target, match.groups),
      headers: this.#headers,
      hasBody: read.hasBody,
      bodyBytes: read.hasBody ? read.bodyBytes : undefined,
      settings,
    };
  }

  /** The next endpoint, after the pause that lies between two tries. */
  #attemptAgain(wanted?: Endpoint): void {
    const { backoffMs } = this.#settings.retry;
    if (backoffMs === 0) this.#attempt(wanted);
    else this.#cancelAttempt = this.#parts.clock.after(backoffMs, () => this.#attempt(wanted));
  }

  #nextEndpoint(): Endpoint | undefined {
    const next = this.#parts.pool.next(this.#backend, this.#tried);
    if (next !== undefined || !this.#settings.retry.again) return next;
    this.#tried.clear();
    return this.#parts.pool.next(this.#backend, this.#tried);
  }

  #attempt(wanted?: Endpoint): void {
    const { upgrade } = this.#given;
    const settings = this.#settings;
    const endpoint = wanted ?? this.#nextEndpoint();
    if (endpoint === undefined) {
      this.#fail(503, "no endpoint is ready");
      return;
    }
    this.#endpoint = endpoint;
    this.#tried.add(endpoint);
    this.#tries += 1;
    const head = this.#head();
    this.#cancelAttempt();
    if (settings.attemptTimeoutMs !== undefined)
      this.#cancelAttempt = this.#parts.clock.after(settings.attemptTimeoutMs, () => this.#attemptLate());
    try {
      this.#exchange =
        upgrade === undefined
          ? this.#parts.upstreams[settings.protocol].send(endpoint, head, this)
          : requestUpgrade(endpoint, head, upgrade.protocol, this, this.#parts.clock);
    } catch (error) {
      // Headers that HTTP/1.1 may have twice and HTTP/2 may not.
      this.#fail(400, `the request cannot be passed on: ${(error as Error).message}`);
    }
  }

  connected(): void {
    const { read, request, sayContinue } = this.#given;
    if (!read.hasBody || this.#body !== undefined || this.#isOver) return;
    const { bodyBytesMost = Number.POSITIVE_INFINITY, sendTimeoutMs } = this.#settings;
    sayContinue();
    this.#body = new Pump(request, {
      clock: this.#parts.clock,
      stallMs: sendTimeoutMs,
      write: (bytes) => {
        this.#bodyBytes += bytes.length;
        if (this.#bodyBytes <= bodyBytesMost) {
          for (const mirror of this.#mirrors) mirror.write(bytes);
          return this.#exchange?.write(bytes) ?? true;
        }
        this.#refuseBody();
        return true;
      },
      onEnd: () => {
        for (const mirror of this.#mirrors) mirror.end();
        this.#exchange?.end();
      },
      onStalled: () => this.#fail(504, "the endpoint takes nothing"),
    });
  }

  answered(answer: AnswerHead): void {
    const { response } = this.#given;
    const settings = this.#settings;
    this.#cancelAttempt();
    if (retriesStatus(settings.retry, answer.status, this.#attemptNow()) && this.#hasAnother()) {
      this.#exchange?.destroy();
      this.#attemptAgain();
      return;
    }
    try {
      response.writeHead(answer.status, this.#answerHeaders(answer));
    } catch (error) {
      this.#fail(502, `the answer's head is none: ${(error as Error).message}`);
      return;
    }
    this.#answer = new AnswerWriter(response, {
      clock: this.#parts.clock,
      stallMs: settings.sendTimeoutMs,
      onDrained: () => this.#exchange?.resume(),
      onStalled: () => response.destroy(),
    });
  }

  #answerHeaders(answer: AnswerHead): string[] {
    const { read, match } = this.#given;
    const headers = downstreamHeaders(answer.headers, this.#settings.responseHeaders);
    const { cors } = match.route.gate;
    const ours = cors === undefined ? [] : Object.entries(corsHeaders(cors, read));
    const cookie =
      this.#endpoint &&
      this.#sticky?.cookieFor(this.#backend, this.#endpoint, this.#parts.clock.wallMs(), read.front.isTls);
    if (cookie !== undefined) headers.push("set-cookie", cookie);
    if (ours.length === 0) return headers;
    const kept = headers.filter((_, at) => !ours.some(([name]) => headers[at - (at % 2)] === name));
    return [...kept, ...ours.flat()];
  }

  data(bytes: Buffer): boolean {
    return this.#answer?.piece(bytes) ?? true;
  }

  paused(): void {
    if (!this.#isOver && !this.#given.response.destroyed) this.#answer?.flush();
  }

  ended(trailers: readonly string[]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelRequest();
    try {
      this.#answer?.end(trailers.length === 0 ? trailers : downstreamTrailers(trailers));
    } catch {
      this.#given.response.destroy(); // what may not stand there makes the answer none
    }
  }

  drained(): void {
    this.#body?.drained();
  }

  upgraded(answer: IncomingMessage, upstream: Duplex, first: Buffer): void {
    const { upgrade } = this.#given;
    const head = upgrade && switchingHead(answer, upgrade.protocol);
    if (upgrade === undefined || head === undefined) {
      upstream.destroy();
      this.#fail(502, "the endpoint speaks a protocol that it was not asked for");
      return;
    }
    this.#isOver = true;
    this.#cancelAttempt();
    this.#cancelRequest();
    upgrade.socket.write(head);
    const { readTimeoutMs } = this.#settings;
    joinConnections(
      { socket: upgrade.socket, first: upgrade.first },
      { socket: upstream, first },
      readTimeoutMs,
    );
  }

  failed(failure: UpstreamFailure): void {
    if (this.#isOver) return;
    this.#cancelAttempt();
    const { response } = this.#given;
    if (response.headersSent) {
      this.#parts.onFailure(this.#given.match.route.id, this.#endpoint, failure.error.message);
      response.destroy();
      return;
    }
    // One that closed an idle connection is asked again.
    const again = failure.wasReused && failure.kind === "broken" ? this.#endpoint : undefined;
    if (
      retriesFailure(this.#settings.retry, failure, this.#attemptNow()) &&
      (again !== undefined || this.#hasAnother())
    ) {
      this.#attemptAgain(again);
      return;
    }
    const status = failure.kind === "timeout" || failure.kind === "connectTimeout" ? 504 : 502;
    this.#fail(status, failure.error.message);
  }

  #attemptNow() {
    return {
      tries: this.#tries,
      afterMs: this.#parts.clock.monotonicMs() - this.#startedMs,
      method: this.#given.read.method,
      canRepeat: this.#body === undefined,
    };
  }

  /** The endpoint did not begin to answer in time. */
  #attemptLate(): void {
    if (!this.#settings.retry.again) {
      this.#late("the backend");
      return;
    }
    this.#exchange?.destroy();
    this.failed({ kind: "timeout", error: new Error("the backend took too long"), wasReused: false });
  }

  /** What was begun is not waited for any longer. */
  #late(what: string): void {
    if (this.#isOver) return;
    if (this.#given.response.headersSent) {
      this.#parts.onFailure(this.#given.match.route.id, this.#endpoint, `${what} took too long`);
      this.#given.response.destroy();
    } else this.#fail(504, `${what} took too long`);
  }

  #hasAnother(): boolean {
    return this.#settings.retry.again || this.#parts.pool.hasOther(this.#backend, this.#tried);
  }

  #refuseBody(): void {
    this.#leaveBody();
    this.#finish(413);
  }

  #fail(status: number, why: string): void {
    this.#parts.onFailure(this.#given.match.route.id, this.#endpoint, why);
    if (this.#given.read.hasBody) this.#leaveBody();
    this.#finish(status);
  }

  /** Nobody reads the rest of the body, which on HTTP/1.1 stands before the next request. */
  #leaveBody(): void {
    if (this.#given.request.httpVersionMajor === 1) this.#given.response.shouldKeepAlive = false;
  }

  #finish(status: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelAttempt();
    this.#cancelRequest();
    this.#exchange?.destroy();
    this.#stop();
    answerSelf(this.#given.response, status);
  }

  #stop(): void {
    this.#body?.stop();
    this.#answer?.stop();
    for (const mirror of this.#mirrors) mirror.leave();
  }

  /** The answer left, or nobody waits for it. */
  #end(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#cancelAttempt();
    this.#cancelRequest();
    this.#stop();
    const { request, read, upgrade } = this.#given;
    if (upgrade !== undefined && wasOver) return;
    // Of an exchange that is whole nothing is left to end; its connection serves the next one.
    if (!wasOver || (read.hasBody && !request.complete)) this.#exchange?.destroy();
  }
}

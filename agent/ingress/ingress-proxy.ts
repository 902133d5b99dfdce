import { type IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { HttpResponse } from "../../base/http2/http-response.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import { type ClientRequest, isRefusal, readRequest } from "./client-request.ts";
import type { DataPlane } from "./data-plane.ts";
import { ingressEntry } from "./entry.ts";
import type { Front } from "./front.ts";
import { isWithin, type OwnAnswer, stoppedAtGate } from "./gate.ts";
import { answerSelf } from "./own-answer.ts";
import { ProxiedRequest, type ProxyParts, type UpgradeWish } from "./proxied-request.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { locationFor } from "./redirect-location.ts";
import type { Forward, RateLimits } from "./route.ts";
import type { RouteMatch } from "./routing-table.ts";
import { Http1Upstream } from "./upstream-http1.ts";
import { Http2Upstream } from "./upstream-http2.ts";

export interface IngressProxyParts {
  readonly plane: DataPlane;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailure: ProxyParts["onFailure"];
}

const doNothing = () => undefined;
const unknown: OwnAnswer = { status: 404, headers: {} };
/** As ingress-nginx says it. */
const tooOften: OwnAnswer = { status: 503, headers: {} };
const misdirected: OwnAnswer = { status: 421, headers: {} };

/** Answers requests: by itself, or through an endpoint of the route that they take. */
export class IngressProxy {
  readonly #parts: IngressProxyParts;
  readonly #proxy: ProxyParts;
  readonly #limiter = new RateLimiter();
  /** Connections on which one request was refused as it stood. */
  readonly #refused = new WeakSet<Socket>();

  constructor(parts: IngressProxyParts) {
    this.#parts = parts;
    const { clock, random, plane, onFailure } = parts;
    this.#proxy = {
      clock,
      random,
      pool: plane.pool,
      onFailure,
      upstreams: {
        http: new Http1Upstream(clock, { isTls: false }),
        https: new Http1Upstream(clock, { isTls: true }),
        grpc: new Http2Upstream(clock, { isTls: false }),
        grpcs: new Http2Upstream(clock, { isTls: true }),
      },
    };
  }

  close(): void {
    for (const upstream of Object.values(this.#proxy.upstreams)) upstream.close();
  }

  /** @param sayContinue Called when a body is wanted that the client holds back. */
  serve(
    request: IncomingMessage,
    response: HttpResponse,
    front: Front,
    sayContinue: () => void = doNothing,
  ): void {
    this.#serve({ request, response, front, upgrade: undefined, sayContinue });
  }

  /** A request that wants its connection to change its protocol. Only WebSocket is passed on: whatever else goes through
   *  unread would have endpoints take requests that no route was asked for. */
  upgrade(request: IncomingMessage, socket: Duplex, first: Buffer, front: Front): void {
    socket.on("error", () => socket.destroy());
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on("finish", () => {
      response.detachSocket(socket);
      socket.end();
    });
    const protocol = request.headers.upgrade ?? "";
    // What such a request has for a body is not read, and so cannot be passed on.
    const hasBody =
      request.headers["transfer-encoding"] !== undefined ||
      Number(request.headers["content-length"] ?? 0) !== 0;
    if (hasBody) {
      answerSelf(response, 400);
      return;
    }
    const upgrade =
      protocol.toLowerCase() === "websocket" ? { protocol: "websocket", socket, first } : undefined;
    this.#serve({ request, response, front, upgrade, sayContinue: doNothing });
  }

  #serve(given: {
    readonly request: IncomingMessage;
    readonly response: HttpResponse;
    readonly front: Front;
    readonly upgrade: UpgradeWish | undefined;
    readonly sayContinue: () => void;
  }): void {
    const { request, response, front, upgrade, sayContinue } = given;
    request.on("error", doNothing);
    response.on("error", doNothing);
    // What stands behind a request that is not to be read is none either.
    if (this.#refused.has(request.socket) && request.httpVersionMajor === 1) {
      response.destroy();
      return;
    }
    const read = readRequest(request, front);
    if (isRefusal(read)) {
      this.#refused.add(request.socket);
      response.shouldKeepAlive = request.httpVersionMajor === 2;
      answerSelf(response, read.status);
      return;
    }
    const isMisdirected = this.#isMisdirected(read);
    const match = isMisdirected ? undefined : this.#match(read, request);
    const decided = match === undefined ? (isMisdirected ? misdirected : unknown) : this.#decide(match, read);
    if (match === undefined || "status" in decided) {
      // A body that nobody reads would stand in the way of the next request.
      if (read.hasBody && request.httpVersionMajor === 1) response.shouldKeepAlive = false;
      if ("status" in decided) answerSelf(response, decided.status, decided.headers);
      return;
    }
    new ProxiedRequest(
      { request, response, read, match, forward: decided, upgrade, sayContinue },
      this.#proxy,
    ).start();
  }

  /** A connection to one listener of a Gateway leads to no other, whose certificates and rules it was not asked for. */
  #isMisdirected({ front, host, serverName }: ClientRequest): boolean {
    if (!front.isTls || front.entry === ingressEntry) return false;
    const entry = this.#parts.plane.entry(front.entry);
    return entry.listenerFor(serverName) !== entry.listenerFor(host);
  }

  /** What is answered here, or where the request goes. */
  #decide({ route }: RouteMatch, read: ClientRequest): OwnAnswer | Forward {
    const { certificates } = this.#parts.plane.entry(read.front.entry);
    const stopped = stoppedAtGate(route.gate, read, certificates.hasFor(read.host));
    if (stopped !== undefined) return stopped;
    if (this.#isTooOften(route.gate.limits, read.clientAddress)) return tooOften;
    const { action } = route;
    switch (action.kind) {
      case "redirect":
        return { status: action.status, headers: { location: locationFor(action.location, read) } };
      case "refuse":
        return { status: action.status, headers: {} };
      case "forward": {
        const { appRoot } = action.settings;
        const isRoot = appRoot !== undefined && read.target.path === "/";
        return isRoot ? { status: 302, headers: { location: appRoot } } : action;
      }
    }
  }

  #isTooOften(limits: RateLimits | undefined, client: string): boolean {
    if (limits === undefined || limits.except.some((range) => isWithin(range, client))) return false;
    return !this.#limiter.admits(client, limits, this.#parts.clock.monotonicMs());
  }

  #match(read: ClientRequest, request: IncomingMessage): RouteMatch | undefined {
    return this.#parts.plane.entry(read.front.entry).match({
      host: read.host,
      path: read.target.path,
      method: read.method,
      query: read.target.query,
      header: (name) => {
        const value = request.headers[name];
        return typeof value === "object" ? value.join(", ") : value;
      },
      share: (this.#parts.random.uint32() / 2 ** 32) * 100,
    });
  }
}

import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../../base/os/clock.ts";
import { tlsKey, tlsOptions } from "./backend-certificate.ts";
import { Http1Connection } from "./http1-connection.ts";
import type { Endpoint } from "./route.ts";
import type { Upstream, UpstreamEvents, UpstreamExchange, UpstreamHead } from "./upstream.ts";
import { WaitingExchange } from "./waiting-exchange.ts";

/** Shorter than servers keep idle connections as a rule (Node's: 5 s), so that seldom one closes under a request. */
const idleMsMost = 4_000;
const sweepMs = 1_000;
const idlePerEndpointMost = 64;
const connectionsMostDefault = 1_024;

export interface Http1Options {
  readonly isTls: boolean;
  /** To one endpoint; further requests wait. */
  readonly connectionsMost?: number;
}

type WayClock = Pick<Clock, "monotonicMs" | "after">;

/** Endpoints that speak HTTP/1.1; connections are kept for the next request. */
export class Http1Upstream implements Upstream {
  readonly #clock: WayClock;
  readonly #isTls: boolean;
  readonly #connectionsMost: number;
  readonly #ways = new Map<string, Way>();
  #stopSweep: (() => void) | undefined;

  constructor(clock: WayClock, options: Http1Options) {
    this.#clock = clock;
    this.#isTls = options.isTls;
    this.#connectionsMost = options.connectionsMost ?? connectionsMostDefault;
  }

  send(endpoint: Endpoint, head: UpstreamHead, events: UpstreamEvents): UpstreamExchange {
    const key = `${endpoint.address} ${endpoint.port} ${this.#isTls ? tlsKey(head.settings) : ""}`;
    let way = this.#ways.get(key);
    if (way === undefined) {
      const tls = this.#isTls ? tlsOptions(head.settings) : undefined;
      way = new Way({
        endpoint,
        tls,
        clock: this.#clock,
        connectionsMost: this.#connectionsMost,
        onEmpty: () => this.#ways.delete(key),
      });
      this.#ways.set(key, way);
    }
    // One look for all of them costs less than a timer each.
    this.#stopSweep ??= this.#clock.after(sweepMs, () => this.#sweep());
    return way.send(head, events);
  }

  close(): void {
    this.#stopSweep?.();
    for (const way of [...this.#ways.values()]) way.close();
  }

  #sweep(): void {
    this.#stopSweep = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const way of [...this.#ways.values()]) way.endIdle(nowMs);
    if (this.#ways.size > 0) this.#stopSweep = this.#clock.after(sweepMs, () => this.#sweep());
  }
}

interface WayParts {
  readonly endpoint: Endpoint;
  readonly tls: ConnectionOptions | undefined;
  readonly clock: WayClock;
  readonly connectionsMost: number;
  readonly onEmpty: () => void;
}

/** All connections to one endpoint. */
class Way {
  readonly #parts: WayParts;
  readonly #open = new Set<Http1Connection>();
  /** The one that served last is asked first, so that those that are too many grow old. */
  readonly #idle: Http1Connection[] = [];
  readonly #waiting = new Set<WaitingExchange>();

  constructor(parts: WayParts) {
    this.#parts = parts;
  }

  send(head: UpstreamHead, events: UpstreamEvents): UpstreamExchange {
    const known = this.#idle.pop();
    if (known === undefined && this.#open.size >= this.#parts.connectionsMost) {
      const waiting = new WaitingExchange(head, events, {
        clock: this.#parts.clock,
        onLeft: () => this.#waiting.delete(waiting),
      });
      this.#waiting.add(waiting);
      return waiting;
    }
    const connection = known ?? this.#connect(head.settings.connectTimeoutMs);
    try {
      return connection.send(head, events);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  endIdle(nowMs: number): void {
    const isOld = (one: Http1Connection) => nowMs - one.idleSinceMs >= one.idleMs(idleMsMost);
    for (const one of this.#idle.filter(isOld)) one.destroy();
  }

  close(): void {
    for (const one of [...this.#open]) one.destroy();
  }

  #connect(timeoutMs: number): Http1Connection {
    const { endpoint, tls, clock } = this.#parts;
    const connection = new Http1Connection(
      {
        endpoint,
        tls,
        clock,
        onFree: () => this.#freed(connection),
        onClosed: () => this.#closed(connection),
      },
      timeoutMs,
    );
    this.#open.add(connection);
    return connection;
  }

  #freed(connection: Http1Connection): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.begin(connection);
    } else if (this.#idle.length >= idlePerEndpointMost || connection.idleMs(idleMsMost) <= 0)
      connection.destroy();
    else this.#idle.push(connection);
  }

  #closed(connection: Http1Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.begin(this.#connect(next.connectTimeoutMs));
    } else if (this.#open.size === 0) this.#parts.onEmpty();
  }
}

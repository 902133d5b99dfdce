import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Clock } from "../../base/os/clock.ts";
import { AnswerFault, type AnswerHead, AnswerParser, type AnswerTaker } from "./answer-parser.ts";
import { RequestBody, requestHead } from "./request-framing.ts";
import type { Endpoint } from "./route.ts";
import type { UpstreamEvents, UpstreamExchange, UpstreamFailure, UpstreamHead } from "./upstream.ts";

/** All connections read into the same bytes: what is read is passed on, or copied, before anybody reads again. */
const readBytes = Buffer.allocUnsafeSlow(64 * 1024);

export interface ConnectionParts {
  readonly endpoint: Endpoint;
  /** Undefined: no TLS. */
  readonly tls: ConnectionOptions | undefined;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  /** Called when it has answered one request and may be asked the next one. */
  readonly onFree: (connection: Http1Connection) => void;
  readonly onClosed: (connection: Http1Connection) => void;
}

/** One connection to an endpoint, which serves one request at a time. */
export class Http1Connection implements AnswerTaker {
  readonly #parts: ConnectionParts;
  readonly #socket: Socket;
  readonly #parser = new AnswerParser(this);
  #isConnected = false;
  #isClosed = false;
  /** Requests that it was asked. */
  #asked = 0;
  #exchange: Exchange | undefined;
  /** When either side said something last; of one that is idle since when it is. */
  #activeMs = 0;
  #silenceMs = 0;
  #isPaused = false;
  /** When the watch looks next; it is moved only to an earlier moment, so that what goes on costs no timer. */
  #watchMs = Number.POSITIVE_INFINITY;
  #stopWatch: () => void = () => undefined;
  #stopConnecting: () => void = () => undefined;
  /** The answer that is being read is whole, and the connection may serve another one. */
  #isFree = false;

  constructor(parts: ConnectionParts, connectTimeoutMs: number) {
    this.#parts = parts;
    const { endpoint, tls } = parts;
    const options = {
      host: endpoint.address,
      port: endpoint.port,
      noDelay: true,
      onread: { buffer: readBytes, callback: (count: number) => this.#read(count) },
    };
    this.#socket =
      tls === undefined
        ? connect(options)
        : connectTls({
            ...options,
            ...tls,
            ALPNProtocols: ["http/1.1"],
          });
    this.#stopConnecting = parts.clock.after(connectTimeoutMs, () =>
      this.#timeOut("connectTimeout", `no connection within ${connectTimeoutMs} ms`),
    );
    this.#socket.once(tls === undefined ? "connect" : "secureConnect", () => this.#connected());
    this.#socket.on("drain", () => this.#exchange?.drained());
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("error", (error) => this.#fail(this.#isConnected ? "broken" : "connect", error));
    this.#socket.on("close", () => {
      this.#fail(this.#isConnected ? "broken" : "connect", new Error("the endpoint closed the connection"));
      this.#close();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get idleSinceMs(): number {
    return this.#activeMs;
  }

  /** How long it may be kept without a request. */
  idleMs(mostMs: number): number {
    const seconds = this.#parser.idleSecondsMost;
    // A second before the endpoint ends it, lest that happens under a request.
    return seconds === undefined ? mostMs : Math.min(mostMs, (seconds - 1) * 1000);
  }

  /** @throws Where the head cannot be said. */
  send(head: UpstreamHead, events: UpstreamEvents): UpstreamExchange {
    const text = requestHead(head);
    const body = new RequestBody(head);
    const exchange = new Exchange(this.#socket, this, { body, events, wasReused: this.#asked > 0 });
    this.#exchange = exchange;
    this.#asked += 1;
    this.#parser.expect(head.method);
    this.#socket.write(text, "latin1");
    this.#silenceMs = head.settings.readTimeoutMs;
    if (this.#isConnected) {
      this.#watch();
      exchange.connected();
    }
    return exchange;
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
    this.#close();
  }

  /** What is written would be no whole request. */
  fail(error: Error): void {
    this.#fail("broken", error);
  }

  /** Something was written. */
  wrote(): void {
    this.#activeMs = this.#parts.clock.monotonicMs();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#activeMs = this.#parts.clock.monotonicMs();
    this.#socket.resume();
  }

  head(head: AnswerHead): void {
    this.#exchange?.answered(head);
  }

  body(bytes: Buffer): void {
    if (this.#exchange?.data(bytes) === false) this.#isPaused = true;
  }

  whole(trailers: readonly string[]): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#isPaused = false;
    if (this.#parser.keepsAlive && exchange.isSent) this.#isFree = true;
    exchange.ended(trailers);
  }

  #connected(): void {
    this.#isConnected = true;
    this.#stopConnecting();
    this.#watch();
    this.#exchange?.connected();
  }

  /** @returns Whether more may be read. */
  #read(count: number): boolean {
    if (this.#isClosed) return false;
    this.#activeMs = this.#parts.clock.monotonicMs();
    const bytes = readBytes.subarray(0, count);
    try {
      const behind = this.#parser.read(bytes);
      if (!this.#parser.isDone) {
        this.#exchange?.paused();
        return !this.#isPaused;
      }
      // What nobody asked for belongs to no answer.
      if (behind < count) this.#isFree = false;
    } catch (error) {
      if (!(error instanceof AnswerFault)) throw error;
      this.#fail("invalid", error);
    }
    if (this.#isFree && !this.#isClosed) {
      this.#isFree = false;
      this.#parts.onFree(this);
    } else this.destroy();
    return true;
  }

  #ended(): void {
    if (this.#parser.close()) this.destroy();
    else this.#fail("broken", new Error("the endpoint closed the connection"));
  }

  #watch(): void {
    const { clock } = this.#parts;
    this.#activeMs = clock.monotonicMs();
    const atMs = this.#activeMs + this.#silenceMs;
    if (atMs >= this.#watchMs) return;
    this.#stopWatch();
    this.#watchMs = atMs;
    this.#stopWatch = clock.after(this.#silenceMs, () => this.#look());
  }

  #look(): void {
    this.#watchMs = Number.POSITIVE_INFINITY;
    if (this.#exchange === undefined) return;
    const nowMs = this.#parts.clock.monotonicMs();
    // Whoever takes too slowly is told of elsewhere.
    const restMs = this.#isPaused ? this.#silenceMs : this.#activeMs + this.#silenceMs - nowMs;
    if (restMs <= 0) this.#timeOut("timeout", `silent for ${this.#silenceMs} ms`);
    else {
      this.#watchMs = nowMs + restMs;
      this.#stopWatch = this.#parts.clock.after(restMs, () => this.#look());
    }
  }

  #timeOut(kind: "timeout" | "connectTimeout", why: string): void {
    this.#fail(kind, new Error(why));
  }

  #fail(kind: UpstreamFailure["kind"], error: Error): void {
    const exchange = this.#exchange;
    this.destroy();
    exchange?.failed(kind, error);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatch();
    this.#stopConnecting();
    this.#parts.onClosed(this);
  }
}

interface ExchangeParts {
  readonly body: RequestBody;
  readonly events: UpstreamEvents;
  readonly wasReused: boolean;
}

/** One request and its answer. */
class Exchange implements UpstreamExchange {
  readonly #socket: Socket;
  readonly #connection: Http1Connection;
  readonly #body: RequestBody;
  readonly #events: UpstreamEvents;
  readonly #wasReused: boolean;
  #isOver = false;

  constructor(socket: Socket, connection: Http1Connection, { body, events, wasReused }: ExchangeParts) {
    this.#socket = socket;
    this.#connection = connection;
    this.#body = body;
    this.#events = events;
    this.#wasReused = wasReused;
  }

  /** The whole request is on its way. */
  get isSent(): boolean {
    return this.#body.isWhole;
  }

  write(bytes: Buffer): boolean {
    if (this.#isOver) return true;
    this.#connection.wrote();
    try {
      this.#body.write(this.#socket, bytes);
    } catch (error) {
      this.#connection.fail(error as Error);
    }
    return !this.#socket.writableNeedDrain;
  }

  end(): void {
    if (this.#isOver) return;
    try {
      this.#body.end(this.#socket);
    } catch (error) {
      this.#connection.fail(error as Error);
    }
  }

  resume(): void {
    if (!this.#isOver) this.#connection.resume();
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.destroy();
  }

  connected(): void {
    this.#events.connected();
  }

  answered(head: AnswerHead): void {
    this.#events.answered(head);
  }

  data(bytes: Buffer): boolean {
    return this.#isOver || this.#events.data(bytes);
  }

  paused(): void {
    if (!this.#isOver) this.#events.paused();
  }

  ended(trailers: readonly string[]): void {
    this.#isOver = true;
    this.#events.ended(trailers);
  }

  drained(): void {
    this.#events.drained();
  }

  failed(kind: UpstreamFailure["kind"], error: Error): void {
    this.#isOver = true;
    this.#events.failed({ kind, error, wasReused: this.#wasReused });
  }
}

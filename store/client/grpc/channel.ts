import type { Socket } from "node:net";
import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { dialText } from "../../../base/dial-text.ts";
import { ClientConnection, type ClientLimits, requestsMost } from "../../../base/http2/client-connection.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import { CallError } from "../call-error.ts";
import type { Endpoint } from "../endpoints.ts";
import { addressOf, type ClientTls, dial } from "./dial.ts";

/** How long calls fail at once after a connection could not be made. */
const redialWait: BackoffOptions = { firstMs: 100, mostMs: 2_000 };

const limits: ClientLimits = {
  streamWindowBytes: 4 << 20,
  connectionWindowBytes: 16 << 20,
  headerListBytesMost: 64 << 10,
  requestsMost,
  silence: { silentMostMs: 10_000, answerWithinMs: 5_000 },
};

export interface ChannelParts {
  readonly tls: ClientTls;
  readonly clock: Clock;
  readonly random: Random;
  /** A member that takes a connection speaks within this, or is left. */
  readonly connectWithinMs: number;
}

/** Who waits for a connection; one of the two is called, once. */
export interface Waiting {
  connected(connection: ClientConnection): void;
  /** Nothing was sent. */
  failed(error: CallError): void;
}

/** The way to one member: one connection for all calls, opened when first used and again when it is gone. */
export class Channel {
  readonly #endpoint: Endpoint;
  readonly #parts: ChannelParts;
  readonly #waiting = new Set<Waiting>();
  /** That calls go to. */
  #connection: ClientConnection | undefined;
  /** With those that only end what they began. */
  readonly #open = new Set<ClientConnection>();
  #dialing: Socket | undefined;
  #failures = 0;
  #redialAtMs = 0;
  #failure = "";
  #isClosed = false;

  constructor(endpoint: Endpoint, parts: ChannelParts) {
    this.#endpoint = endpoint;
    this.#parts = parts;
  }

  /** Calls one of the two now, or later unless it leaves before. */
  enter(waiting: Waiting): void {
    if (this.#connection?.takesRequests) {
      waiting.connected(this.#connection);
      return;
    }
    if (this.#isClosed || (!this.#dialing && this.#parts.clock.monotonicMs() < this.#redialAtMs)) {
      waiting.failed(this.#unavailable());
      return;
    }
    this.#waiting.add(waiting);
    if (this.#dialing === undefined) this.#dial();
  }

  /** Waits no longer. */
  leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  close(): void {
    this.#isClosed = true;
    this.#failure = "the client is closed";
    this.#dialing?.destroy();
    this.#failWaiting();
    for (const connection of this.#open) connection.close(this.#failure);
  }

  #dial(): void {
    const { clock, tls, connectWithinMs } = this.#parts;
    let connection: ClientConnection | undefined;
    let why: Error | undefined;
    const socket = dial(this.#endpoint, tls, () => {
      connection = new ClientConnection(socket, {
        limits,
        clock,
        onReady: () => this.#ready(connection as ClientConnection, stopTimer),
        onLeaving: (reason) => {
          why ??= new Error(reason);
          if (this.#connection === connection) this.#connection = undefined;
        },
      });
      this.#open.add(connection);
    });
    this.#dialing = socket;
    const stopTimer = clock.after(connectWithinMs, () =>
      socket.destroy(new Error(`the server takes the connection and says nothing for ${connectWithinMs} ms`)),
    );
    socket.on("error", (error) => {
      why ??= error;
    });
    socket.once("close", () => {
      stopTimer();
      if (connection !== undefined) this.#open.delete(connection);
      if (this.#dialing === socket) this.#failed(why ?? new Error("the server closed the connection"));
    });
  }

  #ready(connection: ClientConnection, stopTimer: () => void): void {
    stopTimer();
    this.#dialing = undefined;
    this.#failures = 0;
    this.#redialAtMs = 0;
    this.#connection = connection;
    for (const waiting of [...this.#waiting]) if (this.#waiting.delete(waiting)) this.enter(waiting);
  }

  #failed(error: Error): void {
    const { clock, random } = this.#parts;
    this.#dialing = undefined;
    if (this.#isClosed) return;
    this.#failures += 1;
    this.#redialAtMs = clock.monotonicMs() + backoffMs(redialWait, this.#failures, random);
    const to = addressOf(this.#endpoint);
    this.#failure = `no connection to ${this.#endpoint.address}: ${"port" in to ? dialText(error, to) : error.message}`;
    this.#failWaiting();
  }

  #failWaiting(): void {
    for (const waiting of [...this.#waiting])
      if (this.#waiting.delete(waiting)) waiting.failed(this.#unavailable());
  }

  #unavailable(): CallError {
    return new CallError("UNAVAILABLE", this.#failure, { sent: false });
  }
}

import type { Socket } from "node:net";
import { type BackoffOptions, backoffMs } from "../backoff.ts";
import type { Clock } from "../os/clock.ts";
import type { Random } from "../os/random.ts";
import { tellEach } from "../tell-each.ts";
import { ClientConnection, type ClientLimits } from "./client-connection.ts";

export interface ChannelParts<E extends Error> {
  /** Begins to connect. A failure is the socket's `error`. `onConnected` is called once the server may be spoken to. */
  readonly dial: (onConnected: () => void) => Socket;
  readonly limits: ClientLimits;
  /** A server that takes a connection speaks within this, or is left. */
  readonly connectWithinMs: number;
  /** How long requests fail at once after a connection could not be made. */
  readonly redialWait: BackoffOptions;
  readonly clock: Clock;
  readonly random: Random;
  /** What is told to those that wait for a connection that cannot be made. */
  readonly unavailable: (why: Error) => E;
}

/** Who waits for a connection; one of the two is called, once. */
export interface Waiting<E extends Error> {
  connected(connection: ClientConnection): void;
  /** Nothing was sent. */
  failed(error: E): void;
}

/** The way to one server: one connection for all requests, opened when first used and again when it is gone. It keeps the process
 *  only while something is asked. */
export class ClientChannel<E extends Error> {
  readonly #parts: ChannelParts<E>;
  readonly #waiting = new Set<Waiting<E>>();
  /** That requests go to. */
  #connection: ClientConnection | undefined;
  /** With those that only end what they began. */
  readonly #open = new Set<ClientConnection>();
  #dialing: Socket | undefined;
  #failures = 0;
  #redialAtMs = 0;
  #failure = new Error("not connected");
  #isClosed = false;

  constructor(parts: ChannelParts<E>) {
    this.#parts = parts;
  }

  /** How many requests the server takes at once; undefined while there is no connection. */
  get streamsMost(): number | undefined {
    return this.#connection?.streamsMost;
  }

  /** Calls one of the two now, or later unless it leaves before. */
  enter(waiting: Waiting<E>): void {
    if (this.#connection?.takesRequests) {
      waiting.connected(this.#connection);
      return;
    }
    if (this.#isClosed || (!this.#dialing && this.#parts.clock.monotonicMs() < this.#redialAtMs)) {
      waiting.failed(this.#parts.unavailable(this.#failure));
      return;
    }
    this.#waiting.add(waiting);
    if (this.#dialing === undefined) this.#dial();
  }

  /** Waits no longer. */
  leave(waiting: Waiting<E>): void {
    this.#waiting.delete(waiting);
  }

  /** Ends all that is under way, for this reason, and all that is asked from now on. */
  close(reason: string): void {
    this.#isClosed = true;
    this.#failure = new Error(reason);
    this.#dialing?.destroy();
    this.#failWaiting();
    for (const connection of this.#open) connection.close(reason);
  }

  #dial(): void {
    const { clock, limits, connectWithinMs } = this.#parts;
    let connection: ClientConnection | undefined;
    let why: Error | undefined;
    const socket = this.#parts.dial(() => {
      connection = new ClientConnection(socket, {
        limits,
        clock,
        onReady: () => this.#ready(connection as ClientConnection, stopTimer),
        onUsed: (isUsed) => {
          if (isUsed) socket.ref();
          else socket.unref();
        },
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

  #failed(why: Error): void {
    const { clock, random, redialWait } = this.#parts;
    this.#dialing = undefined;
    if (this.#isClosed) return;
    this.#failures += 1;
    this.#redialAtMs = clock.monotonicMs() + backoffMs(redialWait, this.#failures, random);
    this.#failure = why;
    this.#failWaiting();
  }

  #failWaiting(): void {
    const error = this.#parts.unavailable(this.#failure);
    tellEach([...this.#waiting], (waiting) => {
      if (this.#waiting.delete(waiting)) waiting.failed(error);
    });
  }
}

import type { Duplex } from "node:stream";
import type { Clock } from "../os/clock.ts";
import type { Log } from "../os/log.ts";
import { Http2Connection } from "./connection.ts";
import type { Http2Limits } from "./limits.ts";
import type { Route } from "./stream.ts";

/** How long answers that are being worked on may take when the server stops. */
const drainMostMs = 1_000;

/** Serves HTTP/2 on connections that are handed in. */
export class Http2Server {
  readonly #parts: {
    readonly limits: Http2Limits;
    readonly route: Route;
    readonly apart?: string;
    readonly clock: Pick<Clock, "monotonicMs" | "after">;
    readonly log: Log;
  };
  readonly #connections = new Set<Http2Connection>();
  #onIdle: () => void = () => undefined;
  #isStopping = false;

  constructor(parts: {
    readonly limits: Http2Limits;
    readonly route: Route;
    /** A header that is different in each request, as a deadline is. It comes with the stream, not among the others. */
    readonly apart?: string;
    readonly clock: Pick<Clock, "monotonicMs" | "after">;
    readonly log: Log;
  }) {
    this.#parts = parts;
  }

  /** Takes over a connection whose first bytes are, or will be, HTTP/2's. */
  accept(socket: Duplex): void {
    if (this.#isStopping) {
      socket.destroy();
      return;
    }
    const connection = new Http2Connection(socket, {
      ...this.#parts,
      onClosed: () => {
        this.#connections.delete(connection);
        this.#onIdle();
      },
      onIdle: () => this.#onIdle(),
    });
    this.#connections.add(connection);
  }

  /** Takes nothing new; every connection closes once what was begun on it is answered. */
  leave(): void {
    this.#isStopping = true;
    for (const connection of [...this.#connections]) connection.goAway();
  }

  /** The same, but answers may take a moment only. */
  async stop(): Promise<void> {
    this.leave();
    const isIdle = () => [...this.#connections].every((connection) => !connection.isBusy);
    if (!isIdle())
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(drainMostMs, resolve);
        this.#onIdle = () => {
          if (!isIdle()) return;
          cancel();
          resolve();
        };
      });
    for (const connection of [...this.#connections]) connection.destroy();
  }
}

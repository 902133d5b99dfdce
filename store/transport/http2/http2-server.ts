import type { Duplex } from "node:stream";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import { Http2Connection } from "./connection.ts";
import type { ServeStream } from "./stream.ts";

/** How long answers that are being worked on may take when the server stops. */
const drainMostMs = 1_000;

/** Serves HTTP/2 on connections that are handed in. */
export class Http2Server {
  readonly #parts: {
    readonly serve: ServeStream;
    readonly clock: Pick<Clock, "monotonicMs" | "after">;
    readonly log: Log;
  };
  readonly #connections = new Set<Http2Connection>();
  #onIdle: () => void = () => undefined;
  #isStopping = false;

  constructor(parts: {
    readonly serve: ServeStream;
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

  /** Takes nothing new, lets what is being worked on be answered for a moment, then closes every connection. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const connection of this.#connections) connection.goAway();
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

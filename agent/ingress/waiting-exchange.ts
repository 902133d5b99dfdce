import type { Clock } from "../../base/os/clock.ts";
import type { Http1Connection } from "./http1-connection.ts";
import type { UpstreamEvents, UpstreamExchange, UpstreamHead } from "./upstream.ts";

export interface WaitingParts {
  readonly clock: Pick<Clock, "after">;
  /** It waits no longer. */
  readonly onLeft: () => void;
}

/** A request for which no connection is free and none may be made. It waits as long as one may take to be made. */
export class WaitingExchange implements UpstreamExchange {
  readonly #head: UpstreamHead;
  readonly #events: UpstreamEvents;
  readonly #parts: WaitingParts;
  readonly #cancelTimer: () => void;
  #exchange: UpstreamExchange | undefined;

  constructor(head: UpstreamHead, events: UpstreamEvents, parts: WaitingParts) {
    this.#head = head;
    this.#events = events;
    this.#parts = parts;
    this.#cancelTimer = parts.clock.after(this.connectTimeoutMs, () => {
      parts.onLeft();
      const error = new Error(`no connection was free within ${this.connectTimeoutMs} ms`);
      events.failed({ kind: "connectTimeout", error, wasReused: false });
    });
  }

  get connectTimeoutMs(): number {
    return this.#head.settings.connectTimeoutMs;
  }

  /** It has its turn. */
  begin(connection: Http1Connection): void {
    this.#cancelTimer();
    try {
      this.#exchange = connection.send(this.#head, this.#events);
    } catch (error) {
      connection.destroy();
      this.#events.failed({ kind: "invalid", error: error as Error, wasReused: false });
    }
  }

  write(bytes: Buffer): boolean {
    return this.#exchange?.write(bytes) ?? true;
  }

  end(): void {
    this.#exchange?.end();
  }

  resume(): void {
    this.#exchange?.resume();
  }

  destroy(): void {
    this.#cancelTimer();
    this.#parts.onLeft();
    this.#exchange?.destroy();
  }
}

import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import type { Clock } from "../../base/os/clock.ts";
import { ConnectionError } from "../../client/api-error.ts";
import {
  type HttpAnswer,
  type HttpRequest,
  type HttpWay,
  type RequestHeaders,
  TimeoutError,
} from "../../client/http/request.ts";
import type { LocalResponse } from "./local-response.ts";
import type { Caller, LocalServer } from "./local-server.ts";

/** Stands between callers and the server: it may let a request wait, fail it, or lose its answer.
 *  @param closed Aborts when its caller does not wait any more. */
export type Between = (
  caller: Caller,
  request: HttpRequest,
  ask: () => Promise<HttpAnswer>,
  closed: AbortSignal,
) => Promise<HttpAnswer>;

const nobody = () => () => {};

/** What a way needs beside its server. */
export interface LocalWayDeps {
  readonly clock: Clock;
  readonly between: Between;
  /** Is told of each request that somebody waits for, and answers with what ends that; absent: nobody outside of the cluster
   *  waits for what is asked here. */
  readonly waits?: () => () => void;
}

/** One caller's way to the API server of this process. */
export class LocalWay implements HttpWay {
  readonly #server: LocalServer;
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #between: Between;
  readonly #waits: () => () => void;
  readonly #open = new Set<LocalResponse>();
  readonly #closing = new AbortController();

  constructor(server: LocalServer, caller: Caller, { clock, between, waits = nobody }: LocalWayDeps) {
    this.#server = server;
    this.#caller = caller;
    this.#clock = clock;
    this.#between = between;
    this.#waits = waits;
    setMaxListeners(0, this.#closing.signal); // every request that is held back listens
  }

  async send(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    const end = this.#waits();
    try {
      await this.#server.turnOfLoop();
      const ask = () => this.#ask(request, headers);
      return await this.#between(this.#caller, request, ask, this.#closing.signal);
    } finally {
      end();
    }
  }

  connect(): Duplex {
    this.#closing.signal.throwIfAborted();
    return this.#server.connect(this.#caller);
  }

  giveUp(): void {
    for (const response of [...this.#open]) response.destroy();
  }

  /** Nothing that is said later is heard. */
  close(): void {
    this.#closing.abort(new ConnectionError("the client was closed", { neverSent: true }));
    this.giveUp();
  }

  async #ask(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    const { signal, method, path } = request;
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const response = this.#server.ask(this.#caller, request, headers);
    this.#open.add(response);
    const onAbort = () => response.destroy();
    signal?.addEventListener("abort", onAbort, { once: true });
    const end = this.#waits();
    response.on("close", () => {
      end();
      this.#open.delete(response);
      signal?.removeEventListener("abort", onAbort);
    });
    let late: TimeoutError | undefined;
    const cancel = this.#clock.after(request.timeoutMs, () => {
      late = new TimeoutError("timed out");
      response.destroy();
    });
    try {
      return await response.answer;
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw new ConnectionError(`${method} ${path}: no answer`, { neverSent: false, cause: late ?? cause });
    } finally {
      cancel();
    }
  }
}

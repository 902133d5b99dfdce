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

/** Stands between callers and the server: it may let a request wait, fail it, or lose its answer. */
export type Between = (
  caller: Caller,
  request: HttpRequest,
  ask: () => Promise<HttpAnswer>,
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
  #isClosed = false;

  constructor(server: LocalServer, caller: Caller, { clock, between, waits = nobody }: LocalWayDeps) {
    this.#server = server;
    this.#caller = caller;
    this.#clock = clock;
    this.#between = between;
    this.#waits = waits;
  }

  async send(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    const end = this.#waits();
    try {
      return await this.#between(this.#caller, request, () => this.#ask(request, headers));
    } finally {
      end();
    }
  }

  connect(): Duplex {
    if (this.#isClosed) throw new ConnectionError("the client is closed", { neverSent: true });
    return this.#server.connect(this.#caller);
  }

  giveUp(): void {
    for (const response of [...this.#open]) response.destroy();
  }

  /** Nothing that is said later is heard. */
  close(): void {
    this.#isClosed = true;
    this.giveUp();
  }

  async #ask(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    const { signal, method, path } = request;
    signal?.throwIfAborted();
    if (this.#isClosed)
      throw new ConnectionError(`${method} ${path}: the client is closed`, { neverSent: true });
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

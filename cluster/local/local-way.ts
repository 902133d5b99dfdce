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

/** One caller's way to the API server of this process. */
export class LocalWay implements HttpWay {
  readonly #server: LocalServer;
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #between: Between;
  readonly #open = new Set<LocalResponse>();
  #isClosed = false;

  constructor(server: LocalServer, caller: Caller, { clock, between }: { clock: Clock; between: Between }) {
    this.#server = server;
    this.#caller = caller;
    this.#clock = clock;
    this.#between = between;
  }

  async send(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    return this.#between(this.#caller, request, () => this.#ask(request, headers));
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
    response.on("close", () => {
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

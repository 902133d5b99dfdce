import type { Clock } from "../../base/os/clock.ts";
import { methods } from "../../proto/etcd-methods.ts";
import type { StoreErrorCode } from "../errors.ts";
import { CallError } from "./call-error.ts";
import type { Endpoint } from "./endpoints.ts";
import type { CallSettings, ClientStream, ClientTransport, StreamHandlers } from "./transport.ts";

/** Whom a client logs in as. */
export interface Login {
  readonly name: string;
  readonly password: string;
}

/** What servers answer to a token that counts no more, or to a call without one after authentication was turned on. They refuse
 *  before anything is done. */
const staleCodes: ReadonlySet<StoreErrorCode | undefined> = new Set([
  "INVALID_AUTH_TOKEN",
  "AUTH_OLD_REVISION",
  "USER_EMPTY",
] as const);
const loginWithinMs = 10_000;

/** Whether the call is to be made again with another token. */
export const isStaleLogin = (error: unknown): error is CallError =>
  error instanceof CallError && staleCodes.has(error.code);

/** A login at one member; its token counts at all. */
interface LoggedIn {
  readonly endpoint: Endpoint;
  /** Undefined where the server wants none. */
  readonly token: Promise<string | undefined>;
  /** The member has answered. */
  isKnown: boolean;
}
type UnarySettings = Parameters<ClientTransport["unary"]>[3];

/** Logs in before the first call, and again when its token counts no more; a server without authentication is called as it is. */
export class LoginTransport implements ClientTransport {
  readonly #inner: ClientTransport;
  readonly #login: Login;
  readonly #clock: Clock;
  #last: LoggedIn | undefined;

  constructor(inner: ClientTransport, login: Login, clock: Clock) {
    this.#inner = inner;
    this.#login = login;
    this.#clock = clock;
  }

  async unary(
    endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: UnarySettings,
  ): Promise<Uint8Array> {
    const deadlineMs = this.#clock.monotonicMs() + settings.timeoutMs;
    let { timeoutMs } = settings;
    for (let attempt = 1; ; attempt++) {
      const known = this.#loginBy(endpoint);
      const isWaiting = !known.isKnown;
      const token = isWaiting
        ? await this.#inTime(known.token, { ...settings, timeoutMs })
        : await known.token;
      if (isWaiting) timeoutMs = Math.max(1, Math.ceil(deadlineMs - this.#clock.monotonicMs()));
      try {
        return await this.#inner.unary(endpoint, path, request, { ...settings, timeoutMs, token });
      } catch (error) {
        if (attempt > 1 || !isStaleLogin(error)) throw error;
        this.#forget(known);
      }
    }
  }

  /** One whose token counts no more ends as unavailable: whoever opens it anew gets another. */
  stream(endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
    const known = this.#loginBy(endpoint);
    const waiting: ((stream: ClientStream) => void)[] = [];
    let stream: ClientStream | undefined;
    let isOver = false;
    const does = (act: (stream: ClientStream) => void) => {
      if (stream !== undefined) act(stream);
      else waiting.push(act);
    };
    const end = (error: CallError | undefined) => {
      if (isOver) return;
      isOver = true;
      if (isStaleLogin(error)) this.#forget(known);
      handlers.end(isStaleLogin(error) ? new CallError("UNAVAILABLE", error.message) : error);
    };
    known.token.then(
      (token) => {
        if (isOver) return;
        stream = this.#inner.stream(
          endpoint,
          path,
          { ...settings, token },
          { message: handlers.message, end },
        );
        for (const act of waiting.splice(0)) act(stream);
      },
      (error: CallError) => end(error),
    );
    return {
      send: (bytes) => does((open) => open.send(bytes)),
      halfClose: () => does((open) => open.halfClose()),
      cancel: () => {
        isOver = true;
        stream?.cancel();
      },
    };
  }

  loginRefused(): void {
    this.#last = undefined;
  }

  close(): void {
    this.#inner.close();
  }

  /** The last login, unless another member is still to answer it: that one may be gone. */
  #loginBy(endpoint: Endpoint): LoggedIn {
    if (this.#last?.isKnown || this.#last?.endpoint === endpoint) return this.#last;
    const asked: LoggedIn = { endpoint, token: this.#ask(endpoint), isKnown: false };
    this.#last = asked;
    asked.token.then(
      () => {
        asked.isKnown = true;
      },
      () => this.#forget(asked), // whoever waits for it hears of it
    );
    return asked;
  }

  /** Others may have asked for a newer one meanwhile. */
  #forget(known: LoggedIn): void {
    if (this.#last === known) this.#last = undefined;
  }

  /** Who calls waits for the login no longer than for its own answer; the login goes on, for those who call later. */
  #inTime<T>(login: Promise<T>, settings: UnarySettings): Promise<T> {
    const { timeoutMs, connectWithinMs = timeoutMs, signal } = settings;
    return new Promise((resolve, reject) => {
      const status = connectWithinMs < timeoutMs ? "UNAVAILABLE" : "DEADLINE_EXCEEDED";
      const withinMs = Math.min(connectWithinMs, timeoutMs);
      const late = () => reject(new CallError(status, `no login within ${withinMs} ms`, { sent: false }));
      const onAbort = () => reject(signal?.reason);
      if (signal?.aborted) return onAbort();
      const stopTimer = this.#clock.after(withinMs, late);
      signal?.addEventListener("abort", onAbort, { once: true });
      login.then(resolve, reject).finally(() => {
        stopTimer();
        signal?.removeEventListener("abort", onAbort);
      });
    });
  }

  /** Whatever becomes of it, the call that it is for was not sent. */
  async #ask(endpoint: Endpoint): Promise<string | undefined> {
    const { path, request, response } = methods.authenticate;
    const settings = { timeoutMs: loginWithinMs, requireLeader: true };
    try {
      const answer = await this.#inner.unary(endpoint, path, request.encode(this.#login), settings);
      return response.decode(answer).token;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === "AUTH_NOT_ENABLED") return undefined;
      throw new CallError(error.status, error.message, { sent: false, cause: error });
    }
  }
}

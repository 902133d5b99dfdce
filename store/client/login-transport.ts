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

/** Logs in before the first call, and again when its token counts no more; a server without authentication is called as it is. */
export class LoginTransport implements ClientTransport {
  readonly #inner: ClientTransport;
  readonly #login: Login;
  /** Undefined where the server wants none. */
  #token: Promise<string | undefined> | undefined;

  constructor(inner: ClientTransport, login: Login) {
    this.#inner = inner;
    this.#login = login;
  }

  async unary(
    endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      const known = this.#tokenBy(endpoint);
      const token = await known;
      try {
        return await this.#inner.unary(endpoint, path, request, { ...settings, token });
      } catch (error) {
        if (attempt > 1 || !isStaleLogin(error)) throw error;
        this.#forget(known);
      }
    }
  }

  /** One whose token counts no more ends as unavailable: whoever opens it anew gets another. */
  stream(endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
    const known = this.#tokenBy(endpoint);
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
    known.then(
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
    this.#token = undefined;
  }

  close(): void {
    this.#inner.close();
  }

  #tokenBy(endpoint: Endpoint): Promise<string | undefined> {
    if (this.#token !== undefined) return this.#token;
    const asked = this.#ask(endpoint);
    this.#token = asked;
    asked.catch(() => this.#forget(asked)); // whoever waits for it hears of it
    return asked;
  }

  /** Others may have asked for a newer one meanwhile. */
  #forget(known: Promise<string | undefined>): void {
    if (this.#token === known) this.#token = undefined;
  }

  async #ask(endpoint: Endpoint): Promise<string | undefined> {
    const { path, request, response } = methods.authenticate;
    const settings = { timeoutMs: loginWithinMs, requireLeader: true };
    try {
      const answer = await this.#inner.unary(endpoint, path, request.encode(this.#login), settings);
      return response.decode(answer).token;
    } catch (error) {
      if (error instanceof CallError && error.code === "AUTH_NOT_ENABLED") return undefined;
      // Asking twice does no harm, whatever became of the first time.
      if (error instanceof CallError && error.status === "UNAVAILABLE")
        throw new CallError("UNAVAILABLE", error.message, { sent: false, cause: error });
      throw error;
    }
  }
}

import { methods } from "../../../proto/etcd-methods.ts";
import type { StoreErrorCode } from "../../../store/errors.ts";
import type { Call } from "../../../store/rpc/handler.ts";
import type { Calls } from "../calls.ts";
import type { Access, Shown } from "../checkers/access.ts";
import type { EventLog } from "../event-log.ts";
import type { Machine } from "../machine.ts";
import type { AnyMethod, Outcome } from "../operation.ts";
import { ownCall } from "../own-call.ts";

const patienceMs = 12_000;

/** After these a client authenticates anew. */
const needsToken: ReadonlySet<StoreErrorCode> = new Set(["USER_EMPTY", "INVALID_AUTH_TOKEN"]);

/** Passwords that users have, or may have: the newest last. Whoever changes one tells here. */
export type KnownPasswords = Map<string, readonly string[]>;

export interface SessionParts {
  readonly calls: Calls;
  readonly access: Access;
  readonly events: EventLog;
  readonly passwords: KnownPasswords;
  /** The furthest place in the log that was answered. */
  readonly floor: () => number;
}

/** A client as one of the store's users: shows the token that it got last, and gets another when that does not hold. */
export class Session {
  readonly #user: string;
  readonly #parts: SessionParts;
  #token: string | undefined;
  #isStale = false;
  #tries = 0;

  constructor(user: string, parts: SessionParts) {
    this.#user = user;
    this.#parts = parts;
  }

  get shown(): Shown {
    return { user: this.#user, token: this.#token };
  }

  /** To be called with what became of each call. */
  told(outcome: Outcome): void {
    if (outcome.kind === "error" && needsToken.has(outcome.code)) this.#isStale = true;
  }

  /** Gets another token where that is due. */
  async ready(machine: Machine): Promise<void> {
    if (!this.#isStale) return;
    const { calls, access, events, passwords, floor } = this.#parts;
    const known = passwords.get(this.#user) ?? [];
    const password = known[known.length - 1 - (this.#tries % Math.max(1, known.length))];
    if (password === undefined) return;
    const asked = { user: this.#user, password, floor: floor() };
    const method = methods.authenticate as AnyMethod;
    const bytes = method.request.encode({ name: this.#user, password });
    const { outcome } = await calls.unary(machine, method, bytes, patienceMs, nobody);
    events.add(
      `${this.#user} authenticates with ${machine.name}: ${outcome.kind === "error" ? outcome.code : outcome.kind}`,
    );
    if (outcome.kind === "error") {
      access.authenticated(asked, outcome);
      if (outcome.code === "AUTH_FAILED") this.#tries++;
      if (outcome.code !== "AUTH_NOT_ENABLED") return;
      this.#token = undefined;
      this.#isStale = false;
    } else if (outcome.kind === "answer") {
      const { token } = outcome.response as { readonly token: string };
      access.authenticated(asked, { token });
      this.#token = token;
      this.#tries = 0;
      this.#isStale = false;
    }
  }
}

const nobody: Call = { requireLeader: false };

/** What a call shows of who asks; as the member itself where nobody in particular does. */
export const callOf = (shown: Shown | undefined): Call =>
  shown === undefined ? ownCall : { requireLeader: false, token: shown.token };

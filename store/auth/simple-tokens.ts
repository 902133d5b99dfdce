import type { Random } from "../../base/os/random.ts";
import type { Authenticated, TokenOwner, Tokens } from "./tokens.ts";

const prefixLength = 16;
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** A random prefix and the place of its authentication in the log. */
const form = /^[^.]*\.(\d{1,20})$/;

/** Bugs that simulation plants, by name. */
export interface TokenFaults {
  /** Tokens hold though their user is gone or has another password. */
  readonly keepTokens?: true;
}

export interface SimpleTokensParts {
  /** How long a token holds that nobody uses. */
  readonly ttlMs: number;
  readonly monotonicMs: () => number;
  /** One that nobody can guess. */
  readonly random: Random;
  /** Undefined where this member has applied the log up to there; else resolves when it has, or when it was waited for long
   *  enough. */
  readonly applied: (index: number, call: { readonly signal?: AbortSignal }) => Promise<void> | undefined;
  readonly faults?: TokenFaults | undefined;
}

interface Held {
  readonly name: string;
  readonly untilMs: number;
}

/** etcd's tokens of the kind `simple`: random texts that every member keeps in memory, put there as their authentication is
 *  applied. A member that has not come so far yet waits until it has. Each use on a member keeps a token alive there.
 *  Invariant: the map is in the order in which tokens run out. */
export class SimpleTokens implements Tokens {
  readonly #parts: SimpleTokensParts;
  readonly #held = new Map<string, Held>();
  #isOn = false;

  constructor(parts: SimpleTokensParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#held.size;
  }

  prefix(): string {
    const { random } = this.#parts;
    return Array.from({ length: prefixLength }, () => letters[random.uint32() % letters.length]).join("");
  }

  authenticated(applied: Authenticated): void {
    if (!this.#isOn) return;
    this.#dropExpired();
    this.#keep(textOf(applied), applied.name);
  }

  issue(applied: Authenticated): string {
    return textOf(applied);
  }

  async owner(token: string, call: { readonly signal?: AbortSignal }): Promise<TokenOwner | undefined> {
    const index = form.exec(token)?.[1];
    if (index === undefined) return undefined;
    const waiting = this.#parts.applied(Number(index), call);
    if (waiting !== undefined) await waiting;
    this.#dropExpired();
    const held = this.#held.get(token);
    if (held === undefined) return undefined;
    this.#keep(token, held.name);
    return { name: held.name };
  }

  enable(): void {
    this.#isOn = true;
  }

  disable(): void {
    this.#isOn = false;
    this.#held.clear();
  }

  forget(user: string): void {
    if (this.#parts.faults?.keepTokens) return;
    for (const [token, { name }] of this.#held) if (name === user) this.#held.delete(token);
  }

  #keep(token: string, name: string): void {
    this.#held.delete(token);
    this.#held.set(token, { name, untilMs: this.#parts.monotonicMs() + this.#parts.ttlMs });
  }

  #dropExpired(): void {
    const nowMs = this.#parts.monotonicMs();
    for (const [token, { untilMs }] of this.#held) {
      if (untilMs > nowMs) break;
      this.#held.delete(token);
    }
  }
}

const textOf = ({ prefix, index }: Authenticated): string => `${prefix}.${index}`;

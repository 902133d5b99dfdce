/** An authentication that was applied. */
export interface Authenticated {
  readonly name: string;
  /** What `prefix` gave before the authentication entered the log. */
  readonly prefix: string;
  /** The place of the authentication in the log. */
  readonly index: number;
  /** Of users and roles at that time. */
  readonly revision: number;
}

export interface TokenOwner {
  readonly name: string;
  /** The revision of users and roles that the token itself names, if it does. */
  readonly revision?: number;
}

/** What clients show in place of a password. */
export interface Tokens {
  /** The beginning of a new token, where all members are to know it by what is applied; else empty. */
  prefix(): string;
  /** To be called for every authentication that is applied, whoever asked for it. */
  authenticated(applied: Authenticated): void;
  /** The token for who asked. Throws StoreError where this member cannot make any. */
  issue(applied: Authenticated): string;
  /** Whose token it is; undefined for one that does not hold. `call`: what it came with. */
  owner(token: string, call: { readonly signal?: AbortSignal }): Promise<TokenOwner | undefined>;
  /** Authentication was turned on. */
  enable(): void;
  /** Authentication was turned off: no token holds any more. */
  disable(): void;
  /** The user is gone, or has another password. */
  forget(user: string): void;
}

import type { KeyObject } from "node:crypto";
import { parseJws, signedJws } from "../../base/os/jws.ts";
import { isSignatureOf, type SignMethodName } from "../../base/os/sign-methods.ts";
import { StoreError } from "../errors.ts";
import type { Authenticated, TokenOwner, Tokens } from "./tokens.ts";

export interface JwtKeys {
  readonly method: SignMethodName;
  /** Undefined: tokens are checked here and made elsewhere. */
  readonly signing: KeyObject | undefined;
  readonly verifying: KeyObject;
}

/** etcd's tokens of the kind `jwt` (RFC 7519): who it is, and the revision of users and roles, signed, until a time. Members keep
 *  nothing of them; they take every one that their key fits.
 *  Invariant: a token is worth something at its own revision only, whatever its time. */
export class JwtTokens implements Tokens {
  readonly #keys: JwtKeys;
  readonly #ttlMs: number;
  readonly #wallMs: () => number;

  constructor(keys: JwtKeys, ttlMs: number, wallMs: () => number) {
    this.#keys = keys;
    this.#ttlMs = ttlMs;
    this.#wallMs = wallMs;
  }

  prefix(): string {
    return "";
  }

  authenticated(): void {}

  issue({ name, revision }: Authenticated): string {
    const { method, signing } = this.#keys;
    if (signing === undefined) throw new StoreError("VERIFY_ONLY");
    const exp = Math.floor((this.#wallMs() + this.#ttlMs) / 1_000);
    return signedJws({ typ: "JWT" }, { exp, revision, username: name }, { key: signing, algorithm: method });
  }

  async owner(token: string): Promise<TokenOwner | undefined> {
    const { method, verifying } = this.#keys;
    const jws = parseJws(token);
    // What a token says of its own signature is not believed: it must be the one way that this member knows.
    if (jws?.algorithm !== method) return undefined;
    if (!isSignatureOf(method, jws.signed, verifying, jws.signature)) return undefined;
    return this.#ownerIn(jws.claims);
  }

  enable(): void {}
  disable(): void {}
  forget(): void {}

  #ownerIn(claims: Readonly<Record<string, unknown>>): TokenOwner | undefined {
    const { username, revision, exp, nbf } = claims;
    const nowS = this.#wallMs() / 1_000;
    if (exp !== undefined && !(typeof exp === "number" && nowS < exp)) return undefined;
    if (nbf !== undefined && !(typeof nbf === "number" && nowS >= nbf)) return undefined;
    if (typeof username !== "string" || typeof revision !== "number") return undefined;
    return revision >= 0 && revision <= Number.MAX_SAFE_INTEGER
      ? { name: username, revision: Math.trunc(revision) }
      : undefined;
  }
}

import type { KeyObject } from "node:crypto";
import { StoreError } from "../errors.ts";
import { isSignatureOf, type SignMethodName, signatureOf } from "./sign-methods.ts";
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
    const text = `${encoded({ alg: method, typ: "JWT" })}.${encoded({ exp, revision, username: name })}`;
    return `${text}.${signatureOf(method, text, signing).toString("base64url")}`;
  }

  async owner(token: string): Promise<TokenOwner | undefined> {
    const { method, verifying } = this.#keys;
    const [head, body, signature, ...more] = token.split(".");
    if (head === undefined || body === undefined || signature === undefined || more.length > 0)
      return undefined;
    // What a token says of its own signature is not believed: it must be the one way that this member knows.
    if (decoded(head)?.alg !== method || !isBase64Url(signature)) return undefined;
    if (!isSignatureOf(method, `${head}.${body}`, verifying, Buffer.from(signature, "base64url")))
      return undefined;
    return this.#ownerIn(decoded(body));
  }

  enable(): void {}
  disable(): void {}
  forget(): void {}

  #ownerIn(claims: Readonly<Record<string, unknown>> | undefined): TokenOwner | undefined {
    if (claims === undefined) return undefined;
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

const isBase64Url = (text: string): boolean => /^[A-Za-z0-9_-]*$/.test(text);

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A part of a token; undefined for what is no JSON object. */
function decoded(part: string): Readonly<Record<string, unknown>> | undefined {
  if (!isBase64Url(part)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // so it is no token
  }
}

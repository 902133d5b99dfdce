import { noTokens } from "./no-tokens.ts";
import { SimpleTokens, type SimpleTokensParts } from "./simple-tokens.ts";
import type { Tokens } from "./tokens.ts";

/** What --auth-token says. */
export type TokenKind = { readonly kind: "none" } | { readonly kind: "simple" };

export interface AuthConfig {
  readonly token: TokenKind;
  /** Of simple tokens. */
  readonly tokenTtlMs: number;
}

/** etcd's. */
export const authDefaults: AuthConfig = { token: { kind: "simple" }, tokenTtlMs: 300_000 };

export function makeTokens(config: AuthConfig, parts: Omit<SimpleTokensParts, "ttlMs">): Tokens {
  switch (config.token.kind) {
    case "none":
      return noTokens;
    case "simple":
      return new SimpleTokens({ ...parts, ttlMs: config.tokenTtlMs });
  }
}

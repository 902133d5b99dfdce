import type { Log } from "../../base/os/log.ts";
import { JwtTokens } from "./jwt-tokens.ts";
import { noTokens } from "./no-tokens.ts";
import { SimpleTokens, type SimpleTokensParts } from "./simple-tokens.ts";
import type { TokenKind } from "./token-option.ts";
import type { Tokens } from "./tokens.ts";

export interface AuthConfig {
  readonly token: TokenKind;
  /** Of simple tokens. */
  readonly tokenTtlMs: number;
  /** How often bcrypt goes round, as a power of two. */
  readonly bcryptCost: number;
  /** Whether the name in a client's certificate says who asks. */
  readonly byCertificate: boolean;
}

/** etcd's. */
export const authDefaults: AuthConfig = {
  token: { kind: "simple" },
  tokenTtlMs: 300_000,
  bcryptCost: 10,
  byCertificate: false,
};

/** As etcd does, takes the default in place of what bcrypt does not know. */
export function usableBcryptCost({ bcryptCost: given }: AuthConfig, log: Log): number {
  if (given >= 4 && given <= 31) return given;
  const used = authDefaults.bcryptCost;
  log.warn("use default bcrypt cost instead of the invalid given cost", {
    "given-cost": given,
    "default-cost": used,
  });
  return used;
}

export function makeTokens(
  { token, tokenTtlMs }: AuthConfig,
  parts: Omit<SimpleTokensParts, "ttlMs"> & { readonly wallMs: () => number },
): Tokens {
  switch (token.kind) {
    case "none":
      return noTokens;
    case "simple":
      return new SimpleTokens({ ...parts, ttlMs: tokenTtlMs });
    case "jwt":
      return new JwtTokens(token.keys, token.ttlMs, parts.wallMs);
  }
}

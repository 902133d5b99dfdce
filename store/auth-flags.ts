import { readFileSync } from "node:fs";
import type { FlagTable, FlagValues } from "../base/os/flags.ts";
import type { AuthConfig } from "./auth/auth-config.ts";
import { tokenKind } from "./auth/token-option.ts";
import { naming } from "./listen-url.ts";

/** etcd's, for 0 as well. */
const tokenTtlDefaultS = 300;

export const authFlagRows = {
  "auth-token": {
    kind: "string",
    help: 'tokens of users: "simple", or "jwt,sign-method=ES256,priv-key=FILE,pub-key=FILE,ttl=10m"',
    default: "simple",
  },
  "auth-token-ttl": {
    kind: "integer",
    help: "seconds that a simple token holds unused",
    default: tokenTtlDefaultS,
  },
  "bcrypt-cost": { kind: "integer", help: "cost of hashing a password, 4 to 31", default: 10 },
} as const satisfies FlagTable;

type AuthFlags = FlagValues<typeof authFlagRows> & { readonly "client-cert-auth": boolean };

/** What the flags of authentication say together. Throws UsageError. */
export function authConfig(flags: AuthFlags): AuthConfig {
  const token = naming("--auth-token", () => tokenKind(flags["auth-token"], readFileSync));
  const ttlS = flags["auth-token-ttl"];
  return {
    token,
    tokenTtlMs: (ttlS > 0 ? ttlS : tokenTtlDefaultS) * 1_000,
    bcryptCost: flags["bcrypt-cost"],
    byCertificate: flags["client-cert-auth"],
  };
}

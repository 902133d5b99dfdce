import { generateKeyPairSync } from "node:crypto";
import { type SigningKey, signingKey, verifyingKeys } from "../../../base/os/signing-keys.ts";
import { type AuthenticationConfig, certificatesOnly } from "./config.ts";
import type { TokenIssuer } from "./token-issuer.ts";

export const testIssuer = "https://issuer.test";

export function newSigningKey(type: "ec" | "rsa" = "ec"): { readonly pem: string; readonly key: SigningKey } {
  const { privateKey } =
    type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  return { pem, key: signingKey(pem) };
}

/** A configuration that signs and knows service accounts' tokens. */
export function issuingConfig(
  pem: string,
  more: Partial<AuthenticationConfig> & { readonly issuing?: Partial<TokenIssuer> } = {},
): AuthenticationConfig {
  const { issuing, ...config } = more;
  const issuers = [issuing?.issuer ?? testIssuer];
  const issuer = {
    issuer: testIssuer,
    key: signingKey(pem),
    audiences: issuers,
    maxExpirationSeconds: undefined,
    extendExpiration: true,
    ...issuing,
  };
  return {
    ...certificatesOnly,
    audiences: issuers,
    serviceAccounts: { issuers, keys: verifyingKeys(pem), jwksUri: undefined, issuer },
    ...config,
  };
}

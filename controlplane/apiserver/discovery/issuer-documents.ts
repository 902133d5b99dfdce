import type { VerifyingKey } from "../../../base/os/signing-keys.ts";
import type { ServiceAccountConfig } from "../authentication/config.ts";
import { jsonText } from "../json.ts";

/** What others need to check service accounts' tokens: OpenID's discovery document and the keys. */
export interface IssuerDocuments {
  readonly configuration: string;
  readonly keys: string;
}

export const issuerPaths = {
  configuration: "/.well-known/openid-configuration",
  keys: "/openid/v1/jwks",
} as const;

export const issuerCacheControl = "public, max-age=3600";

/** Absent where the issuer's name is no URL by which it could be asked.
 *  @param address host:port of this server, which may change. */
export function issuerDocuments(
  { issuers, keys, jwksUri }: ServiceAccountConfig,
  address: () => string,
): IssuerDocuments | undefined {
  const [issuer = ""] = issuers;
  if (!URL.canParse(issuer) || keys.length === 0) return undefined;
  const { protocol, search, hash } = new URL(issuer);
  if (protocol !== "https:" || search !== "" || hash !== "") return undefined;
  const algorithms = [...new Set(keys.map(({ algorithm }) => algorithm))].sort();
  return {
    get configuration() {
      return jsonText({
        issuer,
        jwks_uri: jwksUri ?? `https://${address()}${issuerPaths.keys}`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: algorithms,
      });
    },
    keys: jsonText({ keys: keys.map(publicJwk) }),
  };
}

/** Only the public half, field by field: a key read from a private one must not show more. */
function publicJwk({ key, keyId, algorithm }: VerifyingKey) {
  const { kty, crv, x, y, n, e } = key.export({ format: "jwk" });
  const head = { use: "sig", kty, kid: keyId };
  return kty === "EC" ? { ...head, crv, alg: algorithm, x, y } : { ...head, alg: algorithm, n, e };
}

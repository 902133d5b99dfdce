import type { Clock } from "../../../base/os/clock.ts";
import {
  isSignatureAlgorithm,
  isSignedBy,
  type Jws,
  parseJws,
  type SignatureAlgorithm,
} from "../../../base/os/jws.ts";
import { type JsonObject, stringOf } from "../json.ts";
import { AuthenticationError, type TokenAuthenticator } from "./authenticator.ts";
import type { ProviderKey, ProviderKeys } from "./provider-keys.ts";
import { type RegisteredClaims, registeredClaims } from "./token-claims.ts";

export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** PEM; absent: authorities that the system trusts. */
  readonly caPem: string | undefined;
  readonly usernameClaim: string;
  readonly usernamePrefix: string;
  /** Empty: tokens say nothing of groups. */
  readonly groupsClaim: string;
  readonly groupsPrefix: string;
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly requiredClaims: ReadonlyMap<string, string>;
}

/** A provider's clock may be that far ahead. */
const notBeforeLeewaySeconds = 300;

/** ID tokens of an OpenID provider. */
export function oidcTokens(
  config: OidcConfig,
  { keys, clock }: { readonly keys: ProviderKeys; readonly clock: Clock },
): TokenAuthenticator {
  return async (token) => {
    const jws = parseJws(token);
    if (jws === undefined || stringOf(jws.claims.iss) !== config.issuer) return undefined;
    const registered = registeredClaims(jws.claims);
    if (registered === undefined) throw refused("the token's claims have other types than theirs");
    requireMeantForUs(config, registered, clock.wallMs());
    requireAlgorithm(config, jws);
    await requireSignature(config, jws, keys);
    const user = userOf(config, jws.claims, registered);
    requireClaims(config, jws.claims);
    return { user, audiences: [], holdsAt: (wallMs) => !hasExpired(registered, wallMs) };
  };
}

const refused = (why: string) => new AuthenticationError(`oidc: verify token: oidc: ${why}`);
const list = (values: readonly string[]) => `[${values.map((one) => JSON.stringify(one)).join(" ")}]`;

function requireMeantForUs({ clientId }: OidcConfig, registered: RegisteredClaims, nowMs: number): void {
  const { audiences, expiresSeconds = 0, notBeforeSeconds } = registered;
  if (!audiences.includes(clientId))
    throw refused(`expected audience in ${list([clientId])} got ${list(audiences)}`);
  const time = (seconds: number) => new Date(Math.min(seconds, 8.64e12) * 1000).toISOString();
  if (hasExpired(registered, nowMs))
    throw refused(`token is expired (Token Expiry: ${time(expiresSeconds)})`);
  if (notBeforeSeconds !== undefined && nowMs / 1000 + notBeforeLeewaySeconds < notBeforeSeconds)
    throw refused(
      `current time ${time(nowMs / 1000)} before the nbf (not before) time: ${time(notBeforeSeconds)}`,
    );
}

/** Without leeway, and a token that says nothing of its end has none to live for. */
function hasExpired({ expiresSeconds = 0 }: RegisteredClaims, nowMs: number): boolean {
  return expiresSeconds * 1000 < nowMs;
}

function requireAlgorithm({ algorithms }: OidcConfig, { algorithm }: Jws): void {
  if (!isSignatureAlgorithm(algorithm) || !algorithms.includes(algorithm))
    throw refused(
      `malformed jwt: unexpected signature algorithm ${JSON.stringify(algorithm)}; expected ${list(algorithms)}`,
    );
}

async function requireSignature({ algorithms }: OidcConfig, jws: Jws, keys: ProviderKeys): Promise<void> {
  const holds = (candidates: readonly ProviderKey[] | undefined) =>
    (candidates ?? []).some(
      ({ keyId, key }) =>
        (jws.keyId === "" || keyId === "" || keyId === jws.keyId) && isSignedBy(jws, key, algorithms),
    );
  const current = await keys.current();
  if (current === undefined)
    throw new AuthenticationError(`oidc: authenticator not initialized: ${keys.problem}`);
  if (holds(current)) return;
  // The provider may have a new key.
  if (!holds(await keys.renewed()))
    throw refused("failed to verify signature: failed to verify id token signature");
}

function userOf(config: OidcConfig, claims: JsonObject, { id }: RegisteredClaims) {
  const { usernameClaim, usernamePrefix, groupsClaim, groupsPrefix } = config;
  const username = claims[usernameClaim];
  if (username === undefined)
    throw new AuthenticationError(
      `oidc: parse username claims ${JSON.stringify(usernameClaim)}: claim not present`,
    );
  if (typeof username !== "string" || username === "")
    throw new AuthenticationError(`oidc: parse username claims ${JSON.stringify(usernameClaim)}: not a name`);
  if (usernameClaim === "email" && claims.email_verified !== undefined && claims.email_verified !== true)
    throw new AuthenticationError("oidc: email not verified");
  const said = groupsClaim === "" ? undefined : claims[groupsClaim];
  const groups = said === undefined ? [] : typeof said === "string" ? [said] : said;
  if (!Array.isArray(groups) || !groups.every((one) => typeof one === "string"))
    throw new AuthenticationError(
      `oidc: parse groups claim ${JSON.stringify(groupsClaim)}: neither a name nor a list of names`,
    );
  return {
    name: usernamePrefix + username,
    groups: groups.map((one) => groupsPrefix + one),
    ...(id !== "" && { extra: { "authentication.kubernetes.io/credential-id": [`JTI=${id}`] } }),
  };
}

function requireClaims({ requiredClaims }: OidcConfig, claims: JsonObject): void {
  for (const [claim, wanted] of requiredClaims) {
    const value = claims[claim];
    if (value === undefined)
      throw new AuthenticationError(`oidc: required claim ${claim} not present in ID token`);
    if (value !== wanted)
      throw new AuthenticationError(
        `oidc: required claim ${claim} value does not match. Got = ${stringOf(value)}, want = ${wanted}`,
      );
  }
}

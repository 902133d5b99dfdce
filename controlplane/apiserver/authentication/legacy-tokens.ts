import { timingSafeEqual } from "node:crypto";
import type { KubeObject } from "../../../client/types.ts";
import { serviceAccountOf, serviceAccountUser } from "../filters/service-account-user.ts";
import { listOf, objectOf, stringOf } from "../json.ts";
import { AuthenticationError, type TokenAuthenticator } from "./authenticator.ts";
import type { BoundObject, BoundObjects } from "./bound-objects.ts";
import {
  type ServiceAccountTokenConfig,
  type SignedClaims,
  type SignedDeps,
  signedTokens,
} from "./service-account-tokens.ts";

export const legacyIssuer = "kubernetes/serviceaccount";
export const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";
const claimPrefix = "kubernetes.io/serviceaccount/";

/** Tokens without an end that stand in secrets of type kubernetes.io/service-account-token. They hold as long as that
 *  secret has them. */
export function legacyTokens(
  config: Omit<ServiceAccountTokenConfig, "issuers">,
  {
    objects,
    noteUse,
    ...deps
  }: SignedDeps & {
    readonly objects: BoundObjects;
    /** Told of the secret whose token was shown. */
    readonly noteUse: (secret: KubeObject) => void;
  },
): TokenAuthenticator {
  const { uses } = deps;
  return signedTokens({ ...config, issuers: [legacyIssuer] }, deps, async (signed) => {
    const named = namesIn(signed);
    const { namespace, name, uid, secretName } = named;
    const secret = await requireSecret(objects, signed.token, { namespace, name: secretName });
    const account = await objects("serviceaccounts", { namespace, name, uid });
    if (account === undefined)
      throw new AuthenticationError(`serviceaccounts ${JSON.stringify(name)} not found`);
    const { metadata } = account.object;
    if (metadata.deletionTimestamp !== undefined)
      throw new AuthenticationError(`ServiceAccount ${namespace}/${name} has been deleted`);
    if (metadata.uid !== uid)
      throw new AuthenticationError(`ServiceAccount UID (${metadata.uid}) does not match claim (${uid})`);
    noteUse(secret.object);
    if (secret.object.metadata.labels?.[invalidSinceLabel]) {
      uses.invalidated.count++;
      throw new AuthenticationError(
        `the token in secret ${namespace}/${secretName} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`,
      );
    }
    const isNamed = listOf(account.object.secrets).some((one) => objectOf(one).name === secretName);
    (isNamed ? uses.automatic : uses.manual).count++;
    return { user: serviceAccountUser({ namespace, name, uid }), boundTo: [secret, account] };
  });
}

function namesIn({ claims, subject }: SignedClaims) {
  const claim = (name: string, missing: string): string => {
    const value = stringOf(claims[claimPrefix + name]);
    if (value === "") throw new AuthenticationError(`${missing} claim is missing`);
    return value;
  };
  if (subject === "") throw new AuthenticationError("sub claim is missing");
  const namespace = claim("namespace", "namespace");
  const secretName = claim("secret.name", "secretName");
  const name = claim("service-account.name", "serviceAccountName");
  const uid = claim("service-account.uid", "serviceAccountUID");
  const account = serviceAccountOf(subject);
  if (account?.namespace !== namespace || account.name !== name)
    throw new AuthenticationError("sub claim is invalid");
  return { namespace, name, uid, secretName };
}

async function requireSecret(
  objects: BoundObjects,
  token: string,
  { namespace, name }: { namespace: string; name: string },
): Promise<BoundObject> {
  const bound = await objects("secrets", { namespace, name, uid: "" });
  if (bound === undefined || bound.object.metadata.deletionTimestamp !== undefined)
    throw new AuthenticationError("Token has been invalidated");
  const secret = bound.object;
  const kept = Buffer.from(stringOf(objectOf(secret.data).token), "base64");
  const shown = Buffer.from(token);
  if (kept.length !== shown.length || !timingSafeEqual(kept, shown))
    throw new AuthenticationError("Token does not match server's copy");
  return bound;
}

import type { Clock } from "../../../base/os/clock.ts";
import { isSignedBy, parseJws } from "../../../base/os/jws.ts";
import type { VerifyingKey } from "../../../base/os/signing-keys.ts";
import { serviceAccountUser } from "../filters/service-account-user.ts";
import { type JsonObject, objectOf, stringOf } from "../json.ts";
import type { AccountTokenUses } from "./account-token-uses.ts";
import {
  type Audiences,
  AuthenticationError,
  intersection,
  type TokenAuthenticator,
} from "./authenticator.ts";
import type { BoundObject, BoundObjects } from "./bound-objects.ts";
import { hasExpired, leewaySeconds, registeredClaims, requireInTime } from "./token-claims.ts";

export interface ServiceAccountTokenConfig {
  readonly issuers: readonly string[];
  readonly keys: readonly VerifyingKey[];
  /** This server's own, for tokens that name none. */
  readonly audiences: Audiences;
}

/** Whom a token is of, by the objects that it is bound to. */
export interface BoundUser {
  readonly user: ReturnType<typeof serviceAccountUser>;
  readonly boundTo: readonly BoundObject[];
}

export interface SignedClaims {
  readonly token: string;
  readonly claims: JsonObject;
  readonly subject: string;
  readonly id: string;
}

export interface SignedDeps {
  readonly clock: Clock;
  readonly uses: AccountTokenUses;
}

/** The tokens that `serviceaccounts/NAME/token` gives out: signed by one of our keys, for one of the wanted audiences, in
 *  their time, and bound to objects that are all still there. */
export function serviceAccountTokens(
  config: ServiceAccountTokenConfig,
  { objects, ...deps }: SignedDeps & { readonly objects: BoundObjects },
): TokenAuthenticator {
  const { clock, uses } = deps;
  return signedTokens(config, deps, async ({ claims, id }) => {
    const said = objectOf(claims["kubernetes.io"]);
    const namespace = stringOf(said.namespace);
    const account = refOf(said.serviceaccount);
    const pod = said.pod === undefined ? undefined : refOf(said.pod);
    const secret = said.secret === undefined ? undefined : refOf(said.secret);
    const node = said.node === undefined ? undefined : refOf(said.node);
    // What is deleted may still be there to end in good order; its tokens do not outlive it for long.
    const goneBeforeMs = clock.wallMs() - leewaySeconds * 1000;
    const boundTo = [await requireAccount(objects, { namespace, ...account }, goneBeforeMs)];
    const requireObject = boundObject(objects, goneBeforeMs);
    if (secret !== undefined) boundTo.push(await requireObject("secrets", namespace, secret, "secret"));
    if (pod !== undefined) boundTo.push(await requireObject("pods", namespace, pod, "pod"));
    // Beside a pod the node only says where the pod was when the token was made.
    else if (node !== undefined) boundTo.push(await requireObject("nodes", "", node, "node"));
    const { warnafter } = said;
    if (typeof warnafter === "number" && warnafter !== 0)
      (clock.wallMs() > warnafter * 1000 ? uses.stale : uses.valid).count++;
    const user = serviceAccountUser({
      namespace,
      ...account,
      ...(pod && { pod }),
      ...(node && { node }),
      ...(id !== "" && { credentialId: `JTI=${id}` }),
    });
    return { user, boundTo };
  });
}

/** What tokens of an issuer have in common: `userOf` judges what this one says. */
export function signedTokens(
  { issuers, keys, audiences: own }: ServiceAccountTokenConfig,
  { clock, uses }: SignedDeps,
  userOf: (signed: SignedClaims) => Promise<BoundUser>,
): TokenAuthenticator {
  return async (token, wanted = own) => {
    const jws = parseJws(token);
    if (jws === undefined || !issuers.includes(stringOf(jws.claims.iss))) return undefined;
    const candidates = jws.keyId === "" ? keys : keys.filter(({ keyId }) => keyId === jws.keyId);
    if (candidates.length === 0) throw new AuthenticationError("invalid signature, no keys found");
    if (!candidates.some(({ key, algorithm }) => isSignedBy(jws, key, [algorithm])))
      throw new AuthenticationError("go-jose/go-jose: error in cryptographic primitive");
    const registered = registeredClaims(jws.claims);
    if (registered === undefined)
      throw new AuthenticationError("the token's claims have other types than theirs");
    if (registered.audiences.length === 0) uses.legacy.count++;
    const meantFor = registered.audiences.length > 0 ? registered.audiences : own;
    const audiences = intersection(meantFor, wanted);
    if (audiences.length === 0 && own.length > 0)
      throw new AuthenticationError(
        `token audiences ${quoted(meantFor)} is invalid for the target audiences ${quoted(wanted)}`,
      );
    requireInTime(registered, clock.wallMs());
    const { subject, id } = registered;
    const { user, boundTo } = await userOf({ token, claims: jws.claims, subject, id });
    const holdsAt = (wallMs: number) =>
      !hasExpired(registered, wallMs) && boundTo.every((one) => one.isUnchanged());
    return { user, audiences, holdsAt };
  };
}

interface Ref {
  readonly name: string;
  readonly uid: string;
}

function refOf(value: unknown): Ref {
  const { name, uid } = objectOf(value);
  return { name: stringOf(name), uid: stringOf(uid) };
}

/** As Go prints a list of quoted strings. */
const quoted = (values: readonly string[]) => `[${values.map((one) => JSON.stringify(one)).join(" ")}]`;

async function requireAccount(
  objects: BoundObjects,
  { namespace, name, uid }: Ref & { readonly namespace: string },
  goneBeforeMs: number,
): Promise<BoundObject> {
  const account = await objects("serviceaccounts", { namespace, name, uid });
  if (account === undefined)
    throw new AuthenticationError(`serviceaccounts ${JSON.stringify(name)} not found`);
  const { metadata } = account.object;
  if (metadata.uid !== uid)
    throw new AuthenticationError(`service account UID (${metadata.uid}) does not match claim (${uid})`);
  if (isGone(metadata.deletionTimestamp, goneBeforeMs))
    throw new AuthenticationError(`service account ${namespace}/${name} has been deleted`);
  return account;
}

function boundObject(objects: BoundObjects, goneBeforeMs: number) {
  return async (
    plural: "secrets" | "pods" | "nodes",
    namespace: string,
    { name, uid }: Ref,
    what: "secret" | "pod" | "node",
  ): Promise<BoundObject> => {
    const bound = await objects(plural, { namespace, name, uid });
    const invalidated = "service account token has been invalidated";
    if (bound === undefined) throw new AuthenticationError(invalidated);
    const { metadata } = bound.object;
    if (metadata.uid !== uid)
      throw new AuthenticationError(
        `${what} UID (${metadata.uid}) does not match service account ${what} ref claim (${uid})`,
      );
    if (isGone(metadata.deletionTimestamp, goneBeforeMs)) throw new AuthenticationError(invalidated);
    return bound;
  };
}

function isGone(deletionTimestamp: string | undefined, beforeMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < beforeMs;
}
